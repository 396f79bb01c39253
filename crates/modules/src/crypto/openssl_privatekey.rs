//! `community.crypto.openssl_privatekey`: private keys.

use data::{Map, Value};

use super::arguments;
use super::output::Target;
use super::private_key::{Format, Kind, PrivateKey, fingerprints};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssl_privatekey",
    collection: "community.crypto",
    summary: "Generate private keys for TLS",
    args: &[
        Arg::path("path").required().help("The file of the key; it is written so that only its owner can read it, unless `mode` says otherwise."),
        Arg::str("state").default_str("present").choices(&["present", "absent"]).help("Whether the key is to be there."),
        Arg::str("type")
            .default_str("RSA")
            .choices(&["DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"])
            .help("The kind of key. `ECC` and `Ed25519` are made here, `RSA` by the program `openssl`; the others are refused."),
        Arg::int("size").default_int(4096).help("Bits of an RSA key, from 2048 to 4096."),
        Arg::str("curve")
            .choices(&[
                "secp224r1",
                "secp256k1",
                "secp256r1",
                "secp384r1",
                "secp521r1",
                "secp192r1",
                "brainpoolP256r1",
                "brainpoolP384r1",
                "brainpoolP512r1",
                "sect163k1",
                "sect163r2",
                "sect233k1",
                "sect233r1",
                "sect283k1",
                "sect283r1",
                "sect409k1",
                "sect409r1",
                "sect571k1",
                "sect571r1",
            ])
            .help("The curve of an ECC key: `secp256r1` or `secp384r1`; the others are refused."),
        Arg::bool("force").default_bool(false).help("Make a new key even if the one that is there fits."),
        Arg::str("regenerate")
            .default_str("full_idempotence")
            .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"])
            .help("What to do with a key that is there and does not fit."),
        Arg::str("format")
            .default_str("auto_ignore")
            .choices(&["pkcs1", "pkcs8", "raw", "auto", "auto_ignore"])
            .help("How the key is written; `auto`: `pkcs1` for RSA and ECC, else `pkcs8`; `auto_ignore`: the same for new keys only."),
        Arg::str("format_mismatch")
            .default_str("regenerate")
            .choices(&["regenerate", "convert"])
            .help("What to do with a key that is written in another form."),
        Arg::str("passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        Arg::str("cipher").default_str("auto").help("Accepted for playbooks that set it; it matters only with a passphrase."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the key that is replaced or removed."),
        Arg::bool("return_content").default_bool(false).help("Return the key itself as `privatekey`."),
        arguments::CRYPTO_BACKEND,
    ],
    shared: file_attributes::ARGS,
    rules: Rules { required_if: &[RequiredIf::all("type", "ECC", &["curve"])], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    if args.has("passphrase") {
        return Err(Failure::new("`passphrase` is not supported: keys are written without one"));
    }
    let kind = wanted_kind(args)?;
    let mut target = Target::look(args, true, context)?;
    let before = target.existing.as_deref().map(|bytes| PrivateKey::from_pem(bytes).ok());
    if args.str("state")? == "absent" {
        let changed = target.remove(context)?;
        return Ok(describe(Outcome::new(changed), kind, None, &target, args));
    }
    let mut changed = true;
    let old = before.as_ref().and_then(Option::as_ref);
    let after = match plan(args, kind, before.as_ref())? {
        Plan::Keep => {
            changed = false;
            None
        }
        Plan::Convert(format) => old
            .map(|old| PrivateKey::from_pem(old.to_pem()?.as_bytes()))
            .transpose()?
            .map(|key| key.with_format(format)),
        Plan::Make if context.check => None,
        Plan::Make => {
            let key = PrivateKey::generate(kind, context)?;
            Some(match wanted_format(args, kind)? {
                Some(format) => key.with_format(format),
                None => key,
            })
        }
    };
    if let Some(key) = &after {
        target.write(key.to_pem()?.as_bytes(), context)?;
    }
    changed |= target.set_attributes(context)?;
    let diff = Diff::properties(
        old.map(properties).unwrap_or_default(),
        after.as_ref().or(old).map(properties).unwrap_or_default(),
    );
    let outcome = Outcome::new(changed).with_diff(diff);
    Ok(describe(outcome, kind, after.as_ref().or(old), &target, args))
}

