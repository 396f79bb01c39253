//! `community.crypto.openssl_csr_info`: what a request for a certificate asks for.

use super::signed::Request;
use super::{arguments, info, key_file};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "openssl_csr_info",
    collection: "community.crypto",
    summary: "Provide information of certificate signing requests",
    args: &[
        Arg::path("path").help("The file of the request."),
        Arg::str("content").help("The request."),
        arguments::NAME_ENCODING,
        arguments::CRYPTO_BACKEND,
    ],
    rules: arguments::PATH_OR_CONTENT,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    let bytes = key_file::bytes(args, "path", "content")?.unwrap_or_default();
    let request = Request::from_pem(&bytes)?;
    let mut fields = info::request(&request);
    // Only diffs tell that.
    fields.remove("can_parse_csr");
    if request.is_genuine {
        return Ok(Outcome { fields, ..Outcome::unchanged() });
    }
    let mut failure = Failure::new("CSR signature is invalid!");
    failure.fields.extend_from(&fields);
    Err(failure)
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::super::private_key::{Kind, PrivateKey, to_pem};
    use super::*;
    use crate::{RunRequest, run_local};

    fn request() -> String {
        let key = PrivateKey::generate(Kind::P256, &mut Context::local()).unwrap();
        let name = super::super::name::encode(&[("2.5.4.3".to_owned(), "abc".to_owned())]).unwrap();
        Request::make(&name, &[], &key, "sha256").unwrap()
    }

    fn look(content: String) -> Map {
        run_local(&RunRequest::new("openssl_csr_info", Map::from([("content", content)])))
    }

    #[test]
    fn a_request_tells_its_name_and_its_key() {
        let found = look(request());
        assert_eq!(found.get("subject").and_then(|name| name.get("commonName")), Some(&Value::from("abc")));
        assert_eq!(found.get_str("public_key_type"), Some("ECC"));
        assert_eq!(found.get("signature_valid"), Some(&Value::from(true)));
    }

    #[test]
    fn a_request_that_was_changed_is_not_valid() {
        let mut encoded = pem::parse(request()).unwrap().into_contents();
        let at = encoded.windows(3).position(|window| window == b"abc").unwrap();
        encoded[at] = b'x';
        let found = look(to_pem("CERTIFICATE REQUEST", &encoded));
        assert_eq!(found.get_str("msg"), Some("CSR signature is invalid!"));
        assert_eq!(found.get("subject").and_then(|name| name.get("commonName")), Some(&Value::from("xbc")));
    }
}
