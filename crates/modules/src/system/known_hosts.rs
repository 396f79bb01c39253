//! `known_hosts`: which key a host must show to be believed by SSH.

use std::fs;
use std::io;
use std::path::Path;

use data::{Value, fits_ssh_patterns};
use sha1::{Digest, Sha1};

use crate::atomic_write::AtomicFile;
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, base64};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "known_hosts",
    summary: "Add or remove a host from the C(known_hosts) file",
    args: &[
        Arg::str("name")
            .required()
            .aliases(&["host"])
            .help("The host, as the key names it; `[host]:port` for another port than 22."),
        Arg::str("key").help("The line of the file: the host's name, the kind of key and the key."),
        Arg::path("path").default_str("~/.ssh/known_hosts").help("The file; its folder must be there."),
        Arg::bool("hash_host").default_bool(false).help("Write a digest in place of the host's name."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the key is to be there; absent without `key` removes all keys of the host."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let host = args.str("name")?.to_lowercase();
    let path = args.path("path")?;
    let present = args.str("state")? == "present";
    let wanted = wanted_line(args, &host, present)?;
    let before = read(&path)?;
    let lines: Vec<&str> = before.as_deref().unwrap_or_default().split_inclusive('\n').collect();
    let place = find(&lines, &host, wanted.as_deref());
    let mut after = lines.clone();
    let changed = match (&wanted, present) {
        (Some(line), true) => place.put(&mut after, line),
        (Some(_), false) => place.same_kind().is_some_and(|at| {
            after.remove(at);
            true
        }),
        (None, _) => {
            after.retain(|line| {
                !Entry::parse(line).is_some_and(|entry| entry.mark.is_none() && entry.names(&host))
            });
            after.len() != lines.len()
        }
    };
    let after = after.concat();
    if changed && !context.check {
        let mut file = AtomicFile::begin(&path)?;
        file.fill(after.as_bytes())?;
        file.replace(false)?;
    }
    let shown = path.display().to_string();
    let old_name = if before.is_some() { shown.clone() } else { "/dev/null".to_owned() };
    let diff = Diff::text(before.unwrap_or_default(), after).headers(old_name, shown);
    let mut outcome = Outcome::new(changed).with("diff", diff.to_value());
    if context.check && !(wanted.is_some() && !present && place.same_kind().is_none()) {
        // Here Ansible's module ends early, without its arguments in the result.
        return Ok(outcome);
    }
    for name in ["name", "key", "path", "hash_host", "state"] {
        outcome = outcome.with(name, args.get(name).cloned().unwrap_or(Value::Null));
    }
    Ok(outcome)
}

/// The line to write or to look for, with its newline; none if all keys of the host are to go.
fn wanted_line(args: &Args, host: &str, present: bool) -> Result<Option<String>, Failure> {
    let Some(key) = args.opt_str("key").filter(|key| !key.is_empty()) else {
        return if present { Err(Failure::new("No key specified when adding a host")) } else { Ok(None) };
    };
    if host.split_once(',').is_some_and(|(first, _)| !first.trim().is_empty()) {
        return Err(Failure::new(
            "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
        ));
    }
    if !key.lines().filter_map(Entry::parse).any(|entry| entry.names(host)) {
        return Err(Failure::new("Host parameter does not match hashed host field in supplied key"));
    }
    let mut line = if args.bool("hash_host") { hashed(key, host)? } else { key.to_owned() };
    if !line.ends_with('\n') {
        line.push('\n');
    }
    Ok(Some(line))
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("could not read", path, &error)),
    }
}

/// A line of the file that is a key.
struct Entry<'a> {
    /// `@cert-authority` or `@revoked`.
    mark: Option<&'a str>,
    hosts: &'a str,
    kind: &'a str,
    key: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let first = words.next().filter(|word| !word.starts_with('#'))?;
        let (mark, hosts) = if first.starts_with('@') { (Some(first), words.next()?) } else { (None, first) };
        Some(Self { mark, hosts, kind: words.next()?, key: words.next()? })
    }

    /// Whether it is about this host: by name, pattern or digest, as `ssh-keygen -F` finds it.
    fn names(&self, host: &str) -> bool {
        if let Some(digest) = self.hosts.strip_prefix("|1|") {
            let parts = digest.split_once('|').and_then(|(salt, sum)| Some((base64::decode(salt)?, sum)));
            return parts.is_some_and(|(salt, sum)| base64::encode(&hmac(&salt, host.as_bytes())) == sum);
        }
        fits_ssh_patterns(self.hosts.split(','), host)
    }

    /// Whether it says the same as another; two digests are about the same host by the time they are compared.
    fn says_the_same(&self, other: &Self) -> bool {
        let hosts = self.hosts == other.hosts || (self.is_hashed() && other.is_hashed());
        self.mark == other.mark && hosts && self.kind == other.kind && self.key == other.key
    }

    fn is_hashed(&self) -> bool {
        self.hosts.starts_with("|1|")
    }
}

/// Where the file has the host.
enum Place {
    /// Not at all.
    Nowhere,
    /// With other kinds of keys only.
    OtherKinds,
    /// With another key of this kind, in this line.
    OtherKey(usize),
    /// With this key, in this line.
    Same(usize),
}

