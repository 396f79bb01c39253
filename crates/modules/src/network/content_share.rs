//! `taskbox.core.content_share`: content that this host was sent, given on to hosts of the same run, so that the controller need not send it
//! to each of them. The controller asks; nobody writes it into a playbook.
//!
//! An offered piece is read by who knows this agent's token, which the controller passes over its own, authenticated connections; what comes is
//! kept only if it has the SHA-256 that the controller named. The port closes when the agent ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::resolve;
use crate::{Arg, ArgType, Args, BlobStore, Context, Failure, ModuleSpec, Outcome, hex};

/// How long a peer may take to answer, and how long it may be silent.
const CONNECT: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_secs(20);
/// The most readers at a time; the controller sends no more than a few.
const READERS: usize = 8;
const BUFFER: usize = 256 * 1024;
/// A token and a SHA-256, each in hexadecimal: what a reader says first.
const GREETING: usize = 128;

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "content_share",
    collection: "taskbox.core",
    summary: "Give content that was sent to this host on to other hosts of the run",
    args: &[
        Arg::str("action")
            .required()
            .choices(&["offer", "fetch"])
            .help("`offer` lets others read the content, `fetch` reads it."),
        Arg::str("sha256").required().help("The content's SHA-256."),
        Arg::int("size").help("Its bytes, for `fetch`."),
        Arg::list("addresses", ArgType::Str)
            .help("Where the other host may be, tried in this order, for `fetch`."),
        Arg::int("port").help("Its port, for `fetch`."),
        Arg::str("token").no_log().help("Its token, for `fetch`."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let sha256 = args.str("sha256")?.to_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::new("sha256 must be 64 hexadecimal digits"));
    }
    if args.str("action")? == "offer" {
        return offer(&sha256, context);
    }
    let (Some(size), Some(port)) = (args.int("size"), args.int("port")) else {
        return Err(Failure::new("fetch needs size and port"));
    };
    let (Ok(size), Ok(port)) = (u64::try_from(size), u16::try_from(port)) else {
        return Err(Failure::new("size and port must be numbers that a size and a port can have"));
    };
    let token = args.opt_str("token").unwrap_or_default();
    let mut reasons = Vec::new();
    for address in args.strings("addresses") {
        match fetch(address, port, token, (&sha256, size), context) {
            Ok(()) => return Ok(Outcome::unchanged().with("fetched", true).with("from", address)),
            Err(error) => reasons.push(format!("{address}: {error}")),
        }
    }
    Ok(Outcome::unchanged().with("fetched", false).with("reason", reasons.join("; ")))
}

/// Content that may be read, with the store that has it.
type Offered = Mutex<HashMap<String, Arc<BlobStore>>>;

/// What this process offers.
struct Offers {
    port: u16,
    token: String,
    offered: Arc<Offered>,
}

fn offer(sha256: &str, context: &Context) -> Result<Outcome, Failure> {
    static OFFERS: OnceLock<Result<Offers, String>> = OnceLock::new();
    let offers = OFFERS.get_or_init(|| Offers::open().map_err(|error| error.to_string()));
    let offers =
        offers.as_ref().map_err(|reason| Failure::new(format!("could not offer content: {reason}")))?;
    offers
        .offered
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(sha256.to_owned(), context.blobs.clone());
    // The address at which the controller reached this host, where sshd tells it.
    let own = context.variable("SSH_CONNECTION");
    let own = own.as_deref().and_then(|text| text.split(' ').nth(2)).map(str::to_owned);
    Ok(Outcome::unchanged()
        .with("port", u32::from(offers.port))
        .with("token", offers.token.as_str())
        .with("address", own))
}

impl Offers {
    fn open() -> io::Result<Self> {
        // Both families where there are both.
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
        let port = listener.local_addr()?.port();
        let mut random = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let token = hex::encode(&random);
        let offered: Arc<Offered> = Arc::default();
        let (known, word) = (offered.clone(), token.clone());
        let readers = Arc::new(AtomicUsize::new(0));
        thread::Builder::new().spawn(move || {
            for stream in listener.incoming().flatten() {
                if readers.load(Ordering::Acquire) >= READERS {
                    // Whoever is turned away is served by the controller.
                    continue;
                }
                readers.fetch_add(1, Ordering::AcqRel);
                let (known, word, readers) = (known.clone(), word.clone(), readers.clone());
                thread::spawn(move || {
                    // A reader that goes away is no trouble of ours.
                    let _ = give(stream, &word, &known);
                    readers.fetch_sub(1, Ordering::AcqRel);
                });
            }
        })?;
        Ok(Self { port, token, offered })
    }
}

