//! The first entry of a bundle: what is in it.

use serde::{Deserialize, Serialize};

/// Name of the first entry.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The only format so far; a reader refuses others.
pub(crate) const FORMAT: u32 = 1;

/// What a bundle holds, in the order of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the bundle format.
    pub format: u32,
    /// Every file after the manifest itself.
    pub artifacts: Vec<Artifact>,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Path inside the bundle, with `/`, never absolute and without `..`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether it is a program.
    pub executable: bool,
}

impl Artifact {
    /// Why the path cannot be unpacked safely, if so.
    pub(crate) fn unsafe_path(&self) -> Option<&'static str> {
        let path = std::path::Path::new(&self.path);
        if self.path.is_empty() || path.is_absolute() {
            return Some("its path is absolute or empty");
        }
        let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        (!plain).then_some("its path leads out of the bundle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_unsafe() {
        for (path, fine) in [
            ("etcd", true),
            ("cni/bridge", true),
            ("/etc/passwd", false),
            ("../x", false),
            ("a/../../x", false),
            ("", false),
        ] {
            let artifact = Artifact { path: path.into(), size: 0, sha256: String::new(), executable: false };
            assert_eq!(artifact.unsafe_path().is_none(), fine, "{path}");
        }
    }
}
