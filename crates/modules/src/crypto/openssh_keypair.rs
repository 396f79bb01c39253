//! `community.crypto.openssh_keypair`: SSH keys, by `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::file_attributes::{self, Changes, FileAttributes};
use crate::process::{self, Command};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssh_keypair",
    collection: "community.crypto",
    summary: "Generate OpenSSH private and public keys",
    args: &[
        Arg::path("path").required().help("The file of the private key; the public one has `.pub` added."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the keys are to be there."),
        Arg::str("type")
            .default_str("rsa")
            .choices(&["rsa", "dsa", "rsa1", "ecdsa", "ed25519"])
            .help("The kind of key."),
        Arg::int("size").help("Bits of the key; not given: ssh-keygen's choice, 4096 for RSA."),
        Arg::str("comment").help("The comment of the public key."),
        Arg::bool("force").default_bool(false).help("Make new keys even if those that are there fit."),
        Arg::str("regenerate")
            .default_str("partial_idempotence")
            .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"])
            .help("What to do with a key that is there and does not fit."),
        Arg::str("passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        Arg::str("private_key_format")
            .default_str("auto")
            .choices(&["auto", "pkcs1", "pkcs8", "ssh"])
            .help("How a new private key is written; ssh-keygen's choice."),
        Arg::str("backend")
            .default_str("auto")
            .choices(&["auto", "cryptography", "opensshbin"])
            .help("Accepted for playbooks that set it."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    if args.has("passphrase") {
        return Err(Failure::new("`passphrase` is not supported: keys are written without one"));
    }
    let path = args.path("path")?;
    let public = PathBuf::from(format!("{}.pub", path.display()));
    if args.str("state")? == "absent" {
        return remove(&path, &public, context);
    }
    let kind = args.str("type")?;
    let size = args.int("size").or((kind == "rsa").then_some(4096));
    let make = must_make(args, &path, kind, size, context)?;
    let mut changed = make;
    if make && !context.check {
        generate(&path, &public, kind, size, args, context)?;
    }
    changed |= put_public(&path, &public, args.opt_str("comment"), make, context)?;
    let mut attributes = FileAttributes::from_args(args)?;
    changed |= attributes.apply(&path, context, &mut Changes::default())? && (path.exists() || make);
    attributes.mode = None;
    changed |= public.exists() && attributes.apply(&public, context, &mut Changes::default())?;
    describe(Outcome::new(changed), &path, &public, kind, context)
}

/// Whether a new key is needed, by `regenerate`.
fn must_make(
    args: &Args,
    path: &Path,
    kind: &str,
    size: Option<i64>,
    context: &mut Context,
) -> Result<bool, Failure> {
    let regenerate = if args.bool("force") { "always" } else { args.str("regenerate")? };
    if !path.exists() || regenerate == "always" {
        return Ok(true);
    }
    let Some(found) = fingerprint(path, context)? else {
        if regenerate == "full_idempotence" {
            return Ok(true);
        }
        let words =
            "Unable to read the key. The key is protected with a passphrase or broken. Will not proceed.";
        return Err(Failure::new(format!(
            "{words} To force regeneration, call the module with `generate` set to `full_idempotence` or `always`, or with `force=yes`."
        )));
    };
    let fits = found.kind == kind && size.is_none_or(|size| size == found.size || kind == "ed25519");
    match regenerate {
        _ if fits => Ok(false),
        "never" => Ok(false),
        "fail" => Err(Failure::new(
            "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=yes`.",
        )),
        _ => Ok(true),
    }
}

/// One line of `ssh-keygen -l`: `256 SHA256:... comment (ED25519)`.
#[derive(Debug, PartialEq)]
struct Fingerprint {
    size: i64,
    text: String,
    kind: String,
}

fn fingerprint(path: &Path, context: &mut Context) -> Result<Option<Fingerprint>, Failure> {
    let program = process::require_program("ssh-keygen", context)?;
    // Only the private key itself can be read with no passphrase; the public one may be another key's.
    let own = Command::new(&program).args(["-y", "-P", ""]).arg("-f").arg(path).run(context)?;
    if !own.ok() {
        return Ok(None);
    }
    let output = Command::new(program).args(["-l", "-f", "-"]).input(own.stdout).run(context)?;
    Ok(output.ok().then(|| output.stdout_text()).and_then(|line| parse_fingerprint(&line)))
}

fn parse_fingerprint(line: &str) -> Option<Fingerprint> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [size, text, .., kind] = words.as_slice() else { return None };
    let kind = kind.trim_matches(['(', ')']).to_lowercase();
    Some(Fingerprint { size: size.parse().ok()?, text: (*text).to_owned(), kind })
}

fn generate(
    path: &Path,
    public: &Path,
    kind: &str,
    size: Option<i64>,
    args: &Args,
    context: &mut Context,
) -> Result<(), Failure> {
    for old in [path, public] {
        if old.exists() {
            fs::remove_file(old).map_err(|error| Failure::io("could not remove", old, &error))?;
        }
    }
    let program = process::require_program("ssh-keygen", context)?;
    let mut command = Command::new(program).args([
        "-q",
        "-N",
        "",
        "-t",
        kind,
        "-C",
        args.opt_str("comment").unwrap_or_default(),
    ]);
    if let Some(size) = size.filter(|_| kind != "ed25519") {
        command = command.arg("-b").arg(size.to_string());
    }
    command.arg("-f").arg(path).run_ok(context).map(drop)
}

/// Writes the public key again if it is gone, is another's, or has another comment; tells whether it did.
fn put_public(
    path: &Path,
    public: &Path,
    comment: Option<&str>,
    made: bool,
    context: &mut Context,
) -> Result<bool, Failure> {
    if made || !path.exists() {
        return Ok(false);
    }
    let program = process::require_program("ssh-keygen", context)?;
    let output = Command::new(program).args(["-y", "-P", ""]).arg("-f").arg(path).run_ok(context)?;
    let bare: Vec<String> = output.stdout_text().split_whitespace().take(2).map(str::to_owned).collect();
    let old = fs::read_to_string(public).unwrap_or_default();
    let words: Vec<&str> = old.trim().splitn(3, ' ').collect();
    let old_comment = words.get(2).copied().unwrap_or_default();
    let comment = comment.unwrap_or(old_comment);
    if words.iter().take(2).eq(bare.iter()) && comment == old_comment {
        return Ok(false);
    }
    if !context.check {
        let line = format!("{} {comment}\n", bare.join(" ")).replace(" \n", "\n");
        crate::atomic_write::write(public, line.as_bytes(), false)?;
    }
    Ok(true)
}

fn remove(path: &Path, public: &Path, context: &Context) -> Result<Outcome, Failure> {
    let there: Vec<&Path> = [path, public].into_iter().filter(|path| path.exists()).collect();
    if !context.check {
        for path in &there {
            fs::remove_file(path).map_err(|error| Failure::io("could not remove", path, &error))?;
        }
    }
    Ok(Outcome::new(!there.is_empty()).with("filename", path.display().to_string()))
}

fn describe(
    outcome: Outcome,
    path: &Path,
    public: &Path,
    kind: &str,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let mut outcome = outcome.with("filename", path.display().to_string()).with("type", kind);
    if !path.exists() {
        return Ok(outcome);
    }
    if let Some(found) = fingerprint(path, context)? {
        outcome = outcome.with("size", found.size).with("fingerprint", found.text);
    }
    let key = fs::read_to_string(public).unwrap_or_default();
    let mut words = key.trim().splitn(3, ' ');
    let bare = [words.next(), words.next()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok(outcome.with("public_key", bare).with("comment", words.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;
    use crate::{RunRequest, run_local};

    /// Recorded from OpenSSH 9.2.
    #[test]
    fn recorded_fingerprints_are_read() {
        let found = parse_fingerprint("3072 SHA256:abc root@host with words (RSA)\n").unwrap();
        assert_eq!(found, Fingerprint { size: 3072, text: "SHA256:abc".into(), kind: "rsa".into() });
        assert_eq!(parse_fingerprint("no key"), None);
    }

    #[test]
    fn a_pair_is_made_once() {
        if process::find_program("ssh-keygen", &Context::local()).is_none() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        let call = |comment: &str| {
            let args =
                Map::from([("path", path.to_str().unwrap()), ("type", "ed25519"), ("comment", comment)]);
            let result = run_local(&RunRequest::new("openssh_keypair", args));
            assert_eq!(result.get("failed"), None, "{result:?}");
            result
        };
        assert_eq!(call("a").get("changed"), Some(&Value::from(true)));
        assert_eq!(call("a").get("changed"), Some(&Value::from(false)));
        let result = call("b");
        assert_eq!(result.get("changed"), Some(&Value::from(true)));
        assert_eq!(result.get_str("comment"), Some("b"));
        assert!(fs::read_to_string(folder.path().join("id.pub")).unwrap().trim_end().ends_with(" b"));
    }
}
