//! `community.crypto.x509_certificate_info`: what a certificate says, and whether it is valid at some time.

use data::Map;
use jiff::Timestamp;

use super::signed::Certificate;
use super::{arguments, info, key_file, time};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "x509_certificate_info",
    collection: "community.crypto",
    summary: "Provide information of certificates",
    args: &[
        Arg::path("path").help("The file of the certificate."),
        Arg::str("content").help("The certificate."),
        Arg::dict("valid_at").help("Points in time by a name of your own: `+3w`, or `YYYYMMDDhhmmssZ`."),
        arguments::NAME_ENCODING,
        arguments::CRYPTO_BACKEND,
    ],
    rules: arguments::PATH_OR_CONTENT,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, _: &mut Context) -> Result<Outcome, Failure> {
    let bytes = key_file::bytes(args, "path", "content")?.unwrap_or_default();
    let certificate = Certificate::from_pem(&bytes)?;
    let now = Timestamp::now();
    let mut fields = info::certificate(&certificate);
    fields.insert("expired", certificate.not_after < now);
    let mut valid = Map::new();
    for (name, text) in args.map("valid_at").into_iter().flatten() {
        let text = text.as_str().ok_or_else(|| {
            Failure::new(format!(
                "The value for valid_at.{} must be of type string",
                name.as_str().unwrap_or_default()
            ))
        })?;
        let at = time::parse(text, &format!("valid_at.{}", name.as_str().unwrap_or_default()), now)?;
        valid.insert(name.clone(), (certificate.not_before..=certificate.not_after).contains(&at));
    }
    fields.insert("valid_at", valid);
    Ok(Outcome { fields, ..Outcome::unchanged() })
}

#[cfg(test)]
mod tests {
    use data::Value;

    use super::super::private_key::{Kind, PrivateKey};
    use super::super::signed::Content;
    use super::*;
    use crate::{RunRequest, run_local};

    #[test]
    fn a_certificate_tells_its_names_and_times() {
        let key = PrivateKey::generate(Kind::P256, &mut Context::local()).unwrap();
        let name = super::super::name::encode(&[("2.5.4.3".to_owned(), "ca".to_owned())]).unwrap();
        let at = |text: &str| time::parse(text, "x", Timestamp::UNIX_EPOCH).unwrap();
        let content = Content {
            issuer: &name,
            subject: &name,
            public: &key.public(),
            not_before: at("20200101000000Z"),
            not_after: at("20210101000000Z"),
            extensions: &[],
        };
        let pem = Certificate::make(&content, &key, "sha256").unwrap();
        let valid_at = Map::from([("then", "20200601000000Z"), ("now", "+0s")]);
        let args = Map::from([("content", Value::from(pem)), ("valid_at", valid_at.into())]);
        let result = run_local(&RunRequest::new("x509_certificate_info", args));
        assert_eq!(result.get("expired"), Some(&Value::from(true)));
        assert_eq!(result.get_str("not_after"), Some("20210101000000Z"));
        assert_eq!(result.get("subject").unwrap().get("commonName"), Some(&Value::from("ca")));
        assert_eq!(result.get("valid_at").unwrap().get("then"), Some(&Value::from(true)));
        assert_eq!(result.get("valid_at").unwrap().get("now"), Some(&Value::from(false)));
        assert_eq!(result.get_str("signature_algorithm"), Some("ecdsa-with-SHA256"));
    }
}
