//! From settings to a session whose host is who it should be: TCP, handshake, host key.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use ssh2::{HostKeyType, MethodType, Session};

use super::gate::{Gate, Place};
use super::known_hosts::{self, KnownKeys, Verdict};
use super::resolve;
use crate::connection::{ConnectionSettings, HostKeyCheck, ShownKey, Unreachable};

/// A session, not logged in yet, and its socket.
pub(crate) struct Contact {
    pub(crate) session: Session,
    pub(crate) socket: TcpStream,
    /// The key that the host showed, as known_hosts files have it after the name: `ssh-ed25519 AAAA...`.
    pub(crate) host_key: String,
}

/// How long a host that does not answer keeps its place at the gate: longer than a packet takes around the world.
const PROBE: Duration = Duration::from_millis(500);

/// Reaches the host, inside the gate: a server takes up its part of a login as soon as it is connected to, and gives it a limited time.
/// A host that does not answer at once is waited for outside, so that those that are down keep nobody out.
pub(crate) fn reach<'a>(
    settings: &ConnectionSettings,
    gate: &'a Gate,
    place: &mut Option<Place<'a>>,
) -> Result<TcpStream, Unreachable> {
    let addresses = resolve::addresses(&settings.address, settings.port())
        .map_err(|detail| Unreachable::Dns { name: settings.address.clone(), detail })?;
    place.get_or_insert_with(|| gate.enter());
    match connect_any(settings, &addresses, settings.timeout.min(PROBE)) {
        Ok(socket) => return Ok(socket),
        // Of several addresses, one that was only slow may be hidden behind the last one's refusal.
        Err(cause) if addresses.len() == 1 && !matches!(cause, Unreachable::Timeout { .. }) => {
            return Err(cause);
        }
        Err(_) => *place = None,
    }
    let socket = connect_any(settings, &addresses, settings.timeout.saturating_sub(PROBE).max(PROBE))?;
    *place = Some(gate.enter());
    Ok(socket)
}

/// Begins a session over a connection, and checks the host's key.
pub(crate) fn contact(settings: &ConnectionSettings, socket: TcpStream) -> Result<Contact, Unreachable> {
    let port = settings.port();
    let failed = |error: ssh2::Error| Unreachable::Handshake {
        address: settings.address.clone(),
        port,
        detail: error.message().to_owned(),
    };
    let mut session = Session::new().map_err(failed)?;
    session.set_timeout(settings.timeout.as_millis().min(u128::from(u32::MAX)) as u32);
    session.set_compress(settings.compression);
    let name = known_hosts::host_name(&settings.address, port);
    let known = KnownKeys::read(&settings.known_hosts, &name);
    prefer_known(&session, &known);
    prefer_fast_ciphers(&session);
    let shared = socket.try_clone().map_err(|error| network(settings, &error))?;
    session.set_tcp_stream(shared);
    session.handshake().map_err(failed)?;
    let host_key = check_key(&session, settings, &name, &known)?;
    Ok(Contact { session, socket, host_key })
}

/// The first address that answers; the last error if none does.
fn connect_any(
    settings: &ConnectionSettings,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<TcpStream, Unreachable> {
    let mut failure = Unreachable::Dns { name: settings.address.clone(), detail: "no address".into() };
    for address in addresses {
        match TcpStream::connect_timeout(address, limit).and_then(|socket| prepare(socket, settings.silence))
        {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = network(settings, &error),
        }
    }
    Err(failure)
}

/// Small frames leave at once, and the kernel notices a peer that has gone.
fn prepare(socket: TcpStream, silence: Duration) -> io::Result<TcpStream> {
    use rustix::net::sockopt;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&socket, true)?;
    let third = Duration::from_secs((silence.as_secs() / 3).max(1));
    sockopt::set_tcp_keepidle(&socket, third)?;
    sockopt::set_tcp_keepintvl(&socket, third)?;
    sockopt::set_tcp_keepcnt(&socket, 2)?;
    Ok(socket)
}

fn network(settings: &ConnectionSettings, error: &io::Error) -> Unreachable {
    let (address, port) = (settings.address.clone(), settings.port());
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused { address, port },
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            Unreachable::Timeout { address, port, after: settings.timeout }
        }
        // The system's words without Rust's "(os error 113)".
        _ => {
            let words = error.to_string();
            let detail = words.split(" (os error").next().unwrap_or(&words).to_owned();
            Unreachable::Network { address, port, detail }
        }
    }
}

