//! The OCI image layout: `oci-layout`, `index.json` and blobs, as a folder or in a tar archive.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    DOCKER_LIST, DOCUMENT_LIMIT, Descriptor, Found, ImageConfig, ImageManifest, OCI_INDEX, full_name,
    is_digest,
};
use crate::content::Content;
use crate::{BundleError, Image};

/// Notes that hold an image's full name, the surer one first.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// An index, or Docker's list of manifests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    pub(crate) manifests: Vec<Descriptor>,
}

/// Whether this media type is that of a list of manifests.
pub(crate) fn is_index(media_type: &str) -> bool {
    media_type == OCI_INDEX || media_type == DOCKER_LIST
}

/// The images of a layout. What has no full name, or is not there for some architecture, is left out.
///
/// # Errors
/// The layout contradicts itself.
pub(crate) fn read(path: &Path, members: &HashMap<String, Content>) -> Result<Vec<Found>, BundleError> {
    let layout = Layout { path, members };
    let index: Index = layout.document("index.json")?;
    let mut found = Vec::new();
    for descriptor in &index.manifests {
        let name = NAMES.iter().find_map(|note| descriptor.annotations.as_ref()?.get(*note));
        // A bare tag, as some tools write it, does not say of what.
        let Some(name) = name.filter(|name| name.contains([':', '/'])) else { continue };
        layout.collect(&full_name(name), descriptor, &mut found, 0)?;
    }
    Ok(found)
}

struct Layout<'a> {
    path: &'a Path,
    members: &'a HashMap<String, Content>,
}

impl Layout<'_> {
    fn unusable(&self, reason: impl Into<String>) -> BundleError {
        BundleError::unusable(self.path, reason)
    }

    fn member(&self, name: &str) -> Result<&Content, BundleError> {
        self.members
            .get(name)
            .ok_or_else(|| self.unusable(format!("it is an image layout without its `{name}`")))
    }

    fn document<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, BundleError> {
        let bytes = self.member(name)?.read_small(DOCUMENT_LIMIT);
        let bytes = bytes.map_err(|error| self.unusable(format!("`{name}`: {error}")))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.unusable(format!("its `{name}` is damaged: {error}")))
    }

    fn blob_name(&self, digest: &str) -> Result<String, BundleError> {
        if is_digest(digest) {
            return Ok(format!("blobs/{}", digest.replace(':', "/")));
        }
        Err(self.unusable(format!("`{digest}` is no SHA-256 digest")))
    }

    fn collect(
        &self,
        reference: &str,
        descriptor: &Descriptor,
        found: &mut Vec<Found>,
        depth: u8,
    ) -> Result<(), BundleError> {
        let name = self.blob_name(&descriptor.digest)?;
        if !self.members.contains_key(&name) && depth > 0 {
            // One of several architectures that was not saved.
            return Ok(());
        }
        if is_index(&descriptor.media_type) {
            if depth > 3 {
                return Err(self.unusable("its lists of manifests are nested too deep"));
            }
            let index: Index = self.document(&name)?;
            return index
                .manifests
                .iter()
                .try_for_each(|inner| self.collect(reference, inner, found, depth + 1));
        }
        let manifest: ImageManifest = self.document(&name)?;
        if !manifest.config.media_type.contains("image") {
            // An attestation or another thing that is no image.
            return Ok(());
        }
        let config: ImageConfig = self.document(&self.blob_name(&manifest.config.digest)?)?;
        if config.architecture.is_empty() || config.architecture == "unknown" {
            return Ok(());
        }
        let mut blobs = vec![(descriptor.digest.clone(), self.member(&name)?.clone())];
        for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
            blobs.push((part.digest.clone(), self.member(&self.blob_name(&part.digest)?)?.clone()));
        }
        let image = Image {
            reference: reference.to_owned(),
            arch: config.architecture,
            digest: descriptor.digest.clone(),
            media_type: descriptor.media_type.clone(),
            blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
        };
        found.push(Found { image, blobs });
        Ok(())
    }
}
