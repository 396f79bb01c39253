//! known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain, wildcard and hashed names, `[host]:port`, `@revoked`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What the files say about a host's key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Known and equal.
    Known,
    /// Nothing is known of a key of this host.
    Unknown,
    /// Another key is known, in this file; or this one is revoked there.
    Changed(PathBuf),
}

/// The entries for one host in all files.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    file: PathBuf,
    algorithm: String,
    key: String,
    revoked: bool,
}

impl KnownKeys {
    /// Reads the entries of `name` (see [`host_name`]) from the files that exist.
    pub(crate) fn read(files: &[PathBuf], name: &str) -> Self {
        let mut found = Self::default();
        for file in files {
            // Bytes, because a comment may be in any encoding.
            let text = fs::read(file).unwrap_or_default();
            for line in String::from_utf8_lossy(&text).lines() {
                found.entries.extend(entry(line, name, file));
            }
        }
        found
    }

    /// The algorithms of known keys, so that the server is asked for one that can be compared.
    pub(crate) fn algorithms(&self) -> Vec<&str> {
        self.entries.iter().filter(|entry| !entry.revoked).map(|entry| entry.algorithm.as_str()).collect()
    }

    /// Compares the key the host showed.
    pub(crate) fn check(&self, key: &[u8]) -> Verdict {
        let shown = STANDARD.encode(key);
        if let Some(entry) = self.entries.iter().find(|entry| entry.revoked && entry.key == shown) {
            return Verdict::Changed(entry.file.clone());
        }
        let mut valid = self.entries.iter().filter(|entry| !entry.revoked).peekable();
        match valid.peek().map(|entry| entry.file.clone()) {
            None => Verdict::Unknown,
            Some(_) if valid.any(|entry| entry.key == shown) => Verdict::Known,
            Some(file) => Verdict::Changed(file),
        }
    }
}

/// One line, if it is about this host.
fn entry(line: &str, name: &str, file: &Path) -> Option<Entry> {
    let mut words = line.split_whitespace();
    let mut first = words.next().filter(|word| !word.starts_with('#'))?;
    let mut revoked = false;
    match first {
        "@revoked" => {
            revoked = true;
            first = words.next()?;
        }
        // Certificates are for OpenSSH to check.
        "@cert-authority" => return None,
        _ => {}
    }
    let (algorithm, key) = (words.next()?, words.next()?);
    names_match(first, name).then(|| Entry {
        file: file.to_owned(),
        algorithm: algorithm.to_owned(),
        key: key.to_owned(),
        revoked,
    })
}

fn names_match(names: &str, name: &str) -> bool {
    if let Some(hashed) = names.strip_prefix("|1|") {
        return hash_matches(hashed, name).unwrap_or(false);
    }
    data::fits_ssh_patterns(names.split(','), name)
}

/// `salt|hash`: an HMAC-SHA1 of the name.
fn hash_matches(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// The name under which a host stands in known_hosts.
pub(crate) fn host_name(address: &str, port: u16) -> String {
    let address = address.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if port == 22 { address } else { format!("[{address}]:{port}") }
}

/// The line for a key.
pub(crate) fn line(name: &str, algorithm: &str, key: &[u8]) -> String {
    format!("{name} {}", key_text(algorithm, key))
}

/// The line for a key without the name: `ssh-ed25519 AAAA...`.
pub(crate) fn key_text(algorithm: &str, key: &[u8]) -> String {
    format!("{algorithm} {}", STANDARD.encode(key))
}

/// The fingerprint as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Adds a line, making the file and its folder as ssh does.
///
/// # Errors
/// It cannot be written.
pub(crate) fn add(file: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    // One write, so that hosts that are met at the same time do not mix their lines.
    file.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"\0\0\0\x0bssh-ed25519 one";
    const OTHER: &[u8] = b"\0\0\0\x0bssh-ed25519 two";

    fn verdict(text: &str, name: &str) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        fs::write(&file, text).unwrap();
        match KnownKeys::read(&[file], name).check(KEY) {
            Verdict::Changed(_) => Verdict::Changed(PathBuf::new()),
            other => other,
        }
    }

    fn of(names: &str, key: &[u8]) -> String {
        format!("# comment\n{}\n", line(names, "ssh-ed25519", key))
    }

    #[test]
    fn names_are_found_in_all_their_forms() {
        for (names, name, found) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("a,10.0.0.1", "10.0.0.1", true),
            ("10.0.0.*", "10.0.0.1", true),
            ("10.0.0.*,!10.0.0.1", "10.0.0.1", false),
            ("[10.0.0.1]:2222", "[10.0.0.1]:2222", true),
            ("10.0.0.1", "[10.0.0.1]:2222", false),
            ("@cert-authority *", "10.0.0.1", false),
        ] {
            let expected = if found { Verdict::Known } else { Verdict::Unknown };
            assert_eq!(verdict(&of(names, KEY), name), expected, "{names} {name}");
        }
    }

    #[test]
    fn hashed_names_are_found() {
        // As `ssh-keygen -H` makes them: a salt and an HMAC of the name.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"0123456789abcdefghij").unwrap();
        mac.update(b"example.com");
        let hashed = format!(
            "|1|{}|{}",
            STANDARD.encode(b"0123456789abcdefghij"),
            STANDARD.encode(mac.finalize().into_bytes())
        );
        assert_eq!(verdict(&of(&hashed, KEY), "example.com"), Verdict::Known);
        assert_eq!(verdict(&of(&hashed, KEY), "example.org"), Verdict::Unknown);
    }

    #[test]
    fn another_or_a_revoked_key_is_a_change() {
        let changed = Verdict::Changed(PathBuf::new());
        assert_eq!(verdict(&of("h", OTHER), "h"), changed);
        assert_eq!(verdict(&(of("h", OTHER) + &of("h", KEY)), "h"), Verdict::Known);
        assert_eq!(verdict(&(of("h", KEY) + &of("@revoked *", KEY)), "h"), changed);
    }

    #[test]
    fn names_carry_the_port_only_if_it_is_not_22() {
        assert_eq!(host_name("Host", 22), "host");
        assert_eq!(host_name("[fd00::1]", 2222), "[fd00::1]:2222");
    }

    #[test]
    fn a_new_line_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/known_hosts");
        add(&file, &line("h", "ssh-ed25519", KEY)).unwrap();
        assert_eq!(KnownKeys::read(&[file], "h").check(KEY), Verdict::Known);
    }
}
