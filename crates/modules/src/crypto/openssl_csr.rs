//! `community.crypto.openssl_csr`: requests for certificates.

use data::{Map, Value};

use super::extensions::{self, Extension};
use super::output::Target;
use super::private_key::PrivateKey;
use super::signed::Request;
use super::{arguments, info, key_file, name};
use crate::{
    Arg, ArgType, Args, Context, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules, file_attributes,
};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssl_csr",
    collection: "community.crypto",
    summary: "Generate certificate signing requests",
    args: &[
        Arg::path("path").required().help("The file of the request."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the request is to be there."),
        Arg::bool("force").default_bool(false).help("Make a new request even if the one that is there fits."),
        Arg::path("privatekey_path").help("The file of the key that signs it."),
        Arg::str("privatekey_content").no_log().help("The key that signs it."),
        Arg::str("privatekey_passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        Arg::str("digest")
            .default_str("sha256")
            .help("The digest that is signed; P-384 keys always sign SHA-384."),
        Arg::int("version")
            .default_int(1)
            .choices(&["1"])
            .help("The version of the request; there is only one."),
        Arg::dict("subject")
            .help("Parts of the name, by short or long name or identifier; a part may be a list."),
        Arg::list("subject_ordered", ArgType::Dict)
            .help("Dictionaries of one part each; the order is kept and compared."),
        Arg::str("country_name").aliases(&["C", "countryName"]).help("Country of the name, two letters."),
        Arg::str("state_or_province_name").aliases(&["ST", "stateOrProvinceName"]).help("State of the name."),
        Arg::str("locality_name").aliases(&["L", "localityName"]).help("Place of the name."),
        Arg::str("organization_name").aliases(&["O", "organizationName"]).help("Organization of the name."),
        Arg::str("organizational_unit_name")
            .aliases(&["OU", "organizationalUnitName"])
            .help("Unit of the name."),
        Arg::str("common_name").aliases(&["CN", "commonName"]).help("Common name."),
        Arg::str("email_address").aliases(&["E", "emailAddress"]).help("Mail address of the name."),
        Arg::list("subject_alt_name", ArgType::Str)
            .aliases(&["subjectAltName"])
            .help("Other names: `DNS:name`, `IP:address`, `email:address`, `URI:uri`, `RID:identifier`."),
        Arg::bool("subject_alt_name_critical")
            .default_bool(false)
            .aliases(&["subjectAltName_critical"])
            .help("Mark the other names as critical."),
        Arg::bool("use_common_name_for_san")
            .default_bool(true)
            .aliases(&["useCommonNameForSAN"])
            .help("Take the common name as DNS name if there are no other names."),
        Arg::list("key_usage", ArgType::Str)
            .aliases(&["keyUsage"])
            .help("What the key may be used for, such as `digitalSignature`."),
        Arg::bool("key_usage_critical")
            .default_bool(false)
            .aliases(&["keyUsage_critical"])
            .help("Mark the key usage as critical."),
        Arg::list("extended_key_usage", ArgType::Str)
            .aliases(&["extKeyUsage", "extendedKeyUsage"])
            .help("What the certificate may be used for, such as `serverAuth`, by name or identifier."),
        Arg::bool("extended_key_usage_critical")
            .default_bool(false)
            .aliases(&["extKeyUsage_critical", "extendedKeyUsage_critical"])
            .help("Mark the extended key usage as critical."),
        Arg::list("basic_constraints", ArgType::Str)
            .aliases(&["basicConstraints"])
            .help("`CA:TRUE` for an authority, and `pathlen:N`."),
        Arg::bool("basic_constraints_critical")
            .default_bool(false)
            .aliases(&["basicConstraints_critical"])
            .help("Mark the constraints as critical."),
        Arg::bool("ocsp_must_staple")
            .default_bool(false)
            .aliases(&["ocspMustStaple"])
            .help("Demand a stapled status."),
        Arg::bool("ocsp_must_staple_critical")
            .default_bool(false)
            .aliases(&["ocspMustStaple_critical"])
            .help("Mark that demand as critical."),
        Arg::bool("create_subject_key_identifier").default_bool(false).help("Add the identifier of the key."),
        Arg::str("subject_key_identifier").help("The identifier of the key, as pairs of hexadecimal digits."),
        Arg::bool("backup")
            .default_bool(false)
            .help("Keep a copy of the request that is replaced or removed."),
        Arg::bool("return_content").default_bool(false).help("Return the request itself as `csr`."),
        arguments::CRYPTO_BACKEND,
    ],
    shared: file_attributes::ARGS,
    rules: Rules {
        mutually_exclusive: &[
            &["privatekey_path", "privatekey_content"],
            &["subject", "subject_ordered"],
            &["create_subject_key_identifier", "subject_key_identifier"],
        ],
        required_if: &[RequiredIf::any("state", "present", &["privatekey_path", "privatekey_content"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut target = Target::look(args, false, context)?;
    let subject = subject(args)?;
    let alt_names = alt_names(args, &subject);
    if args.str("state")? == "absent" {
        let changed = target.remove(context)?;
        return Ok(describe(Outcome::new(changed), &subject, &alt_names, None, &target, args));
    }
    let key = key_file::private_key(args, "privatekey")?
        .ok_or_else(|| Failure::new("missing required arguments: privatekey_path"))?;
    let encoded = name::encode(&subject)?;
    let wanted = extensions::from_args(args, &alt_names, &key.public())?;
    let old = target.existing.as_deref().and_then(|bytes| Request::from_pem(bytes).ok());
    let fits = old.as_ref().is_some_and(|old| fits(old, &encoded, &wanted, &key, args));
    let mut changed = false;
    let mut content = target.existing.clone();
    if !fits || args.bool("force") {
        changed = true;
        let pem = Request::make(&encoded, &wanted, &key, args.str("digest")?)?;
        target.write(pem.as_bytes(), context)?;
        content = Some(pem.into_bytes());
    }
    changed |= target.set_attributes(context)?;
    let after = content.as_deref().and_then(|bytes| Request::from_pem(bytes).ok());
    let shown = |request: Option<&Request>| request.map(info::request).unwrap_or_default();
    let outcome =
        Outcome::new(changed).with_diff(Diff::properties(shown(old.as_ref()), shown(after.as_ref())));
    Ok(describe(outcome, &subject, &alt_names, content.as_deref(), &target, args))
}

/// Pairs of identifier and text, in community.crypto's order.
fn subject(args: &Args) -> Result<Vec<(String, String)>, Failure> {
    let mut entries = Vec::new();
    for (argument, part) in [
        ("country_name", "C"),
        ("state_or_province_name", "ST"),
        ("locality_name", "L"),
        ("organization_name", "O"),
        ("organizational_unit_name", "OU"),
        ("common_name", "CN"),
        ("email_address", "E"),
    ] {
        if let Some(text) = args.opt_str(argument) {
            entries.push((name::identifier(part)?.to_owned(), text.to_owned()));
        }
    }
    let more = args.list("subject_ordered").iter().filter_map(Value::as_map);
    for map in args.map("subject").into_iter().chain(more) {
        for (part, value) in map {
            let oid = name::identifier(part.as_str().unwrap_or_default())?;
            let texts = match value {
                Value::List(list) => list.to_vec(),
                one => vec![one.clone()],
            };
            entries.extend(texts.iter().map(|text| (oid.to_owned(), text_of(text))));
        }
    }
    entries.retain(|(_, text)| !text.is_empty());
    Ok(entries)
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}

fn alt_names(args: &Args, subject: &[(String, String)]) -> Vec<String> {
    let given: Vec<String> = args.strings("subject_alt_name").into_iter().map(str::to_owned).collect();
    if !given.is_empty() || !args.bool("use_common_name_for_san") {
        return given;
    }
    let common = subject.iter().find(|(oid, _)| oid == "2.5.4.3");
    common.map(|(_, name)| format!("DNS:{name}")).into_iter().collect()
}

/// Whether a request asks for this and is signed with this key. The order of other names and usages does not matter, nor that of the
/// parts of the subject unless it was given in an order.
fn fits(old: &Request, subject: &[u8], wanted: &[Extension], key: &PrivateKey, args: &Args) -> bool {
    let same_subject = old.subject == subject
        || (!args.has("subject_ordered") && info::name_parts(&old.subject) == info::name_parts(subject));
    let same = |extension: &Extension| {
        let found = old.extension(&extension.oid);
        found.is_some_and(|found| {
            found.critical == extension.critical && info::unordered(found) == info::unordered(extension)
        })
    };
    old.is_genuine
        && old.public == key.public()
        && same_subject
        && old.extensions.len() == wanted.len()
        && wanted.iter().all(same)
}

fn describe(
    outcome: Outcome,
    subject: &[(String, String)],
    alt_names: &[String],
    content: Option<&[u8]>,
    target: &Target,
    args: &Args,
) -> Outcome {
    let list = |texts: &[String]| texts.iter().map(|text| Value::from(text.as_str())).collect::<Value>();
    let given = |name: &str| args.get(name).cloned().unwrap_or(Value::Null);
    let pairs = subject
        .iter()
        .map(|(oid, text)| Value::from(vec![name::shown_name(oid).into(), text.as_str().into()]));
    let mut fields = Map::from([
        ("privatekey", given("privatekey_path")),
        ("filename", target.path.display().to_string().into()),
        ("subject", pairs.collect()),
        ("subjectAltName", if alt_names.is_empty() { Value::Null } else { list(alt_names) }),
        ("keyUsage", given("key_usage")),
        ("extendedKeyUsage", given("extended_key_usage")),
        ("basicConstraints", given("basic_constraints")),
        ("ocspMustStaple", args.bool("ocsp_must_staple").into()),
        ("name_constraints_permitted", Vec::new().into()),
        ("name_constraints_excluded", Vec::new().into()),
    ]);
    if args.bool("return_content") {
        fields.insert("csr", content.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    }
    if let Some(name) = &target.backup {
        fields.insert("backup_file", name.as_str());
    }
    let mut outcome = outcome;
    outcome.fields.extend_from(&fields);
    outcome
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::private_key::Kind;
    use super::*;
    use crate::{RunRequest, run_local};

    fn folder_with_key() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(Kind::P256, &mut Context::local()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.to_pem().unwrap()).unwrap();
        folder
    }

    fn call(folder: &Path, more: &[(&'static str, Value)]) -> Map {
        let mut args: Map = more.iter().cloned().collect();
        args.insert("path", folder.join("csr.pem").to_str().unwrap());
        args.insert("privatekey_path", folder.join("key.pem").to_str().unwrap());
        let result = run_local(&RunRequest::new("openssl_csr", args));
        assert_eq!(result.get("failed"), None, "{result:?}");
        result
    }

    fn list(texts: &[&str]) -> Value {
        texts.iter().map(|text| Value::from(*text)).collect()
    }

    #[test]
    fn a_request_is_made_again_only_if_what_it_asks_for_changes() {
        let folder = folder_with_key();
        let base = || {
            vec![
                ("common_name", Value::from("etcd")),
                ("subject_alt_name", list(&["DNS:a", "IP:10.0.0.1"])),
                ("key_usage", list(&["digitalSignature"])),
            ]
        };
        let changed = |args: &[(&'static str, Value)]| {
            call(folder.path(), args).get("changed") == Some(&Value::from(true))
        };
        assert!(changed(&base()));
        assert!(!changed(&base()));
        let mut other = base();
        other[1].1 = list(&["IP:10.0.0.1", "DNS:a"]);
        assert!(!changed(&other), "the order of names does not matter");
        for (argument, value) in [
            ("subject_alt_name", list(&["DNS:a"])),
            ("key_usage_critical", true.into()),
            ("extended_key_usage", list(&["serverAuth"])),
            ("basic_constraints", list(&["CA:FALSE"])),
            ("organization_name", "x".into()),
        ] {
            let mut args = base();
            args.retain(|(name, _)| *name != argument);
            args.push((argument, value));
            assert!(changed(&args), "{argument}");
            assert!(changed(&base()));
        }
    }

    #[test]
    fn the_common_name_stands_in_for_other_names() {
        let folder = folder_with_key();
        let result = call(folder.path(), &[("common_name", "a.b".into())]);
        assert_eq!(result.get("subjectAltName"), Some(&list(&["DNS:a.b"])));
        let result =
            call(folder.path(), &[("common_name", "a.b".into()), ("use_common_name_for_san", false.into())]);
        assert_eq!(result.get("subjectAltName"), Some(&Value::Null));
    }
}
