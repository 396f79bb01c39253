//! Images out of registries, by digest: the list of architectures, the manifests of the wanted ones, each blob once.

use std::path::Path;

use super::download::{Download, Downloads, Promise, Trouble, judge};
use super::registry::Registry;
use crate::content::Content;
use crate::digest::sha256;
use crate::image::{
    DOCKER_LIST, DOCUMENT_LIMIT, Descriptor, Found, ImageConfig, ImageManifest, Index, OCI_INDEX,
    OCI_MANIFEST, Reference, is_digest, is_index,
};
use crate::{BundleError, Image};

/// What we understand.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Fetches an image for some architectures. `name` is what it is called in the bundle; `reference` says where it is asked for.
///
/// # Errors
/// The registry does not give it, has it not for one of the architectures, or gives other bytes than a digest promises.
pub fn pull(
    registry: &Registry<'_>,
    downloads: &Downloads<'_>,
    name: &Reference,
    reference: &Reference,
    archs: &[String],
    at_once: usize,
) -> Result<Vec<Found>, BundleError> {
    let pull = Pull { registry, downloads, reference };
    let (media_type, bytes) = pull.manifest(reference.wanted())?;
    let digest = format!("sha256:{}", sha256(&bytes));
    if let Some(promised) =
        reference.digest.as_ref().or(name.digest.as_ref()).filter(|promised| **promised != digest)
    {
        return Err(BundleError::Checksum {
            what: reference.to_string(),
            by: "its name".into(),
            promised: promised.clone(),
            found: digest,
        });
    }
    let mut found = Vec::new();
    if is_index(&media_type) {
        let index: Index = pull.parsed(&bytes)?;
        for arch in archs {
            let fits = |descriptor: &&Descriptor| {
                descriptor.platform.as_ref().is_some_and(|own| own.os == "linux" && own.architecture == *arch)
            };
            let descriptor = index.manifests.iter().find(fits).ok_or_else(|| pull.lacks(arch))?;
            let (media_type, bytes) = pull.manifest(&descriptor.digest)?;
            found.push(pull.image(name, &media_type, bytes, Some(arch), at_once)?);
        }
    } else {
        let one = pull.image(name, &media_type, bytes, None, at_once)?;
        if let Some(arch) = archs.iter().find(|arch| **arch != one.image.arch) {
            return Err(pull.lacks(arch));
        }
        found.push(one);
    }
    Ok(found)
}

/// An image that is asked for.
pub(super) struct Pull<'a> {
    pub(super) registry: &'a Registry<'a>,
    pub(super) downloads: &'a Downloads<'a>,
    pub(super) reference: &'a Reference,
}

impl Pull<'_> {
    fn failed(&self, reason: impl Into<String>) -> BundleError {
        self.registry.failed(self.reference, reason.into())
    }

    fn lacks(&self, arch: &str) -> BundleError {
        self.failed(format!("the registry does not have it for {arch}"))
    }

    pub(super) fn parsed<T: for<'de> serde::Deserialize<'de>>(&self, bytes: &[u8]) -> Result<T, BundleError> {
        serde_json::from_slice(bytes)
            .map_err(|error| self.failed(format!("its manifest is damaged: {error}")))
    }

    /// A manifest by tag or digest: its media type and bytes.
    pub(super) fn manifest(&self, wanted: &str) -> Result<(String, Vec<u8>), BundleError> {
        let repository = &self.reference.repository;
        let url = self.registry.url(repository, &format!("manifests/{wanted}"));
        self.downloads.with_tries(&url, |_| {
            let answer = self.registry.send("GET", &url, repository, &[("Accept", ACCEPT)], &|| Ok(None))?;
            judge(answer.status())?;
            let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
            let media_type =
                media_type.unwrap_or(OCI_MANIFEST).split(';').next().unwrap_or_default().to_owned();
            let mut body = answer.into_body();
            let bytes = body.with_config().limit(DOCUMENT_LIMIT).read_to_vec();
            let bytes = bytes.map_err(|error| Trouble::Again(error.to_string()))?;
            if is_digest(wanted) && format!("sha256:{}", sha256(&bytes)) != wanted {
                return Err(Trouble::Again("the manifest that came is not the one of that digest".into()));
            }
            Ok((media_type, bytes))
        })
    }

    fn image(
        &self,
        name: &Reference,
        media_type: &str,
        bytes: Vec<u8>,
        arch: Option<&String>,
        at_once: usize,
    ) -> Result<Found, BundleError> {
        debug_assert!(media_type != OCI_INDEX && media_type != DOCKER_LIST);
        let digest = format!("sha256:{}", sha256(&bytes));
        let manifest: ImageManifest = self.parsed(&bytes)?;
        let parts: Vec<&Descriptor> = std::iter::once(&manifest.config).chain(&manifest.layers).collect();
        if let Some(odd) = parts.iter().find(|part| !is_digest(&part.digest)) {
            return Err(self.failed(format!("`{}` in its manifest is no SHA-256 digest", odd.digest)));
        }
        let headers: Vec<(String, String)> = self
            .registry
            .authorization(&self.reference.repository)
            .map(|authorization| ("Authorization".to_owned(), authorization))
            .into_iter()
            .collect();
        let wanted: Vec<Download> = parts
            .iter()
            .map(|part| Download {
                url: self.registry.url(&self.reference.repository, &format!("blobs/{}", part.digest)),
                promise: Promise::Known(part.digest.trim_start_matches("sha256:").to_owned()),
                headers: headers.clone(),
            })
            .collect();
        let files = self.downloads.all(&wanted, at_once)?;
        let config: ImageConfig = self.config(files.first().map(std::path::PathBuf::as_path))?;
        let mut blobs = vec![(digest.clone(), Content::Bytes(bytes.into()))];
        blobs.extend(parts.iter().zip(files).map(|(part, file)| (part.digest.clone(), Content::File(file))));
        let reference = Reference { digest: None, ..name.clone() };
        let reference = if reference.tag.is_some() { reference.to_string() } else { name.to_string() };
        let image = Image {
            reference,
            arch: arch.cloned().unwrap_or(config.architecture),
            digest,
            media_type: media_type.to_owned(),
            blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
        };
        Ok(Found { image, blobs })
    }

    fn config(&self, file: Option<&Path>) -> Result<ImageConfig, BundleError> {
        let file = file.ok_or_else(|| self.failed("it has no configuration"))?;
        let bytes = Content::File(file.to_owned())
            .read_small(DOCUMENT_LIMIT)
            .map_err(BundleError::file("read", file))?;
        self.parsed(&bytes)
    }
}
