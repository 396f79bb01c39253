//! The registry protocol of Docker and OCI: who may read what, manifests, blobs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use serde::Deserialize;
use ureq::http::{HeaderMap, StatusCode};
use ureq::{Body, SendBody};

use super::client::{Client, explain};
use super::download::{Trouble, judge};
use crate::BundleError;
use crate::image::Reference;

/// A registry that one talks to.
pub struct Registry<'a> {
    pub(super) client: &'a Client,
    /// As in an image's name: `docker.io`, `10.0.0.9:5000`.
    host: String,
    base: String,
    login: Option<(String, String)>,
    /// `Authorization` headers by what they are for.
    tokens: Mutex<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// An answer: its status, headers and body.
pub(super) type Answer = ureq::http::Response<Body>;

/// Makes a request's body anew for each try: its size and a reader, or none.
pub(super) type RequestBody<'a> = dyn Fn() -> std::io::Result<Option<(u64, Box<dyn std::io::Read>)>> + 'a;

impl<'a> Registry<'a> {
    /// A registry by the name it has in images' names. `plain` speaks HTTP without TLS; `login` is a user and a password.
    pub fn new(client: &'a Client, host: &str, plain: bool, login: Option<(String, String)>) -> Self {
        let scheme = if plain { "http" } else { "https" };
        let server = if host == "docker.io" { "registry-1.docker.io" } else { host };
        Self {
            client,
            host: host.to_owned(),
            base: client.rewritten(&format!("{scheme}://{server}")),
            login,
            tokens: Mutex::default(),
        }
    }

    /// Its name, as in images' names.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The address of something of a repository.
    pub(super) fn url(&self, repository: &str, rest: &str) -> String {
        format!("{}/v2/{repository}/{rest}", self.base)
    }

    /// The `Authorization` header for a repository, if one was given out.
    pub(super) fn authorization(&self, repository: &str) -> Option<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned()
    }

    /// Sends a request; where the registry wants to know who asks, asks for a token and sends it again.
    pub(super) fn send(
        &self,
        method: &str,
        url: &str,
        repository: &str,
        headers: &[(&str, &str)],
        body: &RequestBody<'_>,
    ) -> Result<Answer, Trouble> {
        for asked in [false, true] {
            let answer = self.send_once(method, url, repository, headers, body)?;
            if answer.status() != StatusCode::UNAUTHORIZED || asked {
                return Ok(answer);
            }
            let actions = if matches!(method, "GET" | "HEAD") { "pull" } else { "pull,push" };
            let authorization = self.authorize(answer.headers(), repository, actions)?;
            self.tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(repository.to_owned(), authorization);
        }
        Err(Trouble::Never("the registry does not accept the token it gave".into()))
    }

    fn send_once(
        &self,
        method: &str,
        url: &str,
        repository: &str,
        headers: &[(&str, &str)],
        body: &RequestBody<'_>,
    ) -> Result<Answer, Trouble> {
        let again = |error: ureq::Error| Trouble::Again(explain(&error));
        let agent = self.client.agent(url).map_err(again)?;
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = self.authorization(repository) {
            request = request.header("Authorization", authorization);
        }
        let wrong = |error: ureq::http::Error| Trouble::Never(error.to_string());
        let content = body().map_err(|error| Trouble::Never(error.to_string()))?;
        let sent = match content {
            Some((size, reader)) => {
                let body = SendBody::from_owned_reader(reader);
                agent.run(request.header("Content-Length", size.to_string()).body(body).map_err(wrong)?)
            }
            None => agent.run(request.body(()).map_err(wrong)?),
        };
        sent.map_err(again)
    }

    /// Gets a token, or says who we are at once, as the registry's challenge wants it.
    fn authorize(&self, headers: &HeaderMap, repository: &str, actions: &str) -> Result<String, Trouble> {
        let challenges: Vec<&str> =
            headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
        let basic = self.login.as_ref().map(|(user, password)| {
            let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            format!("Basic {both}")
        });
        let bearer = challenges.iter().find_map(|challenge| Challenge::bearer(challenge));
        let Some(challenge) = bearer else {
            let refusal = || Trouble::Never(format!("{} wants a user and a password", self.host));
            return basic.ok_or_else(refusal);
        };
        let scope = format!("repository:{repository}:{actions}");
        let separator = if challenge.realm.contains('?') { '&' } else { '?' };
        let url = self.client.rewritten(&format!(
            "{}{separator}service={}&scope={}",
            challenge.realm,
            encoded(&challenge.service),
            encoded(&scope)
        ));
        let again = |error: ureq::Error| Trouble::Again(explain(&error));
        let mut request = self.client.agent(&url).map_err(again)?.get(&url);
        if let Some(basic) = basic {
            request = request.header("Authorization", basic);
        }
        let response = request.call().map_err(again)?;
        judge(response.status())?;
        let text = response.into_body().read_to_string().map_err(again)?;
        let token: Token = serde_json::from_str(&text)
            .map_err(|error| Trouble::Never(format!("{} gives no token: {error}", challenge.realm)))?;
        let token = if token.token.is_empty() { token.access_token } else { token.token };
        Ok(format!("Bearer {token}"))
    }

    /// An error about an image, after the tries.
    pub(super) fn failed(&self, reference: &Reference, reason: String) -> BundleError {
        BundleError::Fetch {
            url: format!("image {reference} from {}", self.base),
            reason,
            help: "run the same command again, it goes on where it stopped; or name a mirror with --rewrite, or save the image as an archive \
                   into a folder for --from"
                .into(),
        }
    }
}

/// `Bearer realm="...",service="..."`
struct Challenge {
    realm: String,
    service: String,
}

impl Challenge {
    fn bearer(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let value = |name: &str| {
            let at = rest.find(&format!("{name}=\""))? + name.len() + 2;
            Some(rest[at..].split('"').next()?.to_owned())
        };
        Some(Self { realm: value("realm")?, service: value("service").unwrap_or_default() })
    }
}

/// Percent-encoding of what has a meaning in a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull""#;
        let challenge = Challenge::bearer(text).unwrap();
        assert_eq!(
            (challenge.realm.as_str(), challenge.service.as_str()),
            ("https://auth.docker.io/token", "registry.docker.io")
        );
        assert!(Challenge::bearer("Basic realm=\"x\"").is_none());
        assert_eq!(encoded("a b&c"), "a%20b%26c");
    }
}
