//! `taskbox bundle serve`: a bundle for machines that pull by themselves.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bundle::{Access, Bundle, BundleError, Served, TlsFiles, serve};
use clap::Args;
use rand::distr::{Alphanumeric, SampleString as _};

use super::show::size;

/// Serve a bundle over HTTPS, read-only: its files with ranges, and its images as a registry.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The bundle. All of it is checked first.
    file: PathBuf,

    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:5001")]
    listen: SocketAddr,

    /// The server's certificate, with its chain, in PEM. Without one FILE.cert.pem is used, and made if it is not there.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// Its private key.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,

    /// A name or address for the certificate that is made, besides those of this machine. Repeatable.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,

    /// Speak HTTP without TLS: anybody on the way can read the token and change what is sent.
    #[arg(long, conflicts_with_all = ["certificate", "name"])]
    plain: bool,

    /// The file with the token that clients must give; made if it is not there [default: FILE.token].
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,

    /// Ask for no token: whoever reaches this machine may read all of the bundle.
    #[arg(long, conflicts_with = "token")]
    open: bool,
}

/// Serves until it is ended.
pub(super) fn run(args: &ServeArgs) -> Result<(), BundleError> {
    let bundle = Bundle::open(&args.file)?;
    bundle.verify()?;
    let token_file = args.token.clone().unwrap_or_else(|| beside(&args.file, "token"));
    let access = if args.open { Access::Open } else { Access::Token(token(&token_file)?) };
    let tls = if args.plain { None } else { Some(certificate(args)?) };
    let scheme = if args.plain { "http" } else { "https" };
    let ready = |address: SocketAddr| {
        let host = if address.ip().is_unspecified() { own_address() } else { address.ip() };
        let at = SocketAddr::new(host, address.port());
        anstream::println!("serving  {} at {scheme}://{at}/", args.file.display());
        let ca = (!args.plain).then(|| format!("--cacert {} ", certificate_file(args).display()));
        let header =
            (!args.open).then(|| format!("-H \"Authorization: Bearer $(cat {})\" ", token_file.display()));
        anstream::println!(
            "try      curl {}{}{scheme}://{at}/SHA256SUMS",
            ca.unwrap_or_default(),
            header.unwrap_or_default()
        );
        if args.open {
            anstream::println!("note     no token is asked for: whoever reaches this machine may read");
        }
    };
    let watch = Arc::new(|served: &Served| {
        anstream::println!(
            "{:<8} {} {} {}",
            served.status,
            served.peer.ip(),
            served.request,
            size(served.sent)
        );
    });
    serve(&bundle, args.listen, tls.as_ref(), access, ready, watch)
}

/// `FILE.token`
fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    file.with_file_name(name)
}

fn certificate_file(args: &ServeArgs) -> PathBuf {
    args.certificate.clone().unwrap_or_else(|| beside(&args.file, "cert.pem"))
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    std::fs::read(path).map_err(|error| BundleError::File { action: "read", path: path.to_owned(), error })
}

/// Writes a new file that only its owner can read from its first byte on.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    out.and_then(|mut out| out.write_all(bytes)).map_err(|error| BundleError::File {
        action: "create",
        path: path.to_owned(),
        error,
    })
}

/// The token of a file; a new one where there is no file.
fn token(file: &Path) -> Result<String, BundleError> {
    if !file.exists() {
        let token = Alphanumeric.sample_string(&mut rand::rng(), 40);
        write_secret(file, format!("{token}\n").as_bytes())?;
    }
    let text = String::from_utf8_lossy(&read(file)?).trim().to_owned();
    if text.len() < 8 {
        let what = format!("the token in `{}` has fewer than 8 characters", file.display());
        return Err(BundleError::Missing {
            what,
            help: "write a longer one, or remove the file to have one made".into(),
        });
    }
    Ok(text)
}

/// The given certificate, the one made at an earlier start, or a new one for this machine's names.
fn certificate(args: &ServeArgs) -> Result<TlsFiles, BundleError> {
    let file = certificate_file(args);
    let key = args.key.clone().unwrap_or_else(|| beside(&args.file, "key.pem"));
    if args.certificate.is_none() && !(file.exists() && key.exists()) {
        let failed = |error: rcgen::Error| BundleError::Serve {
            address: args.listen.to_string(),
            reason: format!("no certificate could be made: {error}"),
        };
        let made = rcgen::generate_simple_self_signed(names(args)).map_err(failed)?;
        // One without the other is of no use.
        let _ = std::fs::remove_file(&key);
        write_secret(&key, made.signing_key.serialize_pem().as_bytes())?;
        std::fs::write(&file, made.cert.pem()).map_err(|error| BundleError::File {
            action: "create",
            path: file.clone(),
            error,
        })?;
    }
    Ok(TlsFiles { certificates: read(&file)?, key: read(&key)? })
}

/// The names and addresses of this machine.
fn names(args: &ServeArgs) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), own_address().to_string()];
    names.push(rustix::system::uname().nodename().to_string_lossy().into_owned());
    if !args.listen.ip().is_unspecified() {
        names.push(args.listen.ip().to_string());
    }
    names.extend(args.name.iter().cloned());
    names.sort();
    names.dedup();
    names
}

/// The address that this machine has on the way out; nothing is sent to find it.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    socket.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept_secret() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.token");
        let made = token(&file).unwrap();
        assert_eq!(made.len(), 40);
        assert_eq!(token(&file).unwrap(), made);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short\n").unwrap();
        assert!(token(&file).unwrap_err().to_string().contains("fewer than 8"));
    }
}
