//! `community.crypto.openssl_privatekey_info`: of what kind a private key is, and its public part. The secret part is never returned.

use data::{Map, Value};

use super::private_key::PrivateKey;
use super::{arguments, info, key_file};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssl_privatekey_info",
    collection: "community.crypto",
    summary: "Provide information of private keys for TLS",
    args: &[
        Arg::path("path").help("The file of the key."),
        Arg::str("content").no_log().help("The key."),
        Arg::str("passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        arguments::CRYPTO_BACKEND,
    ],
    rules: arguments::PATH_OR_CONTENT,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    if args.has("passphrase") {
        return Err(Failure::new("`passphrase` is not supported: keys with a passphrase cannot be read"));
    }
    let bytes = key_file::bytes(args, "path", "content")?.unwrap_or_default();
    let key = PrivateKey::from_pem(&bytes)
        .map_err(|failure| failure.with("can_load_key", true).with("can_parse_key", false))?;
    let public = info::public_key(&key.public());
    let field = |name: &str| public.get(name).cloned().unwrap_or(Value::Null);
    let fields = Map::from([
        ("can_load_key", Value::from(true)),
        ("can_parse_key", true.into()),
        // Reading it has compared it with its public part.
        ("key_is_consistent", true.into()),
        ("type", field("public_key_type")),
        ("public_data", field("public_key_data")),
        ("public_key", field("public_key")),
        ("public_key_fingerprints", field("public_key_fingerprints")),
    ]);
    Ok(Outcome { fields, ..Outcome::unchanged() })
}

#[cfg(test)]
mod tests {
    use super::super::private_key::Kind;
    use super::*;
    use crate::{RunRequest, run_local};

    fn look(content: &str) -> Map {
        run_local(&RunRequest::new("openssl_privatekey_info", Map::from([("content", content)])))
    }

    #[test]
    fn a_key_tells_its_kind_and_keeps_its_secret() {
        let key = PrivateKey::generate(Kind::P384, &mut Context::local()).unwrap();
        let found = look(&key.to_pem().unwrap());
        assert_eq!(found.get_str("type"), Some("ECC"));
        let data = found.get("public_data").unwrap();
        assert_eq!(data.get("curve"), Some(&Value::from("secp384r1")));
        assert!(!format!("{found:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_is_no_key_says_so() {
        let found = look("nonsense");
        assert_eq!(found.get("failed"), Some(&Value::from(true)));
        assert_eq!(found.get("can_parse_key"), Some(&Value::from(false)));
    }
}
