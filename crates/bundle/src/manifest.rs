//! The first entry of a bundle: what is in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Name of the first entry.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The only format so far; a reader refuses others.
pub(crate) const FORMAT: u32 = 1;

/// What a bundle holds, in the order of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the bundle format.
    pub format: u32,
    /// The Kubernetes version it was made for, such as `1.36.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// Every file after the manifest and its signature.
    pub artifacts: Vec<Artifact>,
    /// Container images; their blobs are artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

impl Manifest {
    /// The architectures that any of its programs, packages or images is for, in Go's names: `amd64`, `arm64`.
    pub fn architectures(&self) -> BTreeSet<&str> {
        let of_artifacts = self.artifacts.iter().filter_map(|artifact| artifact.arch.as_deref());
        let of_images = self.images.iter().map(|image| image.arch.as_str());
        of_artifacts.chain(of_images).filter(|arch| *arch != "all" && *arch != "noarch").collect()
    }

    /// The artifact at a path.
    pub fn artifact(&self, path: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.path == path)
    }
}

/// One file of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Path inside the bundle, with `/`, never absolute and without `..`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Whether it is a program.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
    /// What it is.
    pub kind: Kind,
    /// Its name without version: `kubelet`, `haproxy`; for a blob empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version, without a leading `v`, where it told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The architecture it is for, in Go's names; for packages also `all` and `noarch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// For a package of an operating system the package set it belongs to, such as `debian-12`; without one it is for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The URL it came from; what came from a folder has none, so that the folder's place does not change the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// For a .deb its control file, from which a package index is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What a file of a bundle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program of a node: `bin/ARCH/NAME`.
    Program,
    /// A CNI plugin: `bin/ARCH/cni/NAME`.
    CniPlugin,
    /// A Helm chart: `charts/NAME-VERSION.tgz`.
    Chart,
    /// Kubernetes objects as YAML: `manifests/NAME`.
    Manifest,
    /// A Debian package: `packages/FILE`, or `packages/SET/FILE`.
    Deb,
    /// An RPM package: the same.
    Rpm,
    /// A part of images: `images/blobs/sha256/HASH`.
    Blob,
    /// Anything else: `files/...`.
    #[default]
    File,
}

impl Kind {
    /// What several of it are called on a screen.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Program => "programs",
            Self::CniPlugin => "CNI plugins",
            Self::Chart => "charts",
            Self::Manifest => "manifests",
            Self::Deb => "Debian packages",
            Self::Rpm => "RPM packages",
            Self::Blob => "image blobs",
            Self::File => "other files",
        }
    }
}

/// One container image for one architecture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its full name with tag: `registry.k8s.io/pause:3.10.1`.
    pub reference: String,
    /// The architecture, in Go's names.
    pub arch: String,
    /// Digest of its manifest: `sha256:...`.
    pub digest: String,
    /// Media type of its manifest.
    pub media_type: String,
    /// Digests of its manifest, its configuration and its layers, each a blob of the bundle.
    pub blobs: Vec<String>,
}

/// The path of a blob, by its digest `sha256:...`.
pub fn blob_path(digest: &str) -> String {
    format!("images/blobs/{}", digest.replace(':', "/"))
}

impl Artifact {
    /// Why the path cannot be unpacked safely, if so.
    pub(crate) fn unsafe_path(&self) -> Option<&'static str> {
        let path = std::path::Path::new(&self.path);
        if self.path.is_empty() || path.is_absolute() {
            return Some("its path is absolute or empty");
        }
        let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        // `components` forgives `a//b` and `a/./b`, which would be two names for one file.
        let plain = plain && !self.path.split('/').any(|part| part.is_empty() || part == ".");
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
            ("a//b", false),
            ("a/./b", false),
            ("", false),
        ] {
            let artifact = Artifact { path: path.into(), ..Artifact::default() };
            assert_eq!(artifact.unsafe_path().is_none(), fine, "{path}");
        }
    }

    #[test]
    fn architectures_are_those_of_programs_and_images() {
        let of = |arch: &str| Artifact { arch: Some(arch.into()), ..Artifact::default() };
        let manifest = Manifest {
            artifacts: vec![of("arm64"), of("all"), of("amd64"), of("amd64")],
            ..Manifest::default()
        };
        assert_eq!(manifest.architectures().into_iter().collect::<Vec<_>>(), ["amd64", "arm64"]);
    }
}
