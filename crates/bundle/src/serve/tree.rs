//! What a served bundle has at which path: `/PATH` for each of its files, `/bundle.tar` for all of it, lists, and a registry below `/v2/`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::Body;
use crate::content::Content;
use crate::manifest::{Kind, MANIFEST, blob_path};
use crate::network::{Placed, places};
use crate::{Bundle, BundleError};

/// What lies at a path.
pub(super) struct Found {
    pub(super) body: Body,
    pub(super) media_type: String,
    /// `sha256:...` of all of it, where it is known.
    pub(super) digest: Option<String>,
}

/// All paths.
pub(super) struct Tree {
    /// Size and place of each file, with its hash.
    files: HashMap<String, (Body, String)>,
    manifest: Arc<[u8]>,
    sums: Arc<[u8]>,
    whole: Body,
    /// Names of the registry: `library/redis:7` and `library/redis@sha256:...`.
    names: HashMap<String, Document>,
}

/// What a name of the registry leads to: media type, digest, and the bytes where they are no blob of the bundle.
type Document = (String, String, Option<Arc<[u8]>>);

impl Tree {
    /// # Errors
    /// The bundle is cut off, or two of its images want one name.
    pub(super) fn of(bundle: &Bundle) -> Result<Self, BundleError> {
        let path: Arc<Path> = bundle.path().into();
        let size = std::fs::metadata(&path).map_err(BundleError::file("read", &path))?.len();
        let contents = bundle.contents()?;
        let mut files = HashMap::new();
        let mut sums = String::new();
        for artifact in &bundle.manifest().artifacts {
            let Some(Content::Range { offset, size, .. }) = contents.get(&artifact.path) else { continue };
            let body = Body::Stretch { path: path.clone(), offset: *offset, size: *size };
            files.insert(artifact.path.clone(), (body, artifact.sha256.clone()));
            if artifact.kind != Kind::Blob {
                let _ = writeln!(sums, "{}  {}", artifact.sha256, artifact.path);
            }
        }
        let mut names = HashMap::new();
        for placed in places(bundle.manifest())? {
            add_names(&mut names, &placed);
        }
        Ok(Self {
            files,
            manifest: bundle.manifest_bytes().into(),
            sums: sums.into_bytes().into(),
            whole: Body::Stretch { path, offset: 0, size },
            names,
        })
    }

    pub(super) fn find(&self, path: &str) -> Option<Found> {
        let plain = |body: Body, media_type: &str| {
            Some(Found { body, media_type: media_type.to_owned(), digest: None })
        };
        let path = path.trim_start_matches('/');
        match path {
            "" | "SHA256SUMS" => return plain(Body::Bytes(self.sums.clone()), "text/plain; charset=utf-8"),
            "bundle.tar" => return plain(self.whole.clone(), "application/x-tar"),
            "v2" | "v2/" => return plain(Body::Bytes(b"{}".as_slice().into()), "application/json"),
            _ if path == MANIFEST => return plain(Body::Bytes(self.manifest.clone()), "application/json"),
            _ => {}
        }
        if let Some(below) = path.strip_prefix("v2/") {
            return self.of_registry(below);
        }
        let (body, sha256) = self.files.get(path)?;
        let digest = Some(format!("sha256:{sha256}"));
        Some(Found { body: body.clone(), media_type: "application/octet-stream".to_owned(), digest })
    }

    /// `REPOSITORY/manifests/NAME` or `REPOSITORY/blobs/DIGEST`.
    fn of_registry(&self, below: &str) -> Option<Found> {
        if let Some((_, digest)) = below.rsplit_once("/blobs/") {
            let (body, _) = self.files.get(&blob_path(digest))?;
            let media_type = "application/octet-stream".to_owned();
            return Some(Found { body: body.clone(), media_type, digest: Some(digest.to_owned()) });
        }
        let (repository, name) = below.rsplit_once("/manifests/")?;
        let separator = if name.contains(':') { '@' } else { ':' };
        let (media_type, digest, bytes) = self.names.get(&format!("{repository}{separator}{name}"))?;
        let body = match bytes {
            Some(bytes) => Body::Bytes(bytes.clone()),
            None => self.files.get(&blob_path(digest))?.0.clone(),
        };
        Some(Found { body, media_type: media_type.clone(), digest: Some(digest.clone()) })
    }
}

fn add_names(names: &mut HashMap<String, Document>, placed: &Placed) {
    let repository = &placed.repository;
    for image in &placed.images {
        let entry = (image.media_type.clone(), image.digest.clone(), None);
        names.insert(format!("{repository}@{}", image.digest), entry);
    }
    let (media_type, bytes) = placed.document();
    let entry = (media_type.to_owned(), placed.digest.clone(), bytes.map(Arc::from));
    names.insert(format!("{repository}@{}", placed.digest), entry.clone());
    if let Some(tag) = &placed.tag {
        names.insert(format!("{repository}:{tag}"), entry);
    }
}
