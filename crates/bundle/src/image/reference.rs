//! Names of images as people write them, and in full.

use std::fmt;

/// An image's name in its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The registry: `docker.io`, `10.0.0.9:5000`.
    pub registry: String,
    /// The repository: `library/busybox`.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest `sha256:...`.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a name, as `docker pull` does: without a registry it is on docker.io, without a tag or digest it is `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        if digest.as_deref().is_some_and(|digest| !super::is_digest(digest)) {
            return None;
        }
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[slash..].find(':') {
            Some(colon) => (&rest[..slash + colon], Some(rest[slash + colon + 1..].to_owned())),
            None => (rest, None),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest.to_owned())
            }
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
        };
        let fine = plain(&repository)
            && repository.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
            && tag.as_deref().is_none_or(|tag| plain(tag) && !tag.contains('/'))
            && registry.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        fine.then(|| Self { registry: registry.to_owned(), repository, tag, digest })
    }

    /// What a registry is asked for: the digest, else the tag.
    pub fn wanted(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// Its name without a tag or digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        match (&self.tag, &self.digest) {
            (Some(tag), _) => write!(out, ":{tag}"),
            (None, Some(digest)) => write!(out, "@{digest}"),
            (None, None) => Ok(()),
        }
    }
}

/// The full name of an image: `busybox:1` is `docker.io/library/busybox:1`. What is no image's name stays as it is.
pub fn full_name(text: &str) -> String {
    Reference::parse(text).map_or_else(|| text.to_owned(), |reference| reference.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        for (short, full) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("calico/node:v3.31.3", "docker.io/calico/node:v3.31.3"),
            ("registry.k8s.io/pause:3.10.1", "registry.k8s.io/pause:3.10.1"),
            ("10.0.0.9:5000/a/b/c:1", "10.0.0.9:5000/a/b/c:1"),
            ("localhost/x", "localhost/x:latest"),
            ("index.docker.io/library/redis:7", "docker.io/library/redis:7"),
        ] {
            assert_eq!(full_name(short), full);
        }
        for bad in ["", "a b", "../x", "a/../b", "x@sha256:12", "x:a/b/"] {
            assert!(Reference::parse(bad).is_none(), "{bad}");
        }
    }
}
