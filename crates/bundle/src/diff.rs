//! What differs between two bundles.

use std::collections::BTreeMap;

use crate::{Kind, Manifest};

/// A difference: what it is about, and how it was and is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only in the second.
    Added(String),
    /// Only in the first.
    Removed(String),
    /// In both, but not the same.
    Changed {
        /// What.
        name: String,
        /// In the first.
        from: String,
        /// In the second.
        to: String,
    },
}

/// What differs from one bundle to another: things by their names, so that a new version is one change. Blobs are part of their images.
pub fn differences(one: &Manifest, other: &Manifest) -> Vec<Difference> {
    let (one, other) = (things(one), things(other));
    let gone = one
        .iter()
        .filter(|(name, _)| !other.contains_key(*name))
        .map(|(name, (shown, _))| Difference::Removed(said(name, shown)));
    let rest = other.iter().filter_map(|(name, (shown, hash))| match one.get(name) {
        None => Some(Difference::Added(said(name, shown))),
        Some((_, before)) if before == hash => None,
        Some((was, before)) => {
            let told = was != shown;
            let short =
                |hash: &String| hash.trim_start_matches("sha256:").chars().take(12).collect::<String>();
            let (from, to) = if told { (was.clone(), shown.clone()) } else { (short(before), short(hash)) };
            Some(Difference::Changed { name: name.clone(), from, to })
        }
    });
    gone.chain(rest).collect()
}

fn said(name: &str, shown: &str) -> String {
    if shown.is_empty() { name.to_owned() } else { format!("{name} {shown}") }
}

/// By name: the version, and what tells contents apart.
fn things(manifest: &Manifest) -> BTreeMap<String, (String, String)> {
    let mut things = BTreeMap::new();
    for artifact in manifest.artifacts.iter().filter(|artifact| artifact.kind != Kind::Blob) {
        let name = match (&artifact.name[..], &artifact.arch) {
            ("", _) => artifact.path.clone(),
            (name, Some(arch)) => format!("{name} ({arch})"),
            (name, None) => name.to_owned(),
        };
        things.insert(name, (artifact.version.clone().unwrap_or_default(), artifact.sha256.clone()));
    }
    for image in &manifest.images {
        let (name, tag) = image.reference.rsplit_once(':').unwrap_or((&image.reference, ""));
        let mut key = format!("image {name} ({})", image.arch);
        if things.contains_key(&key) {
            // Two tags of one name in the same bundle.
            key = format!("image {} ({})", image.reference, image.arch);
        }
        things.insert(key, (tag.to_owned(), image.digest.clone()));
    }
    if let Some(version) = &manifest.kubernetes {
        things.insert("Kubernetes".into(), (version.clone(), version.clone()));
    }
    things
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Artifact;

    #[test]
    fn a_new_version_is_one_change() {
        let of = |name: &str, version: &str, sha256: &str| Artifact {
            name: name.into(),
            version: Some(version.into()),
            sha256: sha256.into(),
            ..Artifact::default()
        };
        let one = Manifest {
            artifacts: vec![of("etcd", "3.5.1", "a"), of("runc", "1.1", "b")],
            ..Manifest::default()
        };
        let two = Manifest {
            artifacts: vec![of("etcd", "3.6.5", "c"), of("helm", "3.18", "d")],
            ..Manifest::default()
        };
        let found = differences(&one, &two);
        assert_eq!(
            found,
            [
                Difference::Removed("runc 1.1".into()),
                Difference::Changed { name: "etcd".into(), from: "3.5.1".into(), to: "3.6.5".into() },
                Difference::Added("helm 3.18".into()),
            ]
        );
        assert!(differences(&one, &one).is_empty());
    }
}
