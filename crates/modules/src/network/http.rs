//! One HTTP client for `get_url`, `uri` and whoever downloads: rustls, the host's certificates, its proxies, and names without NSS.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::config::{Config, RedirectAuthHeaders};
use ureq::http::{self, Uri};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Proxy, ResponseExt};

use super::resolve::addresses;
use super::unix_socket::UnixConnector;
use crate::{Arg, Args, Context, Failure, base64};

/// The arguments that all modules with URLs share, but for those that each names its own way.
pub(super) const ARGS: &[Arg] = &[
    Arg::bool("force").default_bool(false).help("Do not take an answer from a cache."),
    Arg::str("http_agent").default_str("ansible-httpget").help("The `User-Agent` header."),
    Arg::bool("use_proxy").default_bool(true).help("Use the proxy that the environment names."),
    Arg::bool("validate_certs").default_bool(true).help("Refuse certificates that nobody trusts."),
    Arg::bool("force_basic_auth").default_bool(false).help("Send user and password with the first request."),
    Arg::path("client_cert").help("A certificate to show, PEM; the key may be in the same file."),
    Arg::path("client_key").help("The key of `client_cert`, PEM."),
    Arg::bool("use_gssapi").default_bool(false).help("Not supported; must be false."),
];

/// Where distributions keep the certificates they trust.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A request to be sent.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    /// How many redirects to follow; more end the request with the last answer.
    pub(super) redirects: u32,
    /// A Unix socket to talk to instead of the URL's host.
    pub(super) socket: Option<PathBuf>,
}

/// What came back; the body is still to be read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: String,
    /// The URL that answered, after redirects.
    pub(super) url: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    body: Body,
}

impl Answer {
    /// The value of a header, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where a redirect leads, seen from the URL that answered.
    fn redirect(&self, from: &str) -> Option<String> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let target = self.header("location")?;
        if target.contains("://") {
            return Some(target.to_owned());
        }
        let (scheme, rest) = from.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        if let Some(other) = target.strip_prefix("//") {
            return Some(format!("{scheme}://{other}"));
        }
        if target.starts_with('/') {
            return Some(format!("{scheme}://{host}{target}"));
        }
        let folder = path
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        Some(format!("{scheme}://{host}{folder}/{target}"))
    }

    /// The body; unpacked if it comes compressed and `unpack` says so.
    pub(super) fn reader(self, unpack: bool) -> Box<dyn Read> {
        let unpack = unpack && self.is_packed();
        let plain = self.body.into_with_config().limit(u64::MAX).reader();
        if unpack { Box::new(flate2::read::MultiGzDecoder::new(plain)) } else { Box::new(plain) }
    }

    /// Whether the body comes compressed: then it is longer than it seems.
    pub(super) fn is_packed(&self) -> bool {
        self.header("content-encoding").is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
    }
}

/// Sends a request. Any status is an answer.
///
/// # Errors
/// If there is no answer: no connection, no trust, no time.
pub(super) fn send(call: &Call, args: &Args, context: &mut Context) -> Result<Answer, Failure> {
    if args.bool("use_gssapi") {
        return Err(Failure::new("use_gssapi is not supported").with("url", mask(call.url)));
    }
    let kept_back: Vec<String> =
        args.strings("unredirected_headers").iter().map(|name| name.to_lowercase()).collect();
    if kept_back.is_empty() || call.redirects == 0 {
        return send_once(call, args, true, context);
    }
    // Some headers are for the first host only: each redirect is a request of its own.
    let first = Call {
        redirects: 0,
        body: call.body.clone(),
        headers: call.headers.clone(),
        socket: call.socket.clone(),
        ..*call
    };
    let mut answer = send_once(&first, args, true, context)?;
    let mut url = call.url.to_owned();
    for _ in 0..call.redirects {
        let Some(next) = answer.redirect(&url) else { break };
        url = next;
        let headers = call.headers.iter().filter(|(name, _)| !kept_back.contains(&name.to_lowercase()));
        let next = Call {
            url: &url,
            headers: headers.cloned().collect(),
            body: None,
            method: if call.method == "HEAD" { "HEAD" } else { "GET" },
            redirects: 0,
            socket: call.socket.clone(),
            ..*call
        };
        answer = send_once(&next, args, !kept_back.iter().any(|name| name == "authorization"), context)?;
    }
    Ok(answer)
}

