//! How large things are, asked of their sources without fetching them.

use std::collections::BTreeMap;

use super::client::explain;
use super::download::{Downloads, Trouble, judge};
use super::pull::Pull;
use super::registry::Registry;
use crate::BundleError;
use crate::image::{Descriptor, ImageManifest, Index, Reference, is_index};

impl Downloads<'_> {
    /// Bytes of a file; `None` if its server does not say.
    ///
    /// # Errors
    /// As [`Self::one`].
    pub fn size(&self, url: &str) -> Result<Option<u64>, BundleError> {
        let address = self.client.rewritten(url);
        self.with_tries(url, |_| {
            let response = self.client.agent(&address).and_then(|agent| agent.head(&address).call());
            let response = response.map_err(|error| Trouble::Again(explain(&error)))?;
            judge(response.status())?;
            let length = response.headers().get("content-length").and_then(|value| value.to_str().ok());
            Ok(length.and_then(|length| length.parse().ok()))
        })
    }
}

/// Bytes of an image for some architectures: its manifests, configurations and layers, each once.
///
/// # Errors
/// The registry does not give its manifests.
pub fn image_size(
    registry: &Registry<'_>,
    downloads: &Downloads<'_>,
    reference: &Reference,
    archs: &[String],
) -> Result<u64, BundleError> {
    let pull = Pull { registry, downloads, reference };
    let (media_type, bytes) = pull.manifest(reference.wanted())?;
    let mut blobs = BTreeMap::new();
    let mut add = |bytes: &[u8]| -> Result<(), BundleError> {
        let manifest: ImageManifest = pull.parsed(bytes)?;
        for part in std::iter::once(&manifest.config).chain(&manifest.layers) {
            blobs.insert(part.digest.clone(), part.size);
        }
        Ok(())
    };
    if is_index(&media_type) {
        let index: Index = pull.parsed(&bytes)?;
        let wanted = |descriptor: &&Descriptor| {
            let own = descriptor.platform.as_ref();
            own.is_some_and(|own| own.os == "linux" && archs.contains(&own.architecture))
        };
        for descriptor in index.manifests.iter().filter(wanted) {
            add(&pull.manifest(&descriptor.digest)?.1)?;
        }
    } else {
        add(&bytes)?;
    }
    Ok(blobs.values().sum())
}
