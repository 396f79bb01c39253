//! An HTTP client for building: rustls, the system's certificates and more, proxies of the environment, a table of rewritten addresses.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy};

use crate::BundleError;

/// Finds the addresses of a host. A static program has no resolver of its own that works everywhere, so the caller brings one.
pub type Resolve = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;

/// Where systems keep the certificates they trust.
const TRUSTED: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How a client behaves.
#[derive(Clone)]
pub struct ClientOptions {
    /// Files with certificates to trust besides the system's.
    pub authorities: Vec<PathBuf>,
    /// Beginnings of addresses and image names, and what replaces them; the longest that fits wins.
    pub rewrites: Vec<(String, String)>,
    /// How often something is tried before it counts as failed.
    pub tries: u32,
    /// The pause before the second try; it doubles with each.
    pub pause: Duration,
    /// How long a connection may be silent.
    pub silence: Duration,
    /// Finds addresses.
    pub resolve: Resolve,
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ClientOptions").field("rewrites", &self.rewrites).finish_non_exhaustive()
    }
}

impl ClientOptions {
    /// Five tries, a minute of silence, no rewrites.
    pub fn new(resolve: Resolve) -> Self {
        Self {
            authorities: Vec::new(),
            rewrites: Vec::new(),
            tries: 5,
            pause: Duration::from_secs(1),
            silence: Duration::from_secs(60),
            resolve,
        }
    }
}

/// The client.
pub struct Client {
    options: ClientOptions,
    roots: Vec<Certificate<'static>>,
    /// One for each proxy, and one without.
    agents: Mutex<HashMap<Option<String>, Agent>>,
}

impl Client {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file of `authorities` cannot be read or holds no certificate.
    pub fn new(options: ClientOptions) -> Result<Self, BundleError> {
        let system = TRUSTED.iter().find_map(|path| certificates(Path::new(path)).ok());
        let mut roots = system.unwrap_or_default();
        for path in &options.authorities {
            let found = certificates(path).map_err(BundleError::file("read", path))?;
            if found.is_empty() {
                return Err(BundleError::unusable(path, "it holds no certificate"));
            }
            roots.extend(found);
        }
        Ok(Self { options, roots, agents: Mutex::default() })
    }

    /// How it behaves.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// An address after the table of rewrites.
    pub fn rewritten(&self, address: &str) -> String {
        let fits = self.options.rewrites.iter().filter(|(from, _)| address.starts_with(from.as_str()));
        match fits.max_by_key(|(from, _)| from.len()) {
            Some((from, to)) => format!("{to}{}", &address[from.len()..]),
            None => address.to_owned(),
        }
    }

    /// The agent for an address: with the proxy that the environment names for it.
    pub(super) fn agent(&self, url: &str) -> Result<Agent, ureq::Error> {
        let proxy = proxy_for(url, |name| std::env::var(name).ok());
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&proxy) {
            return Ok(agent.clone());
        }
        let roots =
            if self.roots.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&self.roots) };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent("taskbox")
            .timeout_connect(Some(self.options.silence))
            .timeout_recv_response(Some(self.options.silence))
            .timeout_per_read(Some(self.options.silence))
            .proxy(proxy.as_deref().map(Proxy::new).transpose()?)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        let agent =
            Agent::with_parts(config, DefaultConnector::default(), Names(self.options.resolve.clone()));
        agents.insert(proxy, agent.clone());
        Ok(agent)
    }
}

fn certificates(path: &Path) -> std::io::Result<Vec<Certificate<'static>>> {
    let bytes = std::fs::read(path)?;
    let found = parse_pem(&bytes).flatten().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    Ok(found.collect())
}

/// The proxy for a URL, by `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` in either case.
fn proxy_for(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let get = |name: &str| {
        variable(name).or_else(|| variable(&name.to_uppercase())).filter(|value| !value.is_empty())
    };
    let scheme = url.split("://").next().unwrap_or("http");
    let proxy = get(&format!("{scheme}_proxy")).or_else(|| get("all_proxy"))?;
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_lowercase)).unwrap_or_default();
    let bypassed = get("no_proxy").is_some_and(|list| {
        list.split(',').map(|entry| entry.trim().trim_start_matches('.').to_lowercase()).any(|entry| {
            entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
        })
    });
    (!bypassed).then_some(proxy)
}

/// Names to addresses by the caller's resolver.
struct Names(Resolve);

impl fmt::Debug for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Names")
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let found = literal.map_or_else(|_| (self.0)(host), |address| vec![address]);
        let mut resolved = self.empty();
        let wanted = found.into_iter().map(|address| SocketAddr::new(address, port));
        for address in config.ip_family().keep_wanted(wanted).take(16) {
            resolved.push(address);
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}

/// What went wrong, in words.
pub(super) fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the host name could not be resolved".to_owned(),
        ureq::Error::Timeout(what) => format!("timed out ({what})"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rewrite_wins() {
        let mut options = ClientOptions::new(Arc::new(|_| Vec::new()));
        options.rewrites = vec![
            ("https://dl.k8s.io".into(), "http://m/k8s".into()),
            ("https://dl.k8s.io/release".into(), "http://m/r".into()),
        ];
        let client = Client::new(options).unwrap();
        assert_eq!(client.rewritten("https://dl.k8s.io/release/v1"), "http://m/r/v1");
        assert_eq!(client.rewritten("https://dl.k8s.io/x"), "http://m/k8s/x");
        assert_eq!(client.rewritten("https://get.helm.sh/x"), "https://get.helm.sh/x");
    }

    #[test]
    fn the_environment_names_the_proxy() {
        let set = |name: &str| match name {
            "https_proxy" => Some("http://p:3128".to_owned()),
            "NO_PROXY" => Some("localhost,.corp.example".to_owned()),
            _ => None,
        };
        assert_eq!(proxy_for("https://dl.k8s.io/x", set).as_deref(), Some("http://p:3128"));
        assert_eq!(proxy_for("https://r.corp.example/v2/", set), None);
        assert_eq!(proxy_for("http://dl.k8s.io/x", set), None);
    }
}
