//! Archives of `docker save`: a configuration and uncompressed layers, with the names in `manifest.json`.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::{DOCUMENT_LIMIT, Descriptor, Found, ImageConfig, ImageManifest, OCI_MANIFEST, full_name};
use crate::content::Content;
use crate::digest::sha256;
use crate::{BundleError, Image};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The images of an archive; a layer keeps its bytes, and gets a manifest as OCI has it. An image without a tag is left out: nobody could
/// ask for it.
///
/// # Errors
/// The archive contradicts itself.
pub(crate) fn read(path: &Path, members: &HashMap<String, Content>) -> Result<Vec<Found>, BundleError> {
    let unusable = |reason: String| BundleError::unusable(path, reason);
    let member = |name: &str| {
        members.get(name).ok_or_else(|| unusable(format!("it is an image archive without its `{name}`")))
    };
    let document = |name: &str| {
        member(name)?.read_small(DOCUMENT_LIMIT).map_err(|error| unusable(format!("`{name}`: {error}")))
    };
    let listed: Vec<Saved> = serde_json::from_slice(&document("manifest.json")?)
        .map_err(|error| unusable(format!("its manifest.json is damaged: {error}")))?;
    let mut found = Vec::new();
    for saved in listed {
        let config_bytes = document(&saved.config)?;
        let config: ImageConfig = serde_json::from_slice(&config_bytes)
            .map_err(|error| unusable(format!("`{}` is damaged: {error}", saved.config)))?;
        let config_digest = format!("sha256:{}", sha256(&config_bytes));
        let mut blobs = vec![(config_digest.clone(), member(&saved.config)?.clone())];
        let mut layers = Vec::new();
        for layer in &saved.layers {
            let content = member(layer)?;
            let (size, hash) = content.digest().map_err(|error| unusable(format!("`{layer}`: {error}")))?;
            let start = content.read_start(2).map_err(|error| unusable(format!("`{layer}`: {error}")))?;
            let suffix = if start == [0x1f, 0x8b] { "+gzip" } else { "" };
            let digest = format!("sha256:{hash}");
            blobs.push((digest.clone(), content.clone()));
            layers.push(Descriptor {
                media_type: format!("application/vnd.oci.image.layer.v1.tar{suffix}"),
                digest,
                size,
                platform: None,
                annotations: None,
            });
        }
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(OCI_MANIFEST.to_owned()),
            config: Descriptor {
                media_type: "application/vnd.oci.image.config.v1+json".into(),
                digest: config_digest,
                size: config_bytes.len() as u64,
                platform: None,
                annotations: None,
            },
            layers,
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|error| unusable(error.to_string()))?;
        let digest = format!("sha256:{}", sha256(&bytes));
        blobs.insert(0, (digest.clone(), Content::Bytes(bytes.into())));
        for tag in saved.repo_tags.unwrap_or_default() {
            let image = Image {
                reference: full_name(&tag),
                arch: config.architecture.clone(),
                digest: digest.clone(),
                media_type: OCI_MANIFEST.to_owned(),
                blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
            };
            found.push(Found { image, blobs: blobs.clone() });
        }
    }
    Ok(found)
}