/// One request, with the redirects that need no care; `authorized` says whether it may name user and password.
fn send_once(call: &Call, args: &Args, authorized: bool, context: &mut Context) -> Result<Answer, Failure> {
    let agent = agent(call, args, context)?;
    let request = build(call, args, authorized, context)?;
    let response = match (&call.body, call.method) {
        (None, _) => agent.run(request.map(|_| ())),
        // Methods that usually have no body must be told to send one.
        (Some(body), "GET" | "HEAD" | "DELETE" | "OPTIONS" | "TRACE") => {
            let (parts, _) = request.into_parts();
            let mut builder = match call.method {
                "GET" => agent.get(parts.uri),
                "HEAD" => agent.head(parts.uri),
                "DELETE" => agent.delete(parts.uri),
                "TRACE" => agent.trace(parts.uri),
                _ => agent.options(parts.uri),
            };
            for (name, value) in &parts.headers {
                builder = builder.header(name, value);
            }
            builder.force_send_body().send(body)
        }
        (Some(_), _) => agent.run(request),
    };
    let response = response.map_err(|error| {
        Failure::new(format!("Request failed: {}", explain(&error, call.url)))
            .with("url", mask(call.url))
            .with("status", -1)
    })?;
    let url = mask(&response.get_uri().to_string());
    let headers = response.headers();
    let headers = headers.iter().map(|(name, value)| {
        (name.as_str().to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let status = response.status();
    Ok(Answer {
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default().to_string(),
        url,
        headers,
        body: response.into_body(),
    })
}

fn explain(error: &ureq::Error, url: &str) -> String {
    match error {
        ureq::Error::HostNotFound => "the host name could not be resolved".to_string(),
        ureq::Error::Timeout(what) => format!("timed out ({what})"),
        other => {
            let said = other.to_string();
            if !["certificate", "Certificate", "UnknownIssuer"].iter().any(|word| said.contains(word)) {
                return said;
            }
            // Ansible's words, which plays look for, and its advice.
            let place = url.parse::<Uri>().ok();
            let host = place.as_ref().and_then(Uri::host).unwrap_or_default();
            let port = place.as_ref().and_then(Uri::port_u16).unwrap_or(443);
            format!(
                "Failed to validate the SSL certificate for {host}:{port}. Make sure your managed systems have a valid CA certificate \
                 installed. You can use validate_certs=False if you do not need to confirm the servers identity but this is unsafe and \
                 not recommended. The exception msg was: {said}."
            )
        }
    }
}

fn build(
    call: &Call,
    args: &Args,
    authorized: bool,
    context: &Context,
) -> Result<http::Request<Vec<u8>>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(format!("the URL or a header cannot be used: {error}")).with("url", mask(call.url))
    };
    let (url, credentials) = split_credentials(call.url);
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let given =
        args.opt_str("url_username").map(|user| (user, args.opt_str("url_password").unwrap_or_default()));
    let credentials = given.map(|(user, password)| format!("{user}:{password}")).or(credentials);
    let wants_netrc = credentials.is_none() && args.opt_bool("use_netrc") == Some(true);
    let from_netrc = if wants_netrc { super::netrc::credentials(&host, context) } else { None };
    // What `.netrc` says of a host wins over a header of the call, as in Ansible.
    let known = from_netrc.is_none()
        && call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let mut request = http::Request::builder().method(call.method).uri(url);
    for (name, value) in &call.headers {
        if from_netrc.is_none() || !name.eq_ignore_ascii_case("authorization") {
            request = request.header(name, value);
        }
    }
    let credentials = credentials.or_else(|| from_netrc.map(|(user, password)| format!("{user}:{password}")));
    if let Some(credentials) = credentials.filter(|_| authorized && !known) {
        request =
            request.header("Authorization", format!("Basic {}", base64::encode(credentials.as_bytes())));
    }
    if args.bool("force") {
        request = request.header("Cache-Control", "no-cache");
    }
    request.body(call.body.clone().unwrap_or_default()).map_err(|error| wrong(&error))
}

/// `https://user:password@host/` as the URL without them, and them.
fn split_credentials(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_string(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((credentials, host)) => {
            (format!("{scheme}://{host}{}", &rest[end..]), Some(credentials.to_string()))
        }
        None => (url.to_string(), None),
    }
}

/// A URL fit for results: user and password are masked where there is a password.
pub(super) fn mask(url: &str) -> String {
    let (plain, credentials) = split_credentials(url);
    match credentials.as_deref().and_then(|both| both.split_once(':')).zip(plain.split_once("://")) {
        Some((_, (scheme, rest))) => format!("{scheme}://********:********@{rest}"),
        None => url.to_string(),
    }
}

fn agent(call: &Call, args: &Args, context: &mut Context) -> Result<Agent, Failure> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .user_agent(args.opt_str("http_agent").unwrap_or("ansible-httpget"))
        .max_redirects(call.redirects)
        .max_redirects_will_error(false)
        // A host that sends us elsewhere on itself is still the host that the password is for.
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(call.timeout))
        .timeout_recv_response(Some(call.timeout))
        // Ansible's limit is for each read: a long download may take long, a stalled one may not.
        .timeout_per_read(Some(call.timeout))
        .proxy(proxy(call.url, args, context)?)
        .tls_config(tls(args)?)
        .build();
    let names = Names {
        limit: call.timeout,
        fixed: call.socket.is_some(),
        context: Arc::new(Mutex::new(lookup_context(context))),
    };
    Ok(match &call.socket {
        Some(path) => Agent::with_parts(config, UnixConnector(path.clone()), names),
        None => Agent::with_parts(config, DefaultConnector::default(), names),
    })
}

