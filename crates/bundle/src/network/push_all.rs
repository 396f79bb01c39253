//! All images of a bundle into one registry. An image keeps its repository and tag and loses its registry, as the peers of this installer
//! and charts with one `imageRegistry` expect it: `registry.k8s.io/pause:3.10` is `HOST/pause:3.10` there, `redis:7` is `HOST/library/redis:7`.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::download::Downloads;
use super::push::{Push, Pushed, push};
use super::registry::Registry;
use crate::content::Content;
use crate::digest::sha256;
use crate::image::{OCI_INDEX, Reference};
use crate::manifest::blob_path;
use crate::{BundleError, Image, Manifest};

/// A name in a registry and the bundle's images behind it, one an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// `library/redis`
    pub repository: String,
    /// The tag; `None` if the image is known by its digest only.
    pub tag: Option<String>,
    /// What the name leads to: the image's digest, or that of an index over several architectures.
    pub digest: String,
    /// The images, by architecture.
    pub images: Vec<Image>,
    /// The index, if there is more than one image.
    index: Option<Vec<u8>>,
}

impl Placed {
    /// `library/redis:7`
    pub fn name(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest),
        }
    }

    /// Media type of what the name leads to, and its bytes where they are not a blob of the bundle.
    pub(crate) fn document(&self) -> (&str, Option<&[u8]>) {
        match (&self.index, self.images.first()) {
            (Some(index), _) => (OCI_INDEX, Some(index)),
            (None, image) => (image.map_or("", |image| image.media_type.as_str()), None),
        }
    }
}

/// Repository, tag, and the digest where there is no tag.
type Name = (String, Option<String>, Option<String>);

/// Where the images of a bundle go in a registry.
///
/// # Errors
/// Two different images want the same name there.
pub fn places(manifest: &Manifest) -> Result<Vec<Placed>, BundleError> {
    let mut by_name: BTreeMap<Name, Vec<&Image>> = BTreeMap::new();
    for image in &manifest.images {
        let Some(reference) = Reference::parse(&image.reference) else { continue };
        let digest = reference.digest.filter(|_| reference.tag.is_none());
        let images = by_name.entry((reference.repository, reference.tag, digest)).or_default();
        match images.iter().find(|there| there.arch == image.arch) {
            Some(there) if there.digest == image.digest => {}
            Some(there) => {
                return Err(BundleError::Conflict {
                    place: format!(
                        "a registry's `{}`",
                        image.reference.split_once('/').map_or("", |(_, rest)| rest)
                    ),
                    one: there.reference.clone(),
                    other: image.reference.clone(),
                });
            }
            None => images.push(image),
        }
    }
    let place = |((repository, tag, _), images): (Name, Vec<&Image>)| {
        let index = (images.len() > 1).then(|| index(manifest, &images));
        let digest = match (&index, images.first()) {
            (Some(index), _) => format!("sha256:{}", sha256(index)),
            (None, Some(image)) => image.digest.clone(),
            (None, None) => String::new(),
        };
        Placed { repository, tag, digest, images: images.into_iter().cloned().collect(), index }
    };
    Ok(by_name.into_iter().map(place).collect())
}

/// The list of an image's architectures.
fn index(manifest: &Manifest, images: &[&Image]) -> Vec<u8> {
    let size = |digest: &str| manifest.artifact(&blob_path(digest)).map_or(0, |artifact| artifact.size);
    let manifests: Vec<_> = images
        .iter()
        .map(|image| {
            json!({
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": size(&image.digest),
                "platform": { "architecture": image.arch, "os": "linux" },
            })
        })
        .collect();
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests }).to_string().into_bytes()
}

/// Sends what a registry lacks of all images, below `prefix` if one is given. With `look_only` nothing is sent; `changed` then says what
/// would be. `said` hears of each name.
///
/// # Errors
/// Two images want the same name, or the registry does not take one.
pub fn push_all(
    registry: &Registry<'_>,
    downloads: &Downloads<'_>,
    (manifest, blobs): (&Manifest, &HashMap<String, Content>),
    prefix: Option<&str>,
    look_only: bool,
    said: &mut dyn FnMut(&Placed, Pushed),
) -> Result<(), BundleError> {
    for placed in places(manifest)? {
        let repository =
            match prefix.map(|prefix| prefix.trim_matches('/')).filter(|prefix| !prefix.is_empty()) {
                Some(prefix) => format!("{prefix}/{}", placed.repository),
                None => placed.repository.clone(),
            };
        let digest = placed.tag.is_none().then(|| placed.digest.clone());
        let to =
            Reference { registry: registry.host().to_owned(), repository, tag: placed.tag.clone(), digest };
        let named = Push { registry, downloads, to: &to, blobs };
        let mut pushed = Pushed::default();
        if !named.has_manifest(&placed.digest)? {
            pushed.changed = true;
            if !look_only {
                send(&named, &placed, &mut pushed)?;
            }
        }
        said(&placed, pushed);
    }
    Ok(())
}

fn send(named: &Push<'_>, placed: &Placed, pushed: &mut Pushed) -> Result<(), BundleError> {
    for image in &placed.images {
        // Below an index, an image is known by its digest.
        let to = match &placed.index {
            Some(_) => Reference { tag: None, digest: Some(image.digest.clone()), ..named.to.clone() },
            None => named.to.clone(),
        };
        let one = push(named.registry, named.downloads, image, &to, named.blobs)?;
        pushed.sent += one.sent;
        pushed.kept += one.kept;
    }
    match &placed.index {
        Some(index) => named.manifest(OCI_INDEX, index.clone()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(reference: &str, arch: &str, digest: char) -> Image {
        Image {
            reference: reference.into(),
            arch: arch.into(),
            digest: format!("sha256:{}", digest.to_string().repeat(64)),
            media_type: crate::image::OCI_MANIFEST.into(),
            blobs: Vec::new(),
        }
    }

    fn of(images: Vec<Image>) -> Result<Vec<Placed>, BundleError> {
        places(&Manifest { images, ..Manifest::default() })
    }

    #[test]
    fn names_lose_their_registry_and_architectures_share_one() {
        let images = vec![
            image("registry.k8s.io/pause:3.10", "amd64", '1'),
            image("registry.k8s.io/pause:3.10", "arm64", '2'),
            image("docker.io/library/redis:7", "amd64", '3'),
            image("k8s.gcr.io/pause:3.10", "amd64", '1'),
        ];
        let placed = of(images).unwrap();
        let names: Vec<String> = placed.iter().map(Placed::name).collect();
        assert_eq!(names, ["library/redis:7", "pause:3.10"]);
        assert_eq!(placed[0].digest, format!("sha256:{}", "3".repeat(64)));
        let index = placed[1].index.as_ref().unwrap();
        assert_eq!(placed[1].digest, format!("sha256:{}", sha256(index)));
        assert!(String::from_utf8_lossy(index).contains(r#""architecture":"arm64""#));
    }

    #[test]
    fn two_images_for_one_name_are_refused() {
        let images = vec![image("quay.io/a/b:1", "amd64", '1'), image("docker.io/a/b:1", "amd64", '2')];
        let refused = of(images).unwrap_err().to_string();
        assert!(refused.contains("quay.io/a/b:1") && refused.contains("docker.io/a/b:1"), "{refused}");
    }
}
