//! Serves a bundle to machines that pull by themselves: its files with ranges, and its images as a registry. Read-only, over TLS unless the
//! caller wants none; nothing but what the manifest names can be reached, because paths are looked up and never followed.

mod request;
mod tree;

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::digest::sha256;
use crate::{Bundle, BundleError};

use request::{Request, Wanted};
use tree::Tree;

/// The most connections at a time; more wait to be accepted.
const AT_ONCE: usize = 128;
/// How long a connection may be silent between requests and within one.
const SILENCE: Duration = Duration::from_secs(60);
/// How long somebody with a wrong token waits for the answer.
const WRONG_TOKEN: Duration = Duration::from_millis(500);
/// Bytes sent at a time.
const BUFFER: usize = 64 * 1024;

/// Who may read.
#[derive(Clone, Debug)]
pub enum Access {
    /// Anybody.
    Open,
    /// Who knows this word: as `Authorization: Bearer WORD`, or as the password of any user.
    Token(String),
}

/// A certificate chain and its key, both in PEM.
#[derive(Clone)]
pub struct TlsFiles {
    /// The server's certificate first.
    pub certificates: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Who asked.
    pub peer: SocketAddr,
    /// `GET /bin/amd64/etcd`
    pub request: String,
    /// HTTP's status.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub sent: u64,
}

/// Answers requests until the process ends. `ready` hears at which address, once connections are taken; `watch` of each request, from
/// several threads.
///
/// # Errors
/// The certificate cannot be used, nobody can listen at the address, or the bundle cannot be read.
pub fn serve(
    bundle: &Bundle,
    address: SocketAddr,
    tls: Option<&TlsFiles>,
    access: Access,
    ready: impl FnOnce(SocketAddr),
    watch: Arc<dyn Fn(&Served) + Send + Sync>,
) -> Result<(), BundleError> {
    let failed = |reason: String| BundleError::Serve { address: address.to_string(), reason };
    let tls = tls.map(config).transpose().map_err(&failed)?;
    let house = Arc::new(House { tree: Tree::of(bundle)?, tls, access, watch });
    let listener = TcpListener::bind(address).map_err(|error| failed(error.to_string()))?;
    ready(listener.local_addr().map_err(|error| failed(error.to_string()))?);
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        // A connection that ended before it was taken is nobody's loss.
        let Ok(stream) = stream else { continue };
        while busy.load(Ordering::Acquire) >= AT_ONCE {
            thread::sleep(Duration::from_millis(20));
        }
        busy.fetch_add(1, Ordering::AcqRel);
        let (house, busy) = (house.clone(), busy.clone());
        thread::spawn(move || {
            // Whoever goes away in the middle is not told of it.
            let _ = house.connection(stream);
            busy.fetch_sub(1, Ordering::AcqRel);
        });
    }
    Ok(())
}