/// Asks the server for a key of a kind we know, before the others: a host has several, and known_hosts may hold just one.
fn prefer_known(session: &Session, known: &KnownKeys) {
    let Ok(supported) = session.supported_algs(MethodType::HostKey) else { return };
    let fits = |algorithm: &str| {
        known
            .algorithms()
            .iter()
            .any(|kind| algorithm == *kind || *kind == "ssh-rsa" && algorithm.starts_with("rsa-sha2-"))
    };
    let (first, rest): (Vec<&str>, Vec<&str>) = supported
        .iter()
        .filter(|algorithm| !algorithm.contains("-cert-v01@"))
        .partition(|algorithm| fits(algorithm));
    let order: Vec<&str> = first.into_iter().chain(rest).collect();
    // If the library refuses the list, its own order stands and at worst a key is unknown.
    let _ = session.method_pref(MethodType::HostKey, &order.join(","));
}

/// Where the processor has instructions for AES, AES-GCM costs both sides a fraction of what ChaCha20 does.
fn prefer_fast_ciphers(session: &Session) {
    if !has_aes() {
        return;
    }
    for direction in [MethodType::CryptCs, MethodType::CryptSc] {
        let Ok(supported) = session.supported_algs(direction) else { continue };
        let (fast, rest): (Vec<&str>, Vec<&str>) =
            supported.iter().partition(|name| name.starts_with("aes128-gcm@"));
        let order: Vec<&str> = fast.into_iter().chain(rest).collect();
        // If the library refuses the list, its own order stands.
        let _ = session.method_pref(direction, &order.join(","));
    }
}

/// Whether the processor has instructions for AES.
pub(crate) fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Checks the host's key, and gives it as known_hosts files have it.
fn check_key(
    session: &Session,
    settings: &ConnectionSettings,
    name: &str,
    known: &KnownKeys,
) -> Result<String, Unreachable> {
    let (key, kind) = session.host_key().ok_or_else(|| Unreachable::Handshake {
        address: settings.address.clone(),
        port: settings.port(),
        detail: "the server showed no host key".into(),
    })?;
    let shown = || {
        Box::new(ShownKey {
            name: name.to_owned(),
            algorithm: short_name(kind),
            fingerprint: known_hosts::fingerprint(key),
            line: known_hosts::line(name, key_format(key), key),
        })
    };
    let written = known_hosts::key_text(key_format(key), key);
    match (known.check(key), settings.host_key_check) {
        (Verdict::Known, _) | (Verdict::Unknown, HostKeyCheck::Off) => Ok(written),
        (Verdict::Changed(file), _) => Err(Unreachable::HostKeyChanged { key: shown(), file }),
        (Verdict::Unknown, check) => {
            let file =
                settings.known_hosts.first().cloned().unwrap_or_else(|| PathBuf::from("~/.ssh/known_hosts"));
            if check == HostKeyCheck::Strict {
                return Err(Unreachable::HostKeyUnknown { key: shown(), file });
            }
            known_hosts::add(&file, &shown().line).map(|()| written).map_err(|error| Unreachable::Settings {
                detail: format!("the key of {name} cannot be kept in `{}`: {error}", file.display()),
                help: "let the file be written, or name another one with `-o UserKnownHostsFile=`".into(),
            })
        }
    }
}

/// The format's name at the start of a key.
fn key_format(key: &[u8]) -> &str {
    let length =
        key.get(..4).map_or(0, |bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize);
    key.get(4..4 + length.min(64)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("ssh-unknown")
}

/// The kind's name in OpenSSH's messages.
fn short_name(kind: HostKeyType) -> &'static str {
    match kind {
        HostKeyType::Rsa => "RSA",
        HostKeyType::Dss => "DSA",
        HostKeyType::Ecdsa256 | HostKeyType::Ecdsa384 | HostKeyType::Ecdsa521 => "ECDSA",
        HostKeyType::Ed25519 => "ED25519",
        HostKeyType::Unknown => "host",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_key_is_read_within_its_bounds() {
        assert_eq!(key_format(b"\0\0\0\x0bssh-ed25519rest"), "ssh-ed25519");
        assert_eq!(key_format(b"\xff\xff\xff\xffssh"), "ssh-unknown");
        assert_eq!(key_format(b""), "ssh-unknown");
    }

    #[test]
    fn who_waits_at_the_gate_has_not_connected_and_loses_none_of_its_time() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let defaults = crate::connection::ConnectionDefaults::default();
        let mut settings = ConnectionSettings::from_vars("127.0.0.1", &|_| None, &defaults).unwrap();
        settings.port = Some(server.local_addr().unwrap().port());
        settings.timeout = Duration::from_secs(1);
        let gate = Gate::new(1);
        let before = gate.enter();
        std::thread::scope(|scope| {
            let host = scope.spawn(|| reach(&settings, &gate, &mut None).map(drop));
            std::thread::sleep(settings.timeout * 2);
            assert_eq!(server.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            drop(before);
            host.join().unwrap().unwrap();
        });
        server.accept().unwrap();
    }
}
