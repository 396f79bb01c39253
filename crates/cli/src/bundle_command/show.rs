//! What is in a bundle, and what differs between two, as text.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use bundle::{Artifact, Bundle, BundleError, Difference, Kind, Manifest, differences};

/// Prints what a bundle holds.
pub(super) fn show(file: &Path, verbose: bool, json: bool) -> Result<(), BundleError> {
    let bundle = Bundle::open(file)?;
    let manifest = bundle.manifest();
    if json {
        let text = serde_json::to_string_pretty(manifest).unwrap_or_default();
        anstream::println!("{text}");
        return Ok(());
    }
    if verbose {
        for artifact in &manifest.artifacts {
            anstream::println!("{:>12}  {}  {}", artifact.size, artifact.sha256, artifact.path);
        }
    }
    let kubernetes = manifest.kubernetes.as_deref().map(|version| format!("for Kubernetes {version}, "));
    let archs: Vec<&str> = manifest.architectures().into_iter().collect();
    anstream::println!("{}: {}{}", file.display(), kubernetes.unwrap_or_default(), archs.join(" and "));
    let mut kinds: BTreeMap<Kind, Vec<&Artifact>> = BTreeMap::new();
    for artifact in manifest.artifacts.iter().filter(|artifact| artifact.kind != Kind::Blob) {
        kinds.entry(artifact.kind).or_default().push(artifact);
    }
    for (kind, artifacts) in &kinds {
        anstream::println!("{}", kind.plural());
        for artifact in artifacts {
            let version = artifact.version.as_deref().unwrap_or("-");
            let arch = artifact.arch.as_deref().unwrap_or("");
            anstream::println!("  {:<34} {version:<24} {arch:<7} {:>10}", artifact.name, size(artifact.size));
        }
    }
    if !manifest.images.is_empty() {
        anstream::println!("images");
    }
    let sizes: BTreeMap<&str, u64> =
        manifest.artifacts.iter().map(|artifact| (artifact.path.as_str(), artifact.size)).collect();
    for image in &manifest.images {
        let blobs = image.blobs.iter().map(|digest| bundle::blob_path(digest));
        let total: u64 = blobs.filter_map(|path| sizes.get(path.as_str())).sum();
        anstream::println!("  {:<59} {:<7} {:>10}", image.reference, image.arch, size(total));
    }
    match bundle.signer() {
        Some(key) => {
            anstream::println!("signed, the signer says, with {key} (`bundle verify --key` checks it)")
        }
        None => anstream::println!("not signed"),
    }
    anstream::println!("{}", counted(manifest));
    Ok(())
}

/// Prints what differs; exit code 1 if something does.
pub(super) fn diff(one: &Path, other: &Path) -> Result<ExitCode, BundleError> {
    let (one, other) = (Bundle::open(one)?, Bundle::open(other)?);
    let found = differences(one.manifest(), other.manifest());
    for difference in &found {
        match difference {
            Difference::Added(name) => anstream::println!("+ {name}"),
            Difference::Removed(name) => anstream::println!("- {name}"),
            Difference::Changed { name, from, to } => anstream::println!("~ {name}: {from} -> {to}"),
        }
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `14 files and 3 images, 120.4 MB`
pub(super) fn counted(manifest: &Manifest) -> String {
    let bytes: u64 = manifest.artifacts.iter().map(|artifact| artifact.size).sum();
    let files = manifest.artifacts.iter().filter(|artifact| artifact.kind != Kind::Blob).count();
    format!("{} and {}, {}", many(files, "file"), many(manifest.images.len(), "image"), size(bytes))
}

pub(super) fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Bytes as a person reads them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(20_000_000), "20.0 MB");
        assert_eq!(size(2_147_483_648), "2.15 GB");
    }
}
