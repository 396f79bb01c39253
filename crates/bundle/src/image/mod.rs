//! Container images: read from archives, kept as blobs that are stored once, given out as archives that `ctr images import` reads.

mod docker;
mod export;
mod oci;
mod reference;

pub use export::archive;
pub(crate) use oci::{Index, is_index};
pub use reference::{Reference, full_name};

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::manifest::{Kind, blob_path};
use crate::{Artifact, Builder, BundleError, Image};

pub(crate) use docker::read as read_docker;
pub(crate) use oci::read as read_layout;

/// Media type of an OCI manifest.
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI index.
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of Docker's manifest list.
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The longest manifest or configuration that is read.
pub(crate) const DOCUMENT_LIMIT: u64 = 8 * 1024 * 1024;

/// Names a blob, and says what kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    /// Its media type.
    pub(crate) media_type: String,
    /// `sha256:...`
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
    /// For which machine, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    /// Notes, among them names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// A machine that an image is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    /// In Go's names.
    pub(crate) architecture: String,
    /// `linux`
    pub(crate) os: String,
}

/// An image's manifest, OCI's or Docker's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageManifest {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// An image's configuration: the parts that matter here.
#[derive(Debug, Deserialize)]
pub(crate) struct ImageConfig {
    #[serde(default)]
    pub(crate) architecture: String,
}

/// An image with where its blobs are, on the way into a bundle.
#[derive(Clone, Debug)]
pub struct Found {
    /// The image.
    pub image: Image,
    /// Its blobs: digest and content.
    pub blobs: Vec<(String, Content)>,
}

impl Found {
    /// Adds the image and its blobs to a bundle; each blob must have the hash that its digest says.
    ///
    /// # Errors
    /// A blob has another content than its digest says, or cannot be read.
    pub fn add_to(self, builder: &mut Builder) -> Result<(), BundleError> {
        for (digest, content) in self.blobs {
            let name = content.name();
            let path = blob_path(&digest);
            builder.add(Artifact { path: path.clone(), kind: Kind::Blob, ..Artifact::default() }, content)?;
            let found = builder.hash_at(&path).unwrap_or_default();
            let promised = digest.trim_start_matches("sha256:");
            if found != promised {
                return Err(BundleError::Checksum {
                    what: name,
                    by: self.image.reference,
                    promised: promised.to_owned(),
                    found,
                });
            }
        }
        builder.add_image(self.image)
    }
}

/// Whether it is a digest that names a file safely.
pub(crate) fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(crate::digest::is_sha256)
}
