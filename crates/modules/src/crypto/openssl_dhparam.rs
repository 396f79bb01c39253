//! `community.crypto.openssl_dhparam`: parameters of Diffie-Hellman, made and checked by the program `openssl`.

use super::output::Target;
use crate::process::{Command, require_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssl_dhparam",
    collection: "community.crypto",
    summary: "Generate OpenSSL Diffie-Hellman Parameters",
    args: &[
        Arg::path("path").required().help("The file of the parameters."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether they are to be there."),
        Arg::int("size").default_int(4096).help("Bits of the prime. Making one of 4096 bits takes minutes."),
        Arg::bool("force").default_bool(false).help("Make new ones even if those that are there fit."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of what is replaced or removed."),
        Arg::str("select_crypto_backend")
            .default_str("auto")
            .choices(&["auto", "cryptography", "openssl"])
            .help("Accepted for playbooks that set it; the program `openssl` is used always."),
        Arg::bool("return_content")
            .default_bool(false)
            .help("Return the parameters themselves as `dhparams`."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut target = Target::look(args, false, context)?;
    let size = args.int("size").unwrap_or(4096);
    if args.str("state")? == "absent" {
        let changed = target.remove(context)?;
        return Ok(describe(Outcome::new(changed), &target, args));
    }
    let mut changed = args.bool("force") || size_of(target.existing.as_deref(), context)? != Some(size);
    if changed {
        let made = if context.check { Vec::new() } else { make(size, context)? };
        target.write(&made, context)?;
        if !context.check {
            target.existing = Some(made);
        }
    }
    changed |= target.set_attributes(context)?;
    Ok(describe(Outcome::new(changed), &target, args).with("size", size))
}

fn describe(outcome: Outcome, target: &Target, args: &Args) -> Outcome {
    let mut outcome = outcome.with("filename", target.path.display().to_string());
    if !outcome.fields.contains_key("size") {
        outcome = outcome.with("size", args.int("size").unwrap_or(4096));
    }
    if let Some(name) = &target.backup {
        outcome = outcome.with("backup_file", name.as_str());
    }
    if args.bool("return_content") {
        let content = target.existing.as_deref().filter(|_| target.path.exists());
        outcome = outcome.with("dhparams", content.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    }
    outcome
}

/// The bits of the prime in PEM parameters; `None` if there are none, or they are no good.
fn size_of(pem: Option<&[u8]>, context: &mut Context) -> Result<Option<i64>, Failure> {
    let Some(pem) = pem else { return Ok(None) };
    let openssl = require_program("openssl", context)?;
    let told =
        Command::new(openssl).args(["dhparam", "-check", "-text", "-noout"]).input(pem).run(context)?;
    let text = told.stdout_text();
    if !told.ok() || text.contains("WARNING") || told.stderr_text().contains("WARNING") {
        return Ok(None);
    }
    Ok(bits(&text))
}

/// `DH Parameters: (2048 bit)`
fn bits(text: &str) -> Option<i64> {
    let (before, _) = text.split_once(" bit")?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn make(size: i64, context: &mut Context) -> Result<Vec<u8>, Failure> {
    let openssl = require_program("openssl", context)?;
    let made = Command::new(openssl).arg("dhparam").arg(size.to_string()).run(context)?;
    if made.ok() && made.stdout.starts_with(b"-----BEGIN") {
        return Ok(made.stdout);
    }
    Err(Failure::new(made.stderr_text().trim()).with("rc", made.code))
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn the_size_is_read_in_both_forms() {
        assert_eq!(bits("    DH Parameters: (2048 bit)\n        P:"), Some(2048));
        assert_eq!(bits("    PKCS#3 DH Parameters: (512 bit)\n"), Some(512));
        assert_eq!(bits("nonsense"), None);
    }

    /// With the smallest prime that takes no time.
    #[test]
    fn parameters_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dh.pem");
        let call = |check: bool, state: &str| {
            let args = Map::from([
                ("path", Value::from(path.to_str().unwrap())),
                ("size", 512.into()),
                ("state", state.into()),
                ("return_content", true.into()),
            ]);
            run_local(&RunRequest { check, ..RunRequest::new("openssl_dhparam", args) })
        };
        if crate::process::find_program("openssl", &Context::local()).is_none() {
            return;
        }
        assert_eq!(call(true, "present").get("changed"), Some(&Value::from(true)));
        assert!(!path.exists());
        let made = call(false, "present");
        assert_eq!(made.get("changed"), Some(&Value::from(true)), "{made:?}");
        assert!(made.get_str("dhparams").unwrap().starts_with("-----BEGIN DH PARAMETERS-----"));
        assert_eq!(call(false, "present").get("changed"), Some(&Value::from(false)));
        std::fs::write(&path, "broken").unwrap();
        assert_eq!(call(true, "present").get("changed"), Some(&Value::from(true)));
        assert_eq!(call(false, "absent").get("changed"), Some(&Value::from(true)));
        assert!(!path.exists());
    }
}
