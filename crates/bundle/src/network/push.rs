//! Images of a bundle into a registry: each blob once, the manifest last, so that a broken push never leaves a name that cannot be pulled.

use std::collections::HashMap;

use super::download::{Downloads, Trouble, judge};
use super::registry::Registry;
use crate::content::Content;
use crate::image::{DOCUMENT_LIMIT, Reference};
use crate::manifest::blob_path;
use crate::{BundleError, Image};

/// What a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Blobs that were sent.
    pub sent: usize,
    /// Blobs that were there.
    pub kept: usize,
    /// Whether the registry had another manifest under the name, or none.
    pub changed: bool,
}

/// Sends an image to `to`, a repository and tag of the registry. `blobs` has content by path in the bundle.
///
/// # Errors
/// The registry does not take it, or a blob is not in the bundle.
pub fn push(
    registry: &Registry<'_>,
    downloads: &Downloads<'_>,
    image: &Image,
    to: &Reference,
    blobs: &HashMap<String, Content>,
) -> Result<Pushed, BundleError> {
    let push = Push { registry, downloads, to, blobs };
    let manifest = push.blob(&image.digest)?.read_small(DOCUMENT_LIMIT);
    let manifest = manifest.map_err(|error| registry.failed(to, error.to_string()))?;
    let mut pushed = Pushed::default();
    if push.has_manifest(&image.digest)? {
        pushed.kept = image.blobs.len();
        return Ok(pushed);
    }
    for digest in image.blobs.iter().filter(|digest| **digest != image.digest) {
        if push.blob_if_missing(digest)? {
            pushed.sent += 1;
        } else {
            pushed.kept += 1;
        }
    }
    push.manifest(&image.media_type, manifest)?;
    pushed.changed = true;
    Ok(pushed)
}

/// A name of a registry that is being pushed to.
pub(super) struct Push<'a> {
    pub(super) registry: &'a Registry<'a>,
    pub(super) downloads: &'a Downloads<'a>,
    pub(super) to: &'a Reference,
    pub(super) blobs: &'a HashMap<String, Content>,
}

impl Push<'_> {
    fn blob(&self, digest: &str) -> Result<&Content, BundleError> {
        let missing = || self.registry.failed(self.to, format!("blob {digest} is not in the bundle"));
        self.blobs.get(&blob_path(digest)).ok_or_else(missing)
    }

    /// Whether the name leads to this manifest already.
    pub(super) fn has_manifest(&self, digest: &str) -> Result<bool, BundleError> {
        let url = self.registry.url(&self.to.repository, &format!("manifests/{}", self.to.wanted()));
        let accept = super::pull::ACCEPT;
        self.downloads.with_tries(&url, |_| {
            let answer =
                self.registry.send("HEAD", &url, &self.to.repository, &[("Accept", accept)], &|| Ok(None))?;
            if answer.status().as_u16() == 404 {
                return Ok(false);
            }
            judge(answer.status())?;
            let own = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
            Ok(own == Some(digest))
        })
    }

    /// Sends a blob if the registry lacks it; says whether it did.
    fn blob_if_missing(&self, digest: &str) -> Result<bool, BundleError> {
        let repository = &self.to.repository;
        let content = self.blob(digest)?;
        let url = self.registry.url(repository, &format!("blobs/{digest}"));
        let there = self.downloads.with_tries(&url, |_| {
            let answer = self.registry.send("HEAD", &url, repository, &[], &|| Ok(None))?;
            if answer.status().as_u16() == 404 {
                return Ok(false);
            }
            judge(answer.status()).map(|()| true)
        })?;
        if there {
            return Ok(false);
        }
        let start = self.registry.url(repository, "blobs/uploads/");
        self.downloads.with_tries(&url, |_| {
            let empty = || Ok(Some((0, Box::new(std::io::empty()) as Box<dyn std::io::Read>)));
            let answer = self.registry.send("POST", &start, repository, &[], &empty)?;
            judge(answer.status())?;
            let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
            let location = location
                .ok_or_else(|| Trouble::Never("the registry does not say where to send to".into()))?;
            let location = absolute(&start, location);
            let separator = if location.contains('?') { '&' } else { '?' };
            let to = format!("{location}{separator}digest={digest}");
            let size = match content {
                Content::Range { size, .. } => *size,
                other => other.digest().map_err(|error| Trouble::Never(error.to_string()))?.0,
            };
            let body = || Ok(Some((size, content.open()?)));
            let headers = [("Content-Type", "application/octet-stream")];
            let answer = self.registry.send("PUT", &to, repository, &headers, &body)?;
            judge(answer.status())
        })?;
        Ok(true)
    }

    /// Puts a manifest or an index under the name.
    pub(super) fn manifest(&self, media_type: &str, bytes: Vec<u8>) -> Result<(), BundleError> {
        let repository = &self.to.repository;
        let url = self.registry.url(repository, &format!("manifests/{}", self.to.wanted()));
        self.downloads.with_tries(&url, |_| {
            let body = || {
                let bytes = bytes.clone();
                Ok(Some((
                    bytes.len() as u64,
                    Box::new(std::io::Cursor::new(bytes)) as Box<dyn std::io::Read>,
                )))
            };
            let headers = [("Content-Type", media_type)];
            let answer = self.registry.send("PUT", &url, repository, &headers, &body)?;
            judge(answer.status())
        })
    }
}

/// A `Location` header, which may be a path only.
fn absolute(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let origin =
        base.find("://").and_then(|at| base[at + 3..].find('/').map(|slash| &base[..at + 3 + slash]));
    format!("{}{location}", origin.unwrap_or(base))
}
