//! The API server: TLS with the certificates of its static pod, who asks, and what they may.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::documents::{age, flag, now};
use crate::etcd::Etcd;
use crate::objects::{Answer, KINDS, Place, group_version, serve, status};
use crate::{Result, certificates, say};

/// How long an API server counts as alive after its last sign, in seconds.
const LEASE: i64 = 15;

struct Server {
    etcd: Etcd,
    address: String,
    certificates: String,
}

/// Serves until it is killed.
pub(crate) fn run(flags: &BTreeMap<String, String>) -> Result<()> {
    let etcd = Etcd::open(
        flag(flags, "etcd-servers")?,
        flag(flags, "etcd-cafile")?,
        flag(flags, "etcd-certfile")?,
        flag(flags, "etcd-keyfile")?,
    )?;
    let address = flag(flags, "advertise-address")?.to_owned();
    let port = flag(flags, "secure-port")?;
    let certificate = flag(flags, "tls-cert-file")?;
    let folder = certificate.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let config = tls(certificate, flag(flags, "tls-private-key-file")?, flag(flags, "client-ca-file")?)?;
    let listener =
        TcpListener::bind(format!("0.0.0.0:{port}")).map_err(|error| format!("port {port}: {error}"))?;
    let server = Arc::new(Server { etcd, address, certificates: folder });
    let reconciler = Arc::clone(&server);
    std::thread::spawn(move || {
        loop {
            if let Err(error) = reconciler.reconcile_endpoints() {
                say(&format!("endpoints: {error}"));
            }
            std::thread::sleep(Duration::from_secs(3));
        }
    });
    say(&format!("taskbox's stand-in for kube-apiserver listens at port {port}"));
    for stream in listener.incoming().flatten() {
        let (server, config) = (Arc::clone(&server), Arc::clone(&config));
        std::thread::spawn(move || {
            let _ = server.converse(stream, config);
        });
    }
    Ok(())
}

fn tls(certificate: &str, key: &str, clients: &str) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| format!("{certificate}: {error}"))?
        .flatten()
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{key}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for authority in
        CertificateDer::pem_file_iter(clients).map_err(|error| format!("{clients}: {error}"))?.flatten()
    {
        roots.add(authority).map_err(|error| error.to_string())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| error.to_string())?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(config))
}

/// A request, read whole.
struct Request {
    method: String,
    path: String,
    query: String,
    token: Option<String>,
    body: Vec<u8>,
}

/// Who asks: a user and the groups.
#[derive(Default)]
struct User {
    name: String,
    groups: Vec<String>,
}

