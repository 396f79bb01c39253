//! Flags about the way to the network: mirrors, certificates, registries and their passwords.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bundle::{BundleError, Client, ClientOptions, Reference, Registry, Resolve};
use clap::Args;

/// How to reach sources.
#[derive(Clone, Debug, Args)]
pub(super) struct NetworkFlags {
    /// Replace the beginning FROM of addresses and image names by TO: `https://dl.k8s.io=https://mirror.example/k8s`,
    /// `registry.k8s.io=mirror.example/k8s`. Repeatable; the longest that fits wins.
    #[arg(long, value_name = "FROM=TO", value_parser = rewrite)]
    rewrite: Vec<(String, String)>,

    /// Take all images from this registry, by their repositories: `10.0.0.9:5000`, `mirror.example/prefix`.
    #[arg(long, value_name = "REGISTRY")]
    from_registry: Option<String>,

    /// A file with certificates to trust besides the system's. Repeatable. Proxies are taken from the environment.
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,

    /// Users and passwords of registries, in the form of Docker's config.json.
    #[arg(long, value_name = "FILE")]
    registry_auth: Option<PathBuf>,

    /// A registry without TLS. Repeatable; those of this machine's loopback are taken for such.
    #[arg(long, value_name = "HOST")]
    plain_registry: Vec<String>,

    /// How many files at a time.
    #[arg(long = "parallel", value_name = "N", default_value_t = 4)]
    pub(super) at_once: usize,

    /// How often something is tried before the build fails.
    #[arg(long, value_name = "N", default_value_t = 5)]
    tries: u32,
}

/// Finds addresses as the agent does.
pub(super) fn resolver() -> Resolve {
    Arc::new(|host: &str| -> Vec<IpAddr> { modules::resolve_host(host, Duration::from_secs(30)) })
}

fn rewrite(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(from, to)| !from.is_empty() && !to.is_empty());
    pair.map(|(from, to)| (from.to_owned(), to.to_owned())).ok_or_else(|| "write it as FROM=TO".to_owned())
}

impl NetworkFlags {
    /// The client that these flags describe.
    ///
    /// # Errors
    /// A file with certificates cannot be used.
    pub(super) fn client(&self) -> Result<Client, BundleError> {
        let mut options = ClientOptions::new(resolver());
        options.authorities.clone_from(&self.ca);
        options.rewrites.clone_from(&self.rewrite);
        options.tries = self.tries.max(1);
        Client::new(options)
    }

    /// Where an image is asked for: at `--from-registry`, at what the table of rewrites says, or at its own registry.
    pub(super) fn where_to_ask(&self, client: &Client, wanted: &Reference) -> Option<Reference> {
        let name = match &self.from_registry {
            Some(registry) => format!("{}/{}", registry.trim_end_matches('/'), wanted.repository),
            None => client.rewritten(&wanted.name()),
        };
        let parsed = Reference::parse(&name)?;
        Some(Reference { tag: wanted.tag.clone(), digest: wanted.digest.clone(), ..parsed })
    }

    /// A registry, with its password if there is one.
    ///
    /// # Errors
    /// The file with passwords cannot be read.
    pub(super) fn registry<'a>(&self, client: &'a Client, host: &str) -> Result<Registry<'a>, BundleError> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let loopback = name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let plain = loopback || self.plain_registry.iter().any(|one| one == host);
        let login = self.registry_auth.as_deref().map(|file| login(file, host)).transpose()?.flatten();
        Ok(Registry::new(client, host, plain, login))
    }
}

/// The user and password that a config.json has for a registry.
pub(super) fn login(file: &Path, host: &str) -> Result<Option<(String, String)>, BundleError> {
    let text = std::fs::read_to_string(file).map_err(|error| BundleError::File {
        action: "read",
        path: file.to_owned(),
        error,
    })?;
    let wrong = |reason: &str| BundleError::Unusable { path: file.to_owned(), reason: reason.to_owned() };
    let config: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let names = [host.to_owned(), format!("https://{host}"), format!("https://index.{host}/v1/")];
    let Some(entry) = names.iter().find_map(|name| config.get("auths")?.get(name)) else { return Ok(None) };
    let field = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    if let (Some(user), Some(password)) = (field("username"), field("password")) {
        return Ok(Some((user.to_owned(), password.to_owned())));
    }
    let both = field("auth").and_then(|auth| base64::engine::general_purpose::STANDARD.decode(auth).ok());
    let both = both.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = both.as_deref().and_then(|both| both.split_once(':'));
    pair.map(|(user, password)| Some((user.to_owned(), password.to_owned())))
        .ok_or_else(|| wrong("its entry has neither `auth` nor `username` and `password`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> NetworkFlags {
        NetworkFlags {
            rewrite: vec![("registry.k8s.io".into(), "mirror.example/k8s".into())],
            from_registry: None,
            ca: Vec::new(),
            registry_auth: None,
            plain_registry: Vec::new(),
            at_once: 1,
            tries: 1,
        }
    }

    #[test]
    fn images_are_asked_for_where_the_flags_say() {
        let flags = flags();
        let client = flags.client().unwrap();
        let asked = |flags: &NetworkFlags, name: &str| {
            flags.where_to_ask(&client, &Reference::parse(name).unwrap()).unwrap().to_string()
        };
        assert_eq!(asked(&flags, "registry.k8s.io/pause:3.10"), "mirror.example/k8s/pause:3.10");
        assert_eq!(asked(&flags, "busybox:1"), "docker.io/library/busybox:1");
        let all = NetworkFlags { from_registry: Some("10.0.0.9:5000".into()), ..flags };
        assert_eq!(asked(&all, "quay.io/calico/node:v3"), "10.0.0.9:5000/calico/node:v3");
    }

    #[test]
    fn passwords_are_read_from_a_config_json() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, r#"{"auths":{"r.example":{"auth":"b3BzOnNlOmNyZXQ="},"https://index.docker.io/v1/":{"username":"u","password":"p"}}}"#)
            .unwrap();
        assert_eq!(login(&file, "r.example").unwrap(), Some(("ops".into(), "se:cret".into())));
        assert_eq!(login(&file, "docker.io").unwrap(), Some(("u".into(), "p".into())));
        assert_eq!(login(&file, "other").unwrap(), None);
    }
}
