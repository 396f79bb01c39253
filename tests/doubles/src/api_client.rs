//! Clients of the API server: with a kubeconfig's certificate, with a token, or with nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::{Result, documents};

/// How a connection is trusted and who makes it.
#[derive(Default)]
pub(crate) struct Credentials {
    ca: Vec<u8>,
    client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Credentials {
    /// Three PEM files.
    pub(crate) fn from_files(ca: &str, certificate: &str, key: &str) -> Result<Self> {
        Ok(Self { ca: file(ca)?, client: Some((file(certificate)?, file(key)?)) })
    }

    /// An authority alone.
    pub(crate) fn authority(ca: Vec<u8>) -> Self {
        Self { ca, client: None }
    }
}

pub(crate) fn file(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{path}: {error}"))
}

/// An HTTP client for these credentials.
pub(crate) fn agent(credentials: &Credentials) -> Result<ureq::Agent> {
    let pem = |error: ureq::Error| error.to_string();
    let mut tls = TlsConfig::builder();
    if credentials.ca.is_empty() {
        // Only to read the public part that tells the authority; kubeadm does the same and checks the hash afterwards.
        tls = tls.disable_verification(true);
    } else {
        tls = tls
            .root_certs(RootCerts::new_with_certs(&[Certificate::from_pem(&credentials.ca).map_err(pem)?]));
    }
    if let Some((certificate, key)) = &credentials.client {
        let chain = [Certificate::from_pem(certificate).map_err(pem)?];
        tls = tls
            .client_cert(Some(ClientCert::new_with_certs(&chain, PrivateKey::from_pem(key).map_err(pem)?)));
    }
    let config = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build();
    Ok(config.into())
}

/// The API server as somebody sees it.
pub(crate) struct Api {
    agent: ureq::Agent,
    pub(crate) server: String,
    token: Option<String>,
}

impl Api {
    /// With a kubeconfig.
    pub(crate) fn from_kubeconfig(path: &str) -> Result<Self> {
        let document = documents::read(path)?.into_iter().next().ok_or_else(|| format!("{path} is empty"))?;
        let text = |value: &Value| {
            let text = value.as_str().ok_or_else(|| format!("{path}: a field is missing"))?;
            STANDARD.decode(text).map_err(|error| format!("{path}: {error}"))
        };
        let cluster = &document["clusters"][0]["cluster"];
        let user = &document["users"][0]["user"];
        let credentials = Credentials {
            ca: text(&cluster["certificate-authority-data"])?,
            client: Some((text(&user["client-certificate-data"])?, text(&user["client-key-data"])?)),
        };
        let server = cluster["server"].as_str().unwrap_or_default().to_owned();
        Ok(Self { agent: agent(&credentials)?, server, token: None })
    }

    /// At an address, trusting an authority (an empty one: nobody is asked), with a token if there is one.
    pub(crate) fn at(server: &str, ca: Vec<u8>, token: Option<&str>) -> Result<Self> {
        let agent = agent(&Credentials::authority(ca))?;
        Ok(Self { agent, server: server.to_owned(), token: token.map(str::to_owned) })
    }

    /// One request; the status and the answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.server);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        request = request.header(
            "Content-Type",
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" },
        );
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(text).map_err(|error| error.to_string())?;
        let mut answer = self.agent.run(request).map_err(|error| format!("{url}: {error}"))?;
        let text = answer.body_mut().read_to_string().map_err(|error| format!("{url}: {error}"))?;
        Ok((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Reads an object or a list.
    pub(crate) fn get(&self, path: &str) -> Result<Option<Value>> {
        match self.call("GET", path, None)? {
            (200, value) => Ok(Some(value)),
            (404, _) => Ok(None),
            (_, value) => Err(message(&value)),
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self, path: &str) -> Result<Vec<Value>> {
        let list = self.get(path)?.unwrap_or_default();
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Makes an object below `collection`, or changes the one that is there.
    pub(crate) fn apply(&self, collection: &str, object: &Value) -> Result<Value> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let answer = match self.call("POST", collection, Some(object))? {
            (409, _) => self.call("PATCH", &format!("{collection}/{name}"), Some(object))?,
            answer => answer,
        };
        if answer.0 < 300 { Ok(answer.1) } else { Err(message(&answer.1)) }
    }
}

/// The message of a `Status`.
pub(crate) fn message(value: &Value) -> String {
    value["message"].as_str().map_or_else(|| value.to_string(), str::to_owned)
}
