//! `ansible.posix.authorized_key`: keys that may log in as a user.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, accounts, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "authorized_key",
    collection: "ansible.posix",
    summary: "Add or remove SSH authorized keys",
    args: &[
        Arg::str("user").required().help("The user."),
        Arg::str("key").required().help("The keys, one a line, or `file:///path` on the host."),
        Arg::path("path").help("The file; not given: `.ssh/authorized_keys` in the user's home."),
        Arg::bool("manage_dir")
            .default_bool(true)
            .help("Whether to make the file's folder and set its owner and mode."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the keys are to be there."),
        Arg::str("key_options").help("Options to write before the keys."),
        Arg::bool("exclusive").default_bool(false).help("Remove all other keys."),
        Arg::str("comment").help("The comment, in place of the keys' own."),
        Arg::bool("validate_certs")
            .default_bool(true)
            .help("Accepted for playbooks that set it; keys are not fetched from the web."),
        Arg::bool("follow").default_bool(false).help("Write to what a link points at."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// One line of the file: a key, or something else that is kept.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    Key { options: Vec<String>, kind: String, key: String, comment: String },
    Other(String),
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let user = accounts::user(args.str("user")?);
    let path = file_of(args, user.as_ref(), context)?;
    let before = fs::read_to_string(&path).unwrap_or_default();
    let wanted = wanted_keys(args)?;
    let present = args.str("state")? == "present";
    let mut lines: Vec<Line> = before.lines().map(Line::parse).collect();
    let old = lines.clone();
    for key in &wanted {
        let at = lines.iter().position(|line| line.key() == key.key());
        match (at, present) {
            (Some(at), true) if lines[at] != *key => {
                // A key with other options or another comment is written anew, at the end.
                lines.remove(at);
                lines.push(key.clone());
            }
            (None, true) => lines.push(key.clone()),
            (Some(at), false) => drop(lines.remove(at)),
            _ => {}
        }
    }
    if present && args.bool("exclusive") {
        lines.retain(|line| wanted.iter().any(|key| key.key() == line.key()));
    }
    let changed = lines != old;
    let after: String = if changed { lines.iter().map(Line::write).collect() } else { before.clone() };
    if changed && !context.check {
        let user = user.ok_or_else(|| {
            Failure::new(format!("Failed to lookup user {}", args.str("user").unwrap_or_default()))
        })?;
        put(&path, &after, &user, args.bool("manage_dir"))?;
    }
    let mut outcome = Outcome::new(changed).with("keyfile", path.display().to_string());
    for name in [
        "user",
        "key",
        "path",
        "manage_dir",
        "state",
        "key_options",
        "exclusive",
        "comment",
        "validate_certs",
        "follow",
    ] {
        outcome = outcome.with(name, args.get(name).cloned().unwrap_or(data::Value::Null));
    }
    let header = path.display().to_string();
    Ok(if changed {
        outcome.with_diff(Diff::text(before, after).headers(header.clone(), header))
    } else {
        outcome
    })
}

fn file_of(args: &Args, user: Option<&accounts::User>, context: &Context) -> Result<PathBuf, Failure> {
    let path = match (args.opt_path("path"), user) {
        (Some(path), _) => path,
        (None, Some(user)) => Path::new(&user.home).join(".ssh/authorized_keys"),
        (None, None) if context.check => {
            return Err(Failure::new(
                "Either user must exist or you must provide full path to key file in check mode",
            ));
        }
        (None, None) => {
            let name = args.str("user")?;
            return Err(Failure::new(format!(
                "Failed to lookup user {name}: \"getpwnam(): name not found: '{name}'\""
            )));
        }
    };
    Ok(if args.bool("follow") { fs::canonicalize(&path).unwrap_or(path) } else { path })
}

fn wanted_keys(args: &Args) -> Result<Vec<Line>, Failure> {
    let given = args.str("key")?;
    let text = match given.strip_prefix("file://") {
        Some(path) => fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("Failed to read key file {path} : {error}")))?,
        None if given.starts_with("http") => {
            return Err(Failure::new(format!(
                "Error getting key from: {given} (fetch it with `get_url` and name it as `file://`)"
            )));
        }
        None => given.to_owned(),
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let keys = lines.map(|line| match Line::parse(line) {
        Line::Other(_) => Err(Failure::new(format!("invalid key specified: {line}"))),
        Line::Key { options, kind, key, comment } => Ok(Line::Key {
            options: args.opt_str("key_options").map_or(options, split_options),
            comment: args.opt_str("comment").map_or(comment, str::to_owned),
            kind,
            key,
        }),
    });
    keys.collect()
}

impl Line {
    fn parse(line: &str) -> Self {
        let other = || Self::Other(line.to_owned());
        if line.trim_start().starts_with('#') {
            return other();
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| is_key_type(word)) else { return other() };
        let Some(key) = words.get(at + 1) else { return other() };
        Self::Key {
            options: split_options(&words[..at].join(" ")),
            kind: words[at].to_owned(),
            key: (*key).to_owned(),
            comment: words[at + 2..].join(" "),
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::Key { key, .. } => Some(key),
            Self::Other(_) => None,
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Other(line) => format!("{line}\n"),
            Self::Key { options, kind, key, comment } => {
                let space = if options.is_empty() { "" } else { " " };
                format!("{}{space}{kind} {key} {comment}", options.join(",")).trim_end().to_owned() + "\n"
            }
        }
    }
}

/// The words by which OpenSSH calls its kinds of keys.
fn is_key_type(word: &str) -> bool {
    let base = word.strip_suffix("@openssh.com").unwrap_or(word);
    let base = base.strip_suffix("-cert-v01").unwrap_or(base);
    let base = base.strip_prefix("webauthn-").unwrap_or(base);
    let base = base.strip_prefix("sk-").unwrap_or(base);
    matches!(
        base,
        "ssh-ed25519"
            | "ssh-rsa"
            | "ssh-dss"
            | "ssh-xmss"
            | "rsa-sha2-256"
            | "rsa-sha2-512"
            | "ecdsa-sha2-nistp256"
            | "ecdsa-sha2-nistp384"
            | "ecdsa-sha2-nistp521"
    )
}

/// Options at commas outside quotes.
fn split_options(text: &str) -> Vec<String> {
    let (mut options, mut option, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            ',' if !quoted => options.push(std::mem::take(&mut option)),
            c => {
                quoted ^= c == '"';
                option.push(c);
            }
        }
    }
    options.push(option);
    options.retain(|option| !option.is_empty());
    options
}