/// Answers one reader: nothing to who does not know the token or asks for what is not offered.
fn give(mut stream: TcpStream, token: &str, offered: &Offered) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut greeting = [0; GREETING];
    stream.read_exact(&mut greeting)?;
    let (given, sha256) = greeting.split_at(GREETING / 2);
    // Every byte is looked at, so that the time it takes tells nothing.
    let wrong = given.iter().zip(token.as_bytes()).fold(0, |wrong, (one, other)| wrong | (one ^ other));
    let sha256 = String::from_utf8_lossy(sha256);
    let store = offered.lock().unwrap_or_else(PoisonError::into_inner).get(sha256.as_ref()).cloned();
    let Some(store) = store.filter(|_| wrong == 0) else { return Ok(()) };
    let Some(mut content) = store.peek(&sha256) else { return Ok(()) };
    let mut buffer = vec![0; BUFFER];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}

/// Reads content from a peer into this host's store, which refuses it if its hash is another.
fn fetch(
    host: &str,
    port: u16,
    token: &str,
    (sha256, size): (&str, u64),
    context: &Context,
) -> io::Result<()> {
    let literal: Option<IpAddr> = host.parse().ok();
    let found = literal.map_or_else(|| resolve::resolve_host(host, CONNECT), |address| vec![address]);
    let address = found.first().ok_or_else(|| io::Error::other("the name could not be resolved"))?;
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(*address, port), CONNECT)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    stream.write_all(format!("{token:0>64}{sha256}").as_bytes())?;
    let mut receiving = context.blobs.receive(sha256, size)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        if context.cancel.is_set() {
            return Err(io::Error::other("canceled"));
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => receiving.push(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    context.blobs.finish(receiving)
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::{Cancel, RunRequest, run_local_with};

    fn share(store: &Arc<BlobStore>, args: &[(&'static str, Value)]) -> Map {
        let mut map = Map::new();
        for (name, value) in args {
            map.insert(*name, value.clone());
        }
        let request = RunRequest::new("taskbox.core.content_share", map);
        run_local_with(&request, store.clone(), Cancel::default(), Box::new(|_| ()))
    }

    fn store(folder: &tempfile::TempDir) -> Arc<BlobStore> {
        Arc::new(BlobStore::new(Some(folder.path().to_owned())))
    }

    #[test]
    fn content_goes_from_host_to_host_to_who_knows_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let giver = store(&folder);
        let bytes = vec![7; 3_000_000];
        let sha256 = hex::encode(&Sha256::digest(&bytes));
        let mut receiving = giver.receive(&sha256, bytes.len() as u64).unwrap();
        receiving.push(&bytes).unwrap();
        giver.finish(receiving).unwrap();
        let secret = giver.put(b"not offered");
        let offered = share(&giver, &[("action", "offer".into()), ("sha256", sha256.as_str().into())]);
        let (port, token) = (offered.get("port").cloned().unwrap(), offered.get("token").cloned().unwrap());

        let other = tempfile::tempdir().unwrap();
        let taker = store(&other);
        let fetch = |sha256: &str, token: &Value, size: usize| {
            share(
                &taker,
                &[
                    ("action", "fetch".into()),
                    ("sha256", sha256.into()),
                    ("size", size.into()),
                    ("addresses", vec![Value::from("127.0.0.1")].into()),
                    ("port", port.clone()),
                    ("token", token.clone()),
                ],
            )
        };
        let wrong = fetch(&sha256, &"0".repeat(64).into(), bytes.len());
        assert_eq!(wrong.get("fetched"), Some(&Value::from(false)), "{wrong:?}");
        let hidden = fetch(&secret, &token, 11);
        assert_eq!(hidden.get("fetched"), Some(&Value::from(false)), "{hidden:?}");
        let came = fetch(&sha256, &token, bytes.len());
        assert_eq!(came.get("fetched"), Some(&Value::from(true)), "{came:?}");
        let mut read = Vec::new();
        taker.get(&sha256).unwrap().open().unwrap().read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn content_that_changed_on_the_way_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let giver = store(&folder);
        let bytes = vec![7; 2_000_000];
        let sha256 = hex::encode(&Sha256::digest(&bytes));
        giver.lend(&sha256, folder.path().join("file"));
        std::fs::write(folder.path().join("file"), vec![8; 2_000_000]).unwrap();
        let offered = share(&giver, &[("action", "offer".into()), ("sha256", sha256.as_str().into())]);
        let taker = Arc::new(BlobStore::default());
        let said = share(
            &taker,
            &[
                ("action", "fetch".into()),
                ("sha256", sha256.as_str().into()),
                ("size", bytes.len().into()),
                ("addresses", vec![Value::from("127.0.0.1")].into()),
                ("port", offered.get("port").cloned().unwrap()),
                ("token", offered.get("token").cloned().unwrap()),
            ],
        );
        assert_eq!(said.get("fetched"), Some(&Value::from(false)), "{said:?}");
        assert!(said.get_str("reason").unwrap().contains("came with"), "{said:?}");
        assert!(taker.get(&sha256).is_none());
    }
}