/// What is to be done.
#[derive(Debug, PartialEq)]
enum Plan {
    Keep,
    Convert(Format),
    Make,
}

/// Compares the key that is there with what is asked. `existing`: a file, and a key if it could be read.
fn plan(args: &Args, kind: Kind, existing: Option<&Option<PrivateKey>>) -> Result<Plan, Failure> {
    let regenerate = if args.bool("force") { "always" } else { args.str("regenerate")? };
    let Some(existing) = existing.filter(|_| regenerate != "always") else { return Ok(Plan::Make) };
    let force = "to `full_idempotence` or `always`, or with `force=true`.";
    let Some(key) = existing else {
        if regenerate == "full_idempotence" {
            return Ok(Plan::Make);
        }
        return Err(Failure::new(format!(
            "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken. Will not proceed. \
             To force regeneration, call the module with `generate` set {force}"
        )));
    };
    let may_make = matches!(regenerate, "partial_idempotence" | "full_idempotence");
    let refuse = |what: &str, more: &str| {
        Failure::new(format!(
            "Key has wrong {what}. Will not proceed. To force regeneration, call the module with `generate` set to \
             `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.{more}"
        ))
    };
    if regenerate != "never" && key.kind() != kind {
        return if may_make { Ok(Plan::Make) } else { Err(refuse("type and/or size", "")) };
    }
    let format = wanted_format(args, kind)?.filter(|_| args.opt_str("format") != Some("auto_ignore"));
    match format.filter(|format| *format != key.format()) {
        None => Ok(Plan::Keep),
        Some(format) if args.str("format_mismatch")? == "convert" => Ok(Plan::Convert(format)),
        Some(_) if regenerate == "never" => Ok(Plan::Keep),
        Some(_) if may_make => Ok(Plan::Make),
        Some(_) => Err(refuse("format", " To convert the key, set `format_mismatch` to `convert`.")),
    }
}

fn wanted_kind(args: &Args) -> Result<Kind, Failure> {
    let refuse = |what: &str, instead: &str| Failure::new(format!("{what} is not supported; use {instead}"));
    match (args.str("type")?, args.opt_str("curve")) {
        ("RSA", _) => {
            let bits = args.int("size").unwrap_or(4096);
            if (2048..=4096).contains(&bits) {
                Ok(Kind::Rsa(bits))
            } else {
                Err(refuse(&format!("An RSA key of {bits} bits"), "2048 to 4096"))
            }
        }
        ("Ed25519", _) => Ok(Kind::Ed25519),
        ("ECC", Some("secp256r1")) => Ok(Kind::P256),
        ("ECC", Some("secp384r1")) => Ok(Kind::P384),
        ("ECC", curve) => {
            Err(refuse(&format!("The curve {}", curve.unwrap_or_default()), "`secp256r1` or `secp384r1`"))
        }
        (other, _) => Err(refuse(&format!("The key type {other}"), "`ECC`, `Ed25519` or `RSA`")),
    }
}

/// The form for a new key; `None` if it is the kind's own.
fn wanted_format(args: &Args, kind: Kind) -> Result<Option<Format>, Failure> {
    match args.str("format")? {
        "pkcs8" => Ok(Some(Format::Pkcs8)),
        "raw" => Err(Failure::new("The format raw is not supported; use `pkcs8`")),
        "pkcs1" if kind == Kind::Ed25519 => {
            Err(Failure::new("The format pkcs1 does not exist for Ed25519 keys; use `pkcs8`"))
        }
        _ if kind == Kind::Ed25519 => Ok(Some(Format::Pkcs8)),
        _ => Ok(Some(Format::Pkcs1)),
    }
}