impl Server {
    fn converse(&self, stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut reader = BufReader::new(StreamOwned::new(connection, stream));
        while let Some(request) = read(&mut reader)? {
            let user = self.who(reader.get_ref(), &request);
            let (code, kind, body) = match self.plain(&request) {
                Some(answer) => answer,
                None => {
                    let (code, body) = self.answer(&user, &request);
                    (code, "application/json", body.to_string())
                }
            };
            let head = format!(
                "HTTP/1.1 {code} .\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let stream = reader.get_mut();
            stream.write_all(head.as_bytes())?;
            stream.write_all(body.as_bytes())?;
            stream.flush()?;
        }
        Ok(())
    }

    /// What is no JSON.
    fn plain(&self, request: &Request) -> Option<(u16, &'static str, String)> {
        match request.path.as_str() {
            "/livez" | "/healthz" => Some((200, "text/plain", "ok".to_owned())),
            "/readyz" => Some(match self.etcd.version() {
                Ok(_) => (200, "text/plain", "ok".to_owned()),
                Err(error) => (500, "text/plain", format!("[-]etcd failed: {error}\nreadyz check failed\n")),
            }),
            // An empty document: kubectl then validates nothing on its side.
            "/openapi/v2" => Some((200, "application/octet-stream", String::new())),
            _ => None,
        }
    }

    fn who(&self, stream: &StreamOwned<ServerConnection, TcpStream>, request: &Request) -> User {
        if let Some(certificate) = stream.conn.peer_certificates().and_then(<[_]>::first) {
            return subject(certificate).unwrap_or_default();
        }
        let Some((id, secret)) = request.token.as_deref().and_then(|token| token.split_once('.')) else {
            return User::default();
        };
        let found = Place::parse(&format!("/api/v1/namespaces/kube-system/secrets/bootstrap-token-{id}"))
            .map(|place| serve(&self.etcd, "GET", &place, "", &Value::Null).1)
            .unwrap_or_default();
        let field = |name: &str| {
            let text =
                found["data"][name].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        let expired = age(&field("expiration")) > 0;
        if field("token-secret") != secret || secret.is_empty() || expired {
            return User::default();
        }
        User { name: format!("system:bootstrap:{id}"), groups: vec!["system:bootstrappers".to_owned()] }
    }

    fn answer(&self, user: &User, request: &Request) -> Answer {
        let (method, path) = (request.method.as_str(), request.path.as_str());
        let all = ["system:masters", "kubeadm:cluster-admins", "system:nodes"];
        let trusted = user.groups.iter().any(|group| all.contains(&group.as_str()))
            || user.name.starts_with("system:kube-");
        let bootstraps = user.name.starts_with("system:bootstrap:")
            && (method == "GET" || (method == "POST" && path.ends_with("/certificatesigningrequests")));
        let public = method == "GET"
            && (path == "/version" || path == "/api/v1/namespaces/kube-public/configmaps/cluster-info");
        if !(trusted || bootstraps || public) {
            return match user.name.as_str() {
                "" => status(401, "Unauthorized", "Unauthorized"),
                name => status(403, "Forbidden", &format!("User \"{name}\" cannot {method} {path}")),
            };
        }
        if let Some(answer) = discovery(path) {
            return answer;
        }
        let Some(place) = Place::parse(path) else {
            return status(404, "NotFound", "the server could not find the requested resource");
        };
        if request.query.contains("watch=true") {
            return status(405, "MethodNotAllowed", "the stand-in cannot be watched");
        }
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let (code, made) = serve(&self.etcd, method, &place, &request.query, &body);
        if code == 201 && place.kind.kind == "CertificateSigningRequest" {
            return self.sign(&place, made);
        }
        (code, made)
    }

    /// Signs what a joining kubelet asks for, as the controller manager does a moment later in a real cluster.
    fn sign(&self, place: &Place, mut request: Value) -> Answer {
        let pem = request["spec"]["request"]
            .as_str()
            .and_then(|text| STANDARD.decode(text).ok())
            .unwrap_or_default();
        match certificates::sign(&self.certificates, &pem) {
            Ok(certificate) => request["status"] = json!({"certificate": STANDARD.encode(certificate)}),
            Err(error) => return status(422, "Invalid", &error),
        }
        let name = request["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let place = Place { kind: place.kind, namespace: None, name: Some(name) };
        serve(&self.etcd, "PATCH", &place, "", &json!({"status": request["status"]}));
        (201, request)
    }

    /// Tells the others that this one lives, and writes those that do into the endpoints of the `kubernetes` service.
    fn reconcile_endpoints(&self) -> Result<()> {
        let key = format!("/registry/masterleases/{}", self.address);
        let revision = self.etcd.get(&key)?.map_or_else(|| "0".to_owned(), |entry| entry.revision);
        self.etcd.put(&key, &json!({"ip": self.address, "time": now()}), &revision)?;
        let mut alive: Vec<String> = self
            .etcd
            .list("/registry/masterleases/")?
            .iter()
            .filter(|entry| age(entry.value["time"].as_str().unwrap_or_default()) < LEASE)
            .filter_map(|entry| entry.value["ip"].as_str().map(str::to_owned))
            .collect();
        alive.sort();
        let addresses: Vec<Value> = alive.iter().map(|ip| json!({"ip": ip})).collect();
        let subsets =
            json!([{"addresses": addresses, "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}]);
        let endpoints = json!({"metadata": {"name": "kubernetes"}, "subsets": subsets});
        let service = json!({"metadata": {"name": "kubernetes"}, "spec": {"type": "ClusterIP", "ports": [{"port": 443}]}});
        for (plural, object) in [("endpoints", &endpoints), ("services", &service)] {
            let path = format!("/api/v1/namespaces/default/{plural}");
            let parse = |path: &str| Place::parse(path).ok_or_else(|| "a kind is missing".to_owned());
            if serve(&self.etcd, "POST", &parse(&path)?, "", object).0 == 409 && plural == "endpoints" {
                serve(&self.etcd, "PATCH", &parse(&format!("{path}/kubernetes"))?, "", object);
            }
        }
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let place = Place::parse("/api/v1/namespaces").ok_or("a kind is missing")?;
            serve(&self.etcd, "POST", &place, "", &json!({"metadata": {"name": name}}));
        }
        Ok(())
    }
}

fn subject(certificate: &CertificateDer<'_>) -> Option<User> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let text = |value: &x509_parser::x509::AttributeTypeAndValue<'_>| value.as_str().ok().map(str::to_owned);
    let name = parsed.subject().iter_common_name().next().and_then(text)?;
    Some(User { name, groups: parsed.subject().iter_organization().filter_map(text).collect() })
}

/// What kubectl asks to learn which kinds there are.
fn discovery(path: &str) -> Option<Answer> {
    let resources = |group: &str, version: &str| -> Vec<Value> {
        let verbs = json!(["create", "delete", "get", "list", "patch", "update"]);
        let of = |kind: &&crate::objects::Kind| kind.group == group && kind.version == version;
        KINDS
            .iter()
            .filter(of)
            .map(|kind| json!({"name": kind.plural, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs}))
            .collect()
    };
    let words: Vec<&str> = path.trim_matches('/').split('/').collect();
    match words.as_slice() {
        ["version"] => {
            let version = format!("{}+standin", crate::VERSION);
            Some((
                200,
                json!({"major": "1", "minor": "36", "gitVersion": version, "platform": "linux/amd64"}),
            ))
        }
        ["api"] => Some((200, json!({"kind": "APIVersions", "versions": ["v1"]}))),
        ["api", "v1"] => Some((
            200,
            json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": resources("", "v1")}),
        )),
        ["apis"] => {
            let mut groups: Vec<Value> = Vec::new();
            for kind in KINDS.iter().filter(|kind| !kind.group.is_empty()) {
                let version = json!({"groupVersion": group_version(kind), "version": kind.version});
                if !groups.iter().any(|group| group["name"] == kind.group) {
                    groups.push(
                        json!({"name": kind.group, "versions": [version], "preferredVersion": version}),
                    );
                }
            }
            Some((200, json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        ["apis", group, version] => {
            let resources = resources(group, version);
            let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": resources});
            Some((200, list))
        }
        _ => None,
    }
}

/// Reads a request; `None` when the client has gone.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let (mut length, mut token) = (0_usize, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length.min(16 << 20)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, query, token, body }))
}