/// What asking for a name needs of the surroundings.
fn lookup_context(context: &Context) -> Context {
    Context { environment: context.environment.clone(), cancel: context.cancel.clone(), ..Context::local() }
}

fn tls(args: &Args) -> Result<TlsConfig, Failure> {
    let mut builder =
        TlsConfig::builder().disable_verification(!args.bool("validate_certs")).root_certs(roots(args)?);
    if let Some(path) = args.opt_path("client_cert") {
        builder = builder.client_cert(Some(client_cert(&path, args)?));
    }
    Ok(builder.build())
}

/// `ca_path`, or what the host trusts, or what Mozilla trusts where the host has nothing.
fn roots(args: &Args) -> Result<RootCerts, Failure> {
    if let Some(path) = args.opt_path("ca_path") {
        return Ok(RootCerts::new_with_certs(&certificates(&path)?));
    }
    for bundle in BUNDLES.map(Path::new) {
        if let Ok(found) = certificates(bundle)
            && !found.is_empty()
        {
            return Ok(RootCerts::new_with_certs(&found));
        }
    }
    Ok(RootCerts::WebPki)
}

fn items(path: &Path) -> Result<Vec<PemItem<'static>>, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::io("could not read", path, &error))?;
    Ok(parse_pem(&bytes).flatten().collect())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let found = items(path)?.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    Ok(found.collect())
}

fn client_cert(path: &Path, args: &Args) -> Result<ClientCert, Failure> {
    let chain = certificates(path)?;
    let key_path = args.opt_path("client_key").unwrap_or_else(|| path.to_path_buf());
    let key: Option<PrivateKey<'static>> = items(&key_path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    match key {
        Some(key) if !chain.is_empty() => Ok(ClientCert::new_with_certs(&chain, key)),
        Some(_) => Err(Failure::new(format!("{} holds no certificate", path.display()))),
        None => Err(Failure::new(format!("{} holds no private key", key_path.display()))),
    }
}

/// The proxy that the environment names for the URL's scheme, unless `no_proxy` names the host.
fn proxy(url: &str, args: &Args, context: &Context) -> Result<Option<Proxy>, Failure> {
    if !args.bool("use_proxy") {
        return Ok(None);
    }
    let variable = |name: &str| {
        let value = context.variable(name).or_else(|| context.variable(&name.to_uppercase()));
        value.filter(|value| !value.is_empty())
    };
    let scheme = url.split("://").next().unwrap_or("http").to_lowercase();
    let Some(proxy) = variable(&format!("{scheme}_proxy")).or_else(|| variable("all_proxy")) else {
        return Ok(None);
    };
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_lowercase)).unwrap_or_default();
    if variable("no_proxy").is_some_and(|list| is_listed(&host, &list)) {
        return Ok(None);
    }
    Proxy::new(&proxy).map(Some).map_err(|error| Failure::new(format!("the proxy cannot be used: {error}")))
}

/// Whether a `no_proxy` list names the host or a domain it is in.
fn is_listed(host: &str, list: &str) -> bool {
    list.split(',').map(|entry| entry.trim().trim_start_matches('.').to_lowercase()).any(|entry| {
        entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
    })
}

/// Names to addresses as [`addresses`] finds them.
struct Names {
    limit: Duration,
    /// Whether names lead nowhere, because a Unix socket is used.
    fixed: bool,
    context: Arc<Mutex<Context>>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
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
        if self.fixed {
            // Nobody looks at it: the connection goes to a socket.
            let mut resolved = self.empty();
            resolved.push(SocketAddr::from(([127, 0, 0, 1], 0)));
            return Ok(resolved);
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        let found = addresses(host, self.limit, &mut context);
        let mut resolved = self.empty();
        let wanted = found.into_iter().map(|address| SocketAddr::new(address, port));
        for address in config.ip_family().keep_wanted(wanted).take(16) {
            resolved.push(address);
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show() {
        assert_eq!(mask("https://u:secret@h/p?q"), "https://********:********@h/p?q");
        assert_eq!(mask("https://h/a@b:c"), "https://h/a@b:c");
        let split = split_credentials("http://u:p@h:8080/x");
        assert_eq!(split, ("http://h:8080/x".to_string(), Some("u:p".to_string())));
    }

    #[test]
    fn no_proxy_names_hosts_and_domains() {
        for (host, list, listed) in [
            ("a.example", "example", true),
            ("a.example", ".example,b", true),
            ("aexample", "example", false),
            ("h", "*", true),
            ("h", "", false),
        ] {
            assert_eq!(is_listed(host, list), listed, "{host} {list}");
        }
    }
}