/// Writes the file so that sshd accepts it: folder 0700, file 0600, both the user's.
fn put(path: &Path, text: &str, user: &accounts::User, manage_folder: bool) -> Result<(), Failure> {
    let own = |path: &Path| {
        chown(path, Some(user.uid), Some(user.gid))
            .map_err(|error| Failure::io("chown failed:", path, &error))
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    if !folder.exists() {
        let made = fs::DirBuilder::new().recursive(!manage_folder).mode(0o700).create(folder);
        made.map_err(|error| {
            Failure::new(format!("Failed to create directory {} : {error}", folder.display()))
        })?;
    }
    if manage_folder {
        own(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(|error| Failure::io("chmod failed:", folder, &error))?;
    }
    let mut file = atomic_write::AtomicFile::begin(path)?.secret();
    file.fill(text.as_bytes())?;
    file.replace(false)?;
    own(path)
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;
    use crate::{RunRequest, run_local};

    fn call(path: &Path, key: &str, more: &[(&'static str, Value)]) -> (bool, String) {
        let user = accounts::current_user().unwrap().name;
        let mut args = Map::from([
            ("user", Value::from(user)),
            ("key", key.into()),
            ("path", path.to_str().unwrap().into()),
        ]);
        args.insert("manage_dir", false);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        let result = run_local(&RunRequest::new("authorized_key", args));
        assert_eq!(result.get("failed"), None, "{result:?}");
        (result.get("changed") == Some(&Value::from(true)), fs::read_to_string(path).unwrap_or_default())
    }

    #[test]
    fn keys_are_added_changed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "# head\nssh-rsa OLD old one\n").unwrap();
        let (changed, text) = call(&path, "ssh-ed25519 NEW me@here", &[]);
        assert!(changed);
        assert_eq!(text, "# head\nssh-rsa OLD old one\nssh-ed25519 NEW me@here\n");
        assert!(!call(&path, "ssh-ed25519 NEW me@here", &[]).0);
        let (changed, text) = call(
            &path,
            "ssh-ed25519 NEW",
            &[("key_options", "no-pty,from=\"a,b\"".into()), ("exclusive", true.into())],
        );
        assert!(changed);
        assert_eq!(text, "no-pty,from=\"a,b\" ssh-ed25519 NEW\n");
        let (changed, text) = call(&path, "ssh-ed25519 NEW", &[("state", "absent".into())]);
        assert!(changed && text.is_empty());
        assert!(!call(&path, "ssh-ed25519 NEW", &[("state", "absent".into())]).0);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let args = Map::from([("user", "root"), ("key", "nonsense"), ("path", "/nonexistent/keys")]);
        let result = run_local(&RunRequest { check: true, ..RunRequest::new("authorized_key", args) });
        assert_eq!(result.get_str("msg"), Some("invalid key specified: nonsense"));
    }
}
