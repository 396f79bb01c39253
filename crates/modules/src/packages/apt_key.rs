//! `apt_key`: keys that apt believes, in the keyring of the deprecated `apt-key` program.

use std::path::PathBuf;

use data::Value;

use crate::network::download;
use crate::process::{Command, Output, require_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "apt_key",
    summary: "Add or remove an apt key",
    args: &[
        Arg::str("id")
            .help("The key's id: 8, 16 or more hexadecimal digits; read from the key if not given."),
        Arg::str("url").help("An address with the key."),
        Arg::str("data").help("The key itself."),
        Arg::path("file").help("A file on the host with the key."),
        Arg::path("keyring").help("The keyring to change; apt's own if not given."),
        Arg::bool("validate_certs").default_bool(true).help("Refuse certificates that nobody trusts."),
        Arg::str("keyserver").help("A server to ask for the key; needs `id`."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the key is to be there."),
    ],
    rules: Rules { mutually_exclusive: &[&["data", "file", "keyserver", "url"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let tool = Tool::find(args, context)?;
    let mut data = args.opt_str("data").map(|text| text.as_bytes().to_vec());
    let given = match args.opt_str("id") {
        Some(id) => Some(id.to_owned()),
        None => {
            if args.has("keyserver") {
                return Err(Failure::new("Missing key_id, required with keyserver."));
            }
            if let Some(url) = args.opt_str("url") {
                data = Some(fetch(url, args, context)?);
            }
            tool.id_of(args.opt_str("file"), data.as_deref(), context)?
        }
    };
    let id = Id::parse(given.as_deref().unwrap_or_default()).ok_or_else(|| {
        Failure::new("Invalid key_id").with("id", given.clone().map_or(Value::Null, Value::from))
    })?;
    let before = tool.keys(&id, context)?;
    let fields = |outcome: Outcome| {
        outcome
            .with("id", given.clone().map_or(Value::Null, Value::from))
            .with("short_id", id.short.as_str())
            .with("fp", id.fingerprint.as_str())
            .with("key_id", id.full.as_str())
            .with("before", list(&before))
    };
    let there = id.is_in(&before);
    let present = args.str("state")? == "present";
    if there == present {
        return Ok(fields(Outcome::unchanged()));
    }
    if context.check {
        return Ok(fields(Outcome::changed()));
    }
    if present {
        tool.add(args, data, &id, context)?;
    } else {
        tool.run(
            &["del", &id.short],
            None,
            context,
            &format!("Unable to remove a key with id {}", id.short),
        )?;
    }
    let after = tool.keys(&id, context)?;
    if id.is_in(&after) != present {
        let what = if present { "failed to add the key" } else { "the key was not removed" };
        return Err(Failure::new(format!(
            "apt-key did not return an error, but {what} (check that the id is correct and *not* a subkey)"
        )));
    }
    Ok(fields(Outcome::changed()).with("after", list(&after)))
}

fn list(keys: &[String]) -> Value {
    keys.iter().map(|key| Value::from(key.as_str())).collect()
}

fn fetch(url: &str, args: &Args, context: &mut Context) -> Result<Vec<u8>, Failure> {
    download(url, &[], args.bool("validate_certs"), context)
        .map_err(|failure| Failure::new(format!("Failed to download key at {url}: {}", failure.msg)))
}

/// A key's id in the lengths that are asked for.
struct Id {
    /// The last 8 digits, which `apt-key del` takes.
    short: String,
    /// The last 16, which lists show.
    fingerprint: String,
    /// All of it.
    full: String,
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let full = text.trim().to_uppercase();
        let full = full.strip_prefix("0X").unwrap_or(&full);
        let hex = !full.is_empty() && full.bytes().all(|byte| byte.is_ascii_hexdigit());
        let long_enough = matches!(full.len(), 8 | 16) || full.len() > 16;
        let end = |count: usize| full[full.len().saturating_sub(count)..].to_owned();
        (hex && long_enough).then(|| Self { short: end(8), fingerprint: end(16), full: full.to_owned() })
    }

    fn is_short(&self) -> bool {
        self.full.len() == 8
    }

    fn is_in(&self, keys: &[String]) -> bool {
        keys.contains(if self.is_short() { &self.short } else { &self.fingerprint })
    }
}

/// `apt-key` with its keyring, and `gpg`.
struct Tool {
    apt_key: PathBuf,
    gpg: PathBuf,
    keyring: Option<String>,
}

impl Tool {
    fn find(args: &Args, context: &Context) -> Result<Self, Failure> {
        let apt_key = require_program("apt-key", context).map_err(|failure| {
            Failure::new(format!(
                "{}. Apt-key has been deprecated. See the deb822_repository as an alternative.",
                failure.msg
            ))
        })?;
        let gpg = require_program("gpg", context)?;
        Ok(Self { apt_key, gpg, keyring: args.opt_str("keyring").map(str::to_owned) })
    }

    fn run(
        &self,
        words: &[&str],
        input: Option<Vec<u8>>,
        context: &mut Context,
        problem: &str,
    ) -> Result<Output, Failure> {
        let mut command = Command::new(&self.apt_key).plain_language();
        if let Some(keyring) = &self.keyring {
            command = command.args(["--keyring", keyring]);
        }
        command = command.args(words);
        if let Some(input) = input {
            command = command.input(input);
        }
        let output = command.run(context)?;
        if output.ok() {
            return Ok(output);
        }
        Err(Failure::new(problem)
            .with("cmd", command.display())
            .with("rc", output.code)
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text()))
    }

    /// The ids of all keys, as long as the id that is looked for.
    fn keys(&self, id: &Id, context: &mut Context) -> Result<Vec<String>, Failure> {
        let words = ["adv", "--list-public-keys", "--keyid-format=long"];
        let output = self.run(&words, None, context, "Unable to list public keys")?;
        let mut keys = listed_keys(&output.stdout_text());
        if id.is_short() {
            for key in &mut keys {
                *key = key[key.len().saturating_sub(8)..].to_owned();
            }
        }
        Ok(keys)
    }

    /// The id of the first key in a file or a text.
    fn id_of(
        &self,
        file: Option<&str>,
        data: Option<&[u8]>,
        context: &mut Context,
    ) -> Result<Option<String>, Failure> {
        let (name, shown) = match (file, data) {
            (Some(file), _) => (file, file),
            (None, Some(_)) => ("-", "inline data"),
            (None, None) => return Ok(None),
        };
        let mut command = Command::new(&self.gpg).plain_language().args(["--with-colons", name]);
        if let (None, Some(data)) = (file, data) {
            command = command.input(data);
        }
        let output = command.run(context)?;
        if !output.ok() {
            return Err(Failure::new(format!("Unable to extract key from '{shown}'"))
                .with("stdout", output.stdout_text())
                .with("stderr", output.stderr_text()));
        }
        Ok(listed_keys(&output.stdout_text()).into_iter().next())
    }

    fn add(&self, args: &Args, data: Option<Vec<u8>>, id: &Id, context: &mut Context) -> Result<(), Failure> {
        if let Some(file) = args.opt_str("file") {
            let problem = format!("Unable to add a key from file {file}");
            return self.run(&["add", file], None, context, &problem).map(drop);
        }
        if let Some(server) = args.opt_str("keyserver") {
            return self.receive(server, id, context);
        }
        let data = match (data, args.opt_str("url")) {
            (Some(data), _) => data,
            (None, Some(url)) => fetch(url, args, context)?,
            (None, None) => {
                return Err(Failure::new("No key to add: give `url`, `data`, `file` or `keyserver`"));
            }
        };
        self.run(&["add", "-"], Some(data), context, "Unable to add a key from binary data").map(drop)
    }

    fn receive(&self, server: &str, id: &Id, context: &mut Context) -> Result<(), Failure> {
        let proxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
            .iter()
            .find_map(|name| context.variable(name).filter(|value| !value.is_empty()));
        let option = proxy.map(|proxy| format!("http-proxy={proxy}"));
        let mut words = vec!["adv", "--no-tty", "--keyserver", server];
        if let Some(option) = &option {
            words.extend(["--keyserver-options", option]);
        }
        words.extend(["--recv", &id.full]);
        let problem = format!("Error fetching key {} from keyserver: {server}", id.full);
        let mut last = Ok(());
        for _ in 0..5 {
            last = self.run(&words, None, context, &problem).map(drop);
            if last.is_ok() {
                break;
            }
        }
        last.map_err(|failure| {
            let missing =
                failure.fields.get_str("stdout").is_some_and(|out| out.contains("not found on keyserver"));
            let said = format!("Key {} not found on keyserver {server}", id.full);
            if missing { Failure { msg: said, ..failure } } else { failure }
        })
    }
}

/// Ids in a list for people (`pub   rsa4096/AAAA`) or for programs (`pub:-:4096:1:AAAA:`); expired keys do not count.
fn listed_keys(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("pub") || line.starts_with("sub"));
    lines
        .filter(|line| !line.contains("expired"))
        .filter_map(|line| {
            let word = line.split_whitespace().nth(1).and_then(|word| word.split_once('/')).map(|(_, id)| id);
            word.or_else(|| line.split(':').nth(4)).map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_three_lengths() {
        let id = Id::parse("0x36a1d7869245c8950f966e92d8576a8ba88d21e9").unwrap();
        assert_eq!((id.short.as_str(), id.fingerprint.as_str()), ("A88D21E9", "D8576A8BA88D21E9"));
        assert!(Id::parse("A88D21E9").is_some_and(|id| id.is_short()));
        for wrong in ["", "xyz", "A88D21E", "0x", "A88D21E9AA"] {
            assert!(Id::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn both_kinds_of_lists_are_read() {
        let people = "pub   rsa4096/DC30D7C23CBBABEE 2012-10-01 [SC]\n      4A3CA\nuid  x\npub   rsa/AA 2001 [expired: 2002]\n";
        assert_eq!(listed_keys(people), ["DC30D7C23CBBABEE"]);
        assert_eq!(listed_keys("pub:-:4096:1:DC30D7C23CBBABEE:1349::\nfpr:::"), ["DC30D7C23CBBABEE"]);
    }
}