impl Place {
    fn same_kind(&self) -> Option<usize> {
        match self {
            Self::Nowhere | Self::OtherKinds => None,
            Self::OtherKey(at) | Self::Same(at) => Some(*at),
        }
    }

    /// Adds the line, or replaces a key of its kind; gives whether there was something to do.
    fn put<'a>(&self, lines: &mut Vec<&'a str>, line: &'a str) -> bool {
        match self {
            Self::Same(_) => return false,
            Self::OtherKey(at) => {
                lines.remove(*at);
            }
            Self::Nowhere | Self::OtherKinds => {}
        }
        // A key that is glued to the end of an unfinished line is no key.
        if lines.last().is_some_and(|last| !last.ends_with('\n')) {
            lines.push("\n");
        }
        lines.push(line);
        true
    }
}

fn find(lines: &[&str], host: &str, wanted: Option<&str>) -> Place {
    let Some(wanted) = wanted.and_then(|line| line.lines().find_map(Entry::parse)) else {
        return Place::Nowhere;
    };
    let mut place = Place::Nowhere;
    for (at, line) in lines.iter().enumerate() {
        let Some(entry) = Entry::parse(line).filter(|entry| entry.names(host)) else { continue };
        if entry.says_the_same(&wanted) {
            return Place::Same(at);
        }
        if entry.mark.is_none() && entry.kind == wanted.kind {
            return Place::OtherKey(at);
        }
        place = Place::OtherKinds;
    }
    place
}

/// The line with a digest in place of its names.
fn hashed(key: &str, host: &str) -> Result<String, Failure> {
    let mut salt = [0; 20];
    let mut random = fs::File::open("/dev/urandom")
        .map_err(|error| Failure::io("could not read", "/dev/urandom", &error))?;
    io::Read::read_exact(&mut random, &mut salt)
        .map_err(|error| Failure::io("could not read", "/dev/urandom", &error))?;
    let digest = format!("|1|{}|{}", base64::encode(&salt), base64::encode(&hmac(&salt, host.as_bytes())));
    let mut words: Vec<&str> = key.split_whitespace().collect();
    let at = usize::from(key.trim_start().starts_with('@'));
    if let Some(hosts) = words.get_mut(at) {
        *hosts = &digest;
    }
    Ok(words.join(" "))
}

/// HMAC-SHA1 (RFC 2104), which is how OpenSSH hides names.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..20].copy_from_slice(&Sha1::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha1::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;
    use crate::{RunRequest, run_local};

    fn call(path: &Path, args: &[(&'static str, Value)]) -> Map {
        let mut map: Map = args.iter().cloned().collect();
        map.insert("path", path.to_str().unwrap());
        run_local(&RunRequest { diff: true, ..RunRequest::new("known_hosts", map) })
    }

    fn changed(result: &Map) -> bool {
        assert_eq!(result.get("failed"), None, "{result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    #[test]
    fn hmac_is_that_of_rfc_2202() {
        assert_eq!(
            crate::hex::encode(&hmac(&[0x0b; 20], b"Hi There")),
            "b617318655057264e28bc0b6fb378c8ef146be00"
        );
        assert_eq!(
            crate::hex::encode(&hmac(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        );
    }

    #[test]
    fn keys_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let add = |key: &str| [("name", Value::from("Example.org")), ("key", key.into())];
        assert!(changed(&call(&path, &add("example.org ssh-rsa AAA"))));
        assert!(!changed(&call(&path, &add("example.org ssh-rsa AAA"))));
        assert!(changed(&call(&path, &add("example.org ssh-ed25519 BBB"))));
        assert!(changed(&call(&path, &add("example.org ssh-rsa CCC"))));
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "example.org ssh-ed25519 BBB\nexample.org ssh-rsa CCC\n"
        );
        let gone = call(&path, &[("name", "example.org".into()), ("state", "absent".into())]);
        assert!(changed(&gone));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_hashed_host_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let args = [("name", "h".into()), ("key", "h ssh-rsa AAA".into()), ("hash_host", true.into())];
        assert!(changed(&call(&path, &args)));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("|1|") && !text.contains("h ssh"), "{text}");
        assert!(!changed(&call(&path, &args)));
        assert!(changed(&call(&path, &[("name", "h".into()), ("state", "absent".into())])));
    }

    #[test]
    fn patterns_marks_and_strangers() {
        let entry = |line: &'static str| Entry::parse(line).unwrap();
        assert!(entry("*.example,!a.example ssh-rsa A").names("b.example"));
        assert!(!entry("*.example,!a.example ssh-rsa A").names("a.example"));
        assert!(entry("[h]:2222 ssh-rsa A").names("[h]:2222"));
        assert!(!entry("[h]:2222 ssh-rsa A").names("h:2222"));
        let folder = tempfile::tempdir().unwrap();
        let wrong = call(&folder.path().join("k"), &[("name", "a".into()), ("key", "b ssh-rsa A".into())]);
        assert_eq!(
            wrong.get_str("msg"),
            Some("Host parameter does not match hashed host field in supplied key")
        );
        assert_eq!(
            call(&folder.path().join("k"), &[("name", "a".into())]).get_str("msg"),
            Some("No key specified when adding a host")
        );
    }
}