fn properties(key: &PrivateKey) -> Map {
    let mut found = Map::from([("can_parse_key", Value::from(true)), ("type", key.kind().name().into())]);
    found.insert("public_data", key.kind().curve().map_or(Value::Null, Value::from));
    found.insert(
        "public_key_fingerprints",
        fingerprints(&key.public()).get("sha256").cloned().unwrap_or(Value::Null),
    );
    found
}

fn describe(outcome: Outcome, kind: Kind, key: Option<&PrivateKey>, target: &Target, args: &Args) -> Outcome {
    let size = args.int("size").unwrap_or(4096);
    let mut outcome = outcome
        .with("type", kind.name())
        .with("size", size)
        .with("fingerprint", key.map(|key| fingerprints(&key.public())))
        .with("filename", target.path.display().to_string());
    if let Some(curve) = kind.curve() {
        outcome = outcome.with("curve", curve);
    }
    if args.bool("return_content") {
        outcome = outcome.with("privatekey", key.and_then(|key| key.to_pem().ok()));
    }
    match &target.backup {
        Some(name) => outcome.with("backup_file", name.as_str()),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::{RunRequest, run_local};

    fn call(path: &Path, more: &[(&'static str, Value)]) -> Map {
        let mut args: Map = more.iter().cloned().collect();
        args.insert("path", path.to_str().unwrap());
        run_local(&RunRequest::new("openssl_privatekey", args))
    }

    fn ecc(curve: &str) -> Vec<(&'static str, Value)> {
        vec![("type", "ECC".into()), ("curve", curve.into())]
    }

    fn changed(result: &Map) -> bool {
        assert_eq!(result.get("failed"), None, "{result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    #[test]
    fn a_key_is_made_once_and_again_only_for_another_curve() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(changed(&call(&path, &ecc("secp256r1"))));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let first = fs::read(&path).unwrap();
        assert!(!changed(&call(&path, &ecc("secp256r1"))));
        assert_eq!(fs::read(&path).unwrap(), first);
        assert!(changed(&call(&path, &ecc("secp384r1"))));
        assert!(changed(&call(&path, &[("type", "Ed25519".into())])));
    }

    #[test]
    fn a_broken_key_is_replaced_or_kept_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(&path, "nonsense").unwrap();
        let mut args = ecc("secp256r1");
        args.push(("regenerate", "partial_idempotence".into()));
        assert!(call(&path, &args).get_str("msg").unwrap().starts_with("Unable to read the key."));
        assert!(changed(&call(&path, &ecc("secp256r1"))));
    }

    #[test]
    fn the_form_is_converted_without_a_new_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        call(&path, &ecc("secp256r1"));
        let before = PrivateKey::from_pem(&fs::read(&path).unwrap()).unwrap();
        let mut args = ecc("secp256r1");
        args.extend([("format", Value::from("pkcs8")), ("format_mismatch", "convert".into())]);
        assert!(changed(&call(&path, &args)));
        assert!(!changed(&call(&path, &args)));
        let after = PrivateKey::from_pem(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((before.format(), after.format()), (Format::Pkcs1, Format::Pkcs8));
        assert_eq!(before.public(), after.public());
    }

    #[test]
    fn what_cannot_be_made_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        for (args, words) in [
            (vec![("type", Value::from("DSA"))], "The key type DSA is not supported"),
            (ecc("secp521r1"), "The curve secp521r1 is not supported"),
            (vec![("size", Value::from(1024))], "An RSA key of 1024 bits is not supported"),
            (vec![("passphrase", Value::from("x"))], "`passphrase` is not supported"),
            (vec![("type", "ECC".into())], "type is ECC but all of the following are missing: curve"),
        ] {
            let result = call(&path, &args);
            assert!(result.get_str("msg").unwrap().starts_with(words), "{result:?}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn check_mode_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let mut args: Map = ecc("secp256r1").into_iter().collect();
        args.insert("path", path.to_str().unwrap());
        let result = run_local(&RunRequest { check: true, ..RunRequest::new("openssl_privatekey", args) });
        assert!(changed(&result));
        assert!(!path.exists());
    }
}