fn config(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(&files.certificates).collect();
    let certificates = certificates.map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(&files.key)
        .map_err(|error| format!("the certificate's key cannot be read: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| format!("certificate and key do not fit: {error}"))?;
    Ok(Arc::new(config))
}

/// What all connections share.
struct House {
    tree: Tree,
    tls: Option<Arc<ServerConfig>>,
    access: Access,
    watch: Arc<dyn Fn(&Served) + Send + Sync>,
}

impl House {
    fn connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        match &self.tls {
            Some(config) => {
                let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
                self.requests(BufReader::new(StreamOwned::new(session, stream)), peer)
            }
            None => self.requests(BufReader::new(stream), peer),
        }
    }

    fn requests<S: Read + Write>(&self, mut stream: BufReader<S>, peer: SocketAddr) -> io::Result<()> {
        while let Some(request) = Request::read(&mut stream)? {
            let goes_on = request.goes_on;
            let answer = self.answer(&request);
            let sent = answer.send(&request, goes_on, stream.get_mut());
            let (status, bytes) = (answer.status, *sent.as_ref().unwrap_or(&0));
            let line = format!("{} {}", request.method, request.path);
            (self.watch)(&Served { peer, request: line, status, sent: bytes });
            sent?;
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request) -> Answer {
        if !self.lets_in(request.header("authorization")) {
            thread::sleep(WRONG_TOKEN);
            let answer =
                Answer::text(401, "a token is needed: Authorization: Bearer TOKEN, or as a password\n");
            return answer.with("WWW-Authenticate", "Basic realm=\"taskbox\"");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Answer::text(405, "this server only gives\n").with("Allow", "GET, HEAD");
        }
        let Some(found) = self.tree.find(&request.path) else {
            return Answer::text(404, "the bundle has nothing there; GET / lists it\n");
        };
        let mut answer = Answer { status: 200, headers: Vec::new(), body: found.body, offset: 0, length: 0 };
        answer.length = answer.body.size();
        answer = answer.with("Accept-Ranges", "bytes").with("Content-Type", &found.media_type);
        if let Some(digest) = &found.digest {
            answer = answer.with("ETag", &format!("\"{digest}\""));
            if request.path.starts_with("/v2/") {
                answer = answer.with("Docker-Content-Digest", digest);
            }
        }
        if request.path.starts_with("/v2/") {
            answer = answer.with("Docker-Distribution-Api-Version", "registry/2.0");
        }
        answer.ranged(request)
    }

    fn lets_in(&self, authorization: Option<&str>) -> bool {
        let Access::Token(token) = &self.access else { return true };
        let Some((scheme, given)) = authorization.and_then(|text| text.split_once(' ')) else { return false };
        let given = given.trim();
        let word = if scheme.eq_ignore_ascii_case("bearer") {
            Some(given.to_owned())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let both = base64::engine::general_purpose::STANDARD.decode(given).ok();
            let both = both.and_then(|bytes| String::from_utf8(bytes).ok());
            both.and_then(|both| both.split_once(':').map(|(_, password)| password.to_owned()))
        } else {
            None
        };
        // Hashes are compared, so that the time it takes says nothing about the token.
        word.is_some_and(|word| sha256(word.as_bytes()) == sha256(token.as_bytes()))
    }
}

/// Where an answer's bytes are.
#[derive(Clone)]
enum Body {
    Bytes(Arc<[u8]>),
    /// A stretch of a file.
    Stretch {
        path: Arc<std::path::Path>,
        offset: u64,
        size: u64,
    },
}

impl Body {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stretch { size, .. } => *size,
        }
    }

    fn open(&self, from: u64, length: u64) -> io::Result<Box<dyn Read>> {
        use std::io::Seek as _;
        Ok(match self {
            Self::Bytes(bytes) => {
                let mut reader = io::Cursor::new(bytes.clone());
                reader.set_position(from);
                Box::new(reader.take(length))
            }
            Self::Stretch { path, offset, .. } => {
                let mut file = std::fs::File::open(path)?;
                file.seek(io::SeekFrom::Start(offset + from))?;
                Box::new(file.take(length))
            }
        })
    }
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
    offset: u64,
    length: u64,
}

impl Answer {
    fn text(status: u16, text: &str) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        let body = Body::Bytes(text.as_bytes().into());
        Self { status, headers, offset: 0, length: body.size(), body }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The stretch that the request asks for.
    fn ranged(self, request: &Request) -> Self {
        let size = self.length;
        match request.range(size) {
            Wanted::All => self,
            Wanted::Stretch { from, length } => {
                let range = format!("bytes {from}-{}/{size}", from + length - 1);
                Self { status: 206, offset: from, length, ..self.with("Content-Range", &range) }
            }
            Wanted::Nothing => {
                Self::text(416, "the file is shorter\n").with("Content-Range", &format!("bytes */{size}"))
            }
        }
    }

    /// Sends it; gives the bytes of the body.
    fn send(&self, request: &Request, goes_on: bool, out: &mut impl Write) -> io::Result<u64> {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nContent-Length: {}\r\n",
            self.status,
            reason(self.status),
            self.length
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += if goes_on { "\r\n" } else { "Connection: close\r\n\r\n" };
        out.write_all(head.as_bytes())?;
        if request.method == "HEAD" {
            out.flush()?;
            return Ok(0);
        }
        let mut body = self.body.open(self.offset, self.length)?;
        let mut buffer = vec![0; BUFFER];
        let mut sent = 0;
        loop {
            match body.read(&mut buffer)? {
                0 => break,
                count => {
                    out.write_all(&buffer[..count])?;
                    sent += count as u64;
                }
            }
        }
        out.flush()?;
        if sent != self.length {
            // The file became shorter under us: the client must not take it for whole.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the bundle became shorter"));
        }
        Ok(sent)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Range Not Satisfiable",
    }
}
