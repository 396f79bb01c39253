//! `community.crypto.x509_certificate`: certificates, signed by themselves or by an authority of ours.

use data::{Map, Value};
use jiff::Timestamp;

use super::extensions::{self, AUTHORITY_KEY_ID, Extension, SUBJECT_KEY_ID};
use super::output::Target;
use super::private_key::PrivateKey;
use super::signed::{Certificate, Content, Request};
use super::{arguments, der, info, key_file, time};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "x509_certificate",
    collection: "community.crypto",
    summary: "Generate and check certificates",
    args: &[
        Arg::path("path").required().help("The file of the certificate."),
        Arg::str("state").default_str("present").choices(&["absent", "present"]).help("Whether the certificate is to be there."),
        Arg::str("provider").choices(&["acme", "ownca", "selfsigned"]).help("Who signs: itself, or an authority whose key is here. `acme` is refused."),
        Arg::bool("force").default_bool(false).help("Make a new certificate even if the one that is there fits."),
        Arg::path("csr_path").help("The file of the request."),
        Arg::str("csr_content").help("The request."),
        Arg::bool("ignore_timestamps").default_bool(true).help("Keep a certificate whose times differ from what is asked; one that has expired is always replaced."),
        Arg::path("privatekey_path").help("The file of the certificate's own key."),
        Arg::str("privatekey_content").no_log().help("The certificate's own key."),
        Arg::str("privatekey_passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        Arg::path("ownca_path").help("The file of the authority's certificate."),
        Arg::str("ownca_content").help("The authority's certificate."),
        Arg::path("ownca_privatekey_path").help("The file of the authority's key."),
        Arg::str("ownca_privatekey_content").no_log().help("The authority's key."),
        Arg::str("ownca_privatekey_passphrase").no_log().help("Refused: keys with a passphrase are not supported."),
        Arg::str("ownca_digest").default_str("sha256").help("The digest that is signed; P-384 keys always sign SHA-384."),
        Arg::int("ownca_version").default_int(3).choices(&["3"]).help("The version of the certificate; there is only one."),
        Arg::str("ownca_not_before").default_str("+0s").help("From when it is valid: `+0s`, or `YYYYMMDDhhmmssZ`."),
        Arg::str("ownca_not_after").default_str("+3650d").help("Until when it is valid: `+3650d`, or `YYYYMMDDhhmmssZ`."),
        Arg::str("ownca_create_subject_key_identifier")
            .default_str("create_if_not_provided")
            .choices(&["create_if_not_provided", "always_create", "never_create"])
            .help("Whether the identifier of the key is added."),
        Arg::bool("ownca_create_authority_key_identifier").default_bool(true).help("Whether the identifier of the authority's key is added."),
        Arg::str("selfsigned_digest").default_str("sha256").aliases(&["digest"]).help("The digest that is signed; P-384 keys always sign SHA-384."),
        Arg::int("selfsigned_version").default_int(3).choices(&["3"]).help("The version of the certificate; there is only one."),
        Arg::str("selfsigned_not_before").default_str("+0s").aliases(&["selfsigned_notBefore"]).help("From when it is valid."),
        Arg::str("selfsigned_not_after").default_str("+3650d").aliases(&["selfsigned_notAfter"]).help("Until when it is valid."),
        Arg::str("selfsigned_create_subject_key_identifier")
            .default_str("create_if_not_provided")
            .choices(&["create_if_not_provided", "always_create", "never_create"])
            .help("Whether the identifier of the key is added."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the certificate that is replaced or removed."),
        Arg::bool("return_content").default_bool(false).help("Return the certificate itself as `certificate`."),
        arguments::CRYPTO_BACKEND,
    ],
    shared: file_attributes::ARGS,
    rules: Rules {
        mutually_exclusive: &[
            &["csr_path", "csr_content"],
            &["privatekey_path", "privatekey_content"],
            &["ownca_path", "ownca_content"],
            &["ownca_privatekey_path", "ownca_privatekey_content"],
        ],
        required_if: &[RequiredIf::all("state", "present", &["provider"])],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut target = Target::look(args, false, context)?;
    if args.str("state")? == "absent" {
        let changed = target.remove(context)?;
        return Ok(describe(Outcome::new(changed), None, None, &target, args));
    }
    let issue = Issue::prepare(args)?;
    let old = target.existing.as_deref().and_then(|bytes| Certificate::from_pem(bytes).ok());
    let fits = !args.bool("force") && old.as_ref().is_some_and(|old| issue.fits(old));
    let mut changed = false;
    let mut content = target.existing.clone();
    if !fits {
        changed = true;
        let pem = issue.sign()?;
        target.write(pem.as_bytes(), context)?;
        content = Some(pem.into_bytes());
    }
    changed |= target.set_attributes(context)?;
    let after = content.as_deref().and_then(|bytes| Certificate::from_pem(bytes).ok());
    let shown = |found: Option<&Certificate>| found.map(info::certificate).unwrap_or_default();
    let outcome =
        Outcome::new(changed).with_diff(Diff::properties(shown(old.as_ref()), shown(after.as_ref())));
    Ok(describe(outcome, after.as_ref(), content.as_deref(), &target, args))
}

/// All that decides what a certificate is.
struct Issue {
    key: PrivateKey,
    digest: String,
    /// The authority; `None` if the certificate signs itself.
    authority: Option<Certificate>,
    /// The certificate's own public key, if its private key was given.
    own: Option<Vec<u8>>,
    request: Request,
    not_before: Timestamp,
    not_after: Timestamp,
    compare_times: bool,
    key_id: String,
    authority_key_id: bool,
}

impl Issue {
    fn prepare(args: &Args) -> Result<Self, Failure> {
        let provider = args.str("provider")?;
        if provider == "acme" {
            return Err(Failure::new("The provider acme is not supported; use `ownca` or `selfsigned`"));
        }
        let own = key_file::private_key(args, "privatekey")?;
        let request = key_file::bytes(args, "csr_path", "csr_content")?
            .map(|bytes| Request::from_pem(&bytes))
            .transpose()?;
        if request.as_ref().is_some_and(|request| !request.is_genuine) {
            return Err(Failure::new("The certificate signing request is not signed with its own key"));
        }
        let needed = |what: &str| Failure::new(format!("{what} is required for the provider {provider}"));
        let argument = |name: &str| args.opt_str(&format!("{provider}_{name}")).unwrap_or_default();
        let now = Timestamp::now();
        let at = |name: &str| time::parse(argument(name), &format!("{provider}_{name}"), now);
        let own_public = own.as_ref().map(PrivateKey::public);
        let (key, authority, request) = if provider == "ownca" {
            let bytes = key_file::bytes(args, "ownca_path", "ownca_content")?
                .ok_or_else(|| needed("ownca_path or ownca_content"))?;
            let key = key_file::private_key(args, "ownca_privatekey")?;
            let key = key.ok_or_else(|| needed("ownca_privatekey_path or ownca_privatekey_content"))?;
            let authority = Certificate::from_pem(&bytes)?;
            if authority.public != key.public() {
                return Err(Failure::new("The CA private key does not belong to the CA certificate"));
            }
            (key, Some(authority), request.ok_or_else(|| needed("csr_path or csr_content"))?)
        } else {
            let key = own.ok_or_else(|| needed("privatekey_path or privatekey_content"))?;
            // Without a request the certificate has no name and no extensions.
            let request = request.unwrap_or_else(|| Request {
                subject: der::sequence::<&[u8]>([]),
                public: key.public(),
                extensions: Vec::new(),
                is_genuine: true,
            });
            if request.public != key.public() {
                return Err(Failure::new(
                    "The private key does not belong to the certificate signing request",
                ));
            }
            (key, None, request)
        };
        Ok(Self {
            key,
            authority,
            own: own_public,
            request,
            digest: argument("digest").to_owned(),
            not_before: at("not_before")?,
            not_after: at("not_after")?,
            compare_times: !args.bool("ignore_timestamps"),
            key_id: argument("create_subject_key_identifier").to_owned(),
            authority_key_id: provider == "ownca" && args.bool("ownca_create_authority_key_identifier"),
        })
    }

    /// The request's extensions with the identifiers of the keys added.
    fn extensions(&self) -> Result<Vec<Extension>, Failure> {
        let mut all = self.request.extensions.clone();
        if self.key_id == "always_create" {
            all.retain(|extension| extension.oid != SUBJECT_KEY_ID);
        }
        if self.key_id != "never_create" && !all.iter().any(|extension| extension.oid == SUBJECT_KEY_ID) {
            all.push(extensions::subject_key_id(&self.request.public)?);
        }
        if let Some(authority) = self.authority.as_ref().filter(|_| self.authority_key_id) {
            all.retain(|extension| extension.oid != AUTHORITY_KEY_ID);
            all.push(extensions::authority_key_id(&authority.key_id()?));
        }
        Ok(all)
    }

    fn issuer(&self) -> &[u8] {
        self.authority.as_ref().map_or(&self.request.subject, |authority| &authority.subject)
    }

    /// Whether a certificate is what would be made, apart from its number and, if so asked, its times.
    fn fits(&self, old: &Certificate) -> bool {
        let Ok(wanted) = self.extensions() else { return false };
        let same = |extension: &Extension| old.extension(&extension.oid) == Some(extension);
        let times = (old.not_before, old.not_after) == (self.not_before, self.not_after);
        old.public == self.request.public
            && self.own.as_ref().is_none_or(|own| *own == old.public)
            && old.subject == self.request.subject
            && old.issuer == self.issuer()
            && old.is_signed_by(&self.key.public())
            && old.extensions.len() == wanted.len()
            && wanted.iter().all(same)
            && old.not_after > Timestamp::now()
            && (times || !self.compare_times)
    }

    fn sign(&self) -> Result<String, Failure> {
        let content = Content {
            issuer: self.issuer(),
            subject: &self.request.subject,
            public: &self.request.public,
            not_before: self.not_before,
            not_after: self.not_after,
            extensions: &self.extensions()?,
        };
        Certificate::make(&content, &self.key, &self.digest)
    }
}

fn describe(
    outcome: Outcome,
    certificate: Option<&Certificate>,
    content: Option<&[u8]>,
    target: &Target,
    args: &Args,
) -> Outcome {
    let given = |name: &str| args.get(name).cloned().unwrap_or(Value::Null);
    let mut fields = Map::from([
        ("filename", Value::from(target.path.display().to_string())),
        ("privatekey", given("privatekey_path")),
        ("csr", given("csr_path")),
    ]);
    if args.opt_str("provider") == Some("ownca") {
        fields.insert("ca_cert", given("ownca_path"));
        fields.insert("ca_privatekey", given("ownca_privatekey_path"));
    }
    if let Some(certificate) = certificate {
        fields.insert("notBefore", time::show(certificate.not_before));
        fields.insert("notAfter", time::show(certificate.not_after));
        fields.insert("serial_number", info::serial(certificate));
    }
    if args.bool("return_content") {
        fields.insert("certificate", content.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
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
    use std::process::Command;

    use super::*;
    use crate::{RunRequest, run_local};

    /// Calls a module with paths inside a folder: values that start with `@` name a file there.
    fn call(folder: &Path, module: &str, args: &[(&'static str, &str)]) -> Map {
        let place = |text: &str| match text.strip_prefix('@') {
            Some(name) => folder.join(name).to_str().unwrap().to_owned(),
            None => text.to_owned(),
        };
        let args: Map = args.iter().map(|(name, text)| (*name, place(text))).collect();
        run_local(&RunRequest::new(module, args))
    }

    fn changed(result: &Map) -> bool {
        assert_eq!(result.get("failed"), None, "{result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    fn make_request(folder: &Path, name: &str, curve: &str, more: &[(&'static str, &str)]) {
        let (key, csr) = (format!("@{name}.key"), format!("@{name}.csr"));
        call(folder, "openssl_privatekey", &[("path", &key), ("type", "ECC"), ("curve", curve)]);
        let mut args = vec![("path", csr.as_str()), ("privatekey_path", key.as_str()), ("common_name", name)];
        args.extend(more);
        assert!(changed(&call(folder, "openssl_csr", &args)));
    }

    /// An authority and a node, each with key, request and certificate.
    fn authority_and_node(curve: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let authority = [
            ("basic_constraints", "CA:TRUE"),
            ("basic_constraints_critical", "yes"),
            ("key_usage", "keyCertSign,cRLSign"),
            ("key_usage_critical", "yes"),
        ];
        make_request(folder.path(), "ca", curve, &authority);
        assert!(changed(&call(folder.path(), "x509_certificate", &AUTHORITY)));
        let node = [
            ("subject_alt_name", "DNS:node1,IP:10.0.0.1,IP:::1"),
            ("extended_key_usage", "serverAuth,clientAuth"),
        ];
        make_request(folder.path(), "node", curve, &node);
        assert!(changed(&call(folder.path(), "x509_certificate", &NODE)));
        folder
    }

    const AUTHORITY: [(&str, &str); 4] = [
        ("path", "@ca.pem"),
        ("provider", "selfsigned"),
        ("privatekey_path", "@ca.key"),
        ("csr_path", "@ca.csr"),
    ];
    const NODE: [(&str, &str); 5] = [
        ("path", "@node.pem"),
        ("provider", "ownca"),
        ("csr_path", "@node.csr"),
        ("ownca_path", "@ca.pem"),
        ("ownca_privatekey_path", "@ca.key"),
    ];

    #[test]
    fn a_certificate_is_made_once_and_again_when_its_request_changes() {
        let folder = authority_and_node("secp256r1");
        assert!(!changed(&call(folder.path(), "x509_certificate", &AUTHORITY)));
        assert!(!changed(&call(folder.path(), "x509_certificate", &NODE)));
        make_request(folder.path(), "node", "secp256r1", &[("subject_alt_name", "DNS:node2")]);
        assert!(changed(&call(folder.path(), "x509_certificate", &NODE)));
        assert!(!changed(&call(folder.path(), "x509_certificate", &NODE)));
    }

    #[test]
    fn a_new_authority_makes_new_certificates() {
        let folder = authority_and_node("secp256r1");
        for name in ["ca.key", "ca.csr", "ca.pem"] {
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
        make_request(folder.path(), "ca", "secp256r1", &[("basic_constraints", "CA:TRUE")]);
        assert!(changed(&call(folder.path(), "x509_certificate", &AUTHORITY)));
        assert!(changed(&call(folder.path(), "x509_certificate", &NODE)));
    }

    #[test]
    fn an_expired_certificate_is_replaced() {
        let folder = authority_and_node("secp256r1");
        let mut past = NODE.to_vec();
        past.extend([
            ("ownca_not_before", "20200101000000Z"),
            ("ownca_not_after", "20200102000000Z"),
            ("force", "yes"),
        ]);
        assert!(changed(&call(folder.path(), "x509_certificate", &past)));
        assert!(changed(&call(folder.path(), "x509_certificate", &NODE)));
    }

    #[test]
    fn a_key_that_does_not_fit_is_refused() {
        let folder = authority_and_node("secp256r1");
        let mut wrong = NODE.to_vec();
        wrong[4].1 = "@node.key";
        let result = call(folder.path(), "x509_certificate", &wrong);
        assert_eq!(result.get_str("msg"), Some("The CA private key does not belong to the CA certificate"));
    }

    /// Real OpenSSL reads and trusts what we make, where it is installed.
    #[test]
    fn openssl_accepts_our_certificates() {
        if Command::new("openssl").arg("version").output().is_err() {
            return;
        }
        for curve in ["secp256r1", "secp384r1"] {
            let folder = authority_and_node(curve);
            let openssl = |args: &[&str]| {
                let output = Command::new("openssl").args(args).current_dir(folder.path()).output().unwrap();
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(
                    output.status.success(),
                    "{args:?}: {text}{}",
                    String::from_utf8_lossy(&output.stderr)
                );
                text
            };
            openssl(&["verify", "-x509_strict", "-CAfile", "ca.pem", "node.pem"]);
            openssl(&["req", "-in", "node.csr", "-verify", "-noout"]);
            openssl(&["ec", "-in", "node.key", "-check", "-noout"]);
            let text = openssl(&["x509", "-in", "node.pem", "-noout", "-text"]);
            for words in [
                "Subject: CN = node",
                "Issuer: CN = ca",
                "DNS:node1, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
                "TLS Web Server Authentication, TLS Web Client Authentication",
            ] {
                assert!(text.contains(words), "{words} is not in {text}");
            }
        }
    }
}
