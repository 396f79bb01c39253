//! Keys, requests and certificates as the role `pki` makes them: made once, left alone afterwards, made anew when they must be, and
//! accepted by OpenSSL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use data::{Map, Value};
use taskbox_modules::{RunRequest, run_local};

/// A folder with an authority and a server's certificate signed by it.
struct Workshop {
    folder: tempfile::TempDir,
    check: bool,
}

impl Workshop {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), check: false }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("the file is there").permissions().mode() & 0o777
    }

    /// Runs a module; arguments that begin with `@` are files of the folder.
    fn run(&self, module: &str, args: &[(&str, Value)]) -> Map {
        let mut given = Map::new();
        for (name, value) in args {
            let file = value.as_str().and_then(|text| text.strip_prefix('@')).map(|name| self.path(name));
            given.insert(*name, file.map_or_else(|| value.clone(), Value::from));
        }
        let mut request = RunRequest::new(format!("community.crypto.{module}"), given);
        request.check = self.check;
        request.diff = true;
        run_local(&request)
    }

    /// Whether a run that must not fail changed something.
    fn changed(&self, module: &str, args: &[(&str, Value)]) -> bool {
        let result = self.run(module, args);
        assert_ne!(result.get("failed"), Some(&Value::from(true)), "{module}: {result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    fn fails(&self, module: &str, args: &[(&str, Value)]) -> String {
        let result = self.run(module, args);
        assert_eq!(result.get("failed"), Some(&Value::from(true)), "{module}: {result:?}");
        result.get_str("msg").unwrap_or_default().to_string()
    }

    /// Makes the authority; tells for its key, its request and its certificate whether they changed.
    fn authority(&self, key: &[(&'static str, Value)]) -> [bool; 3] {
        [
            self.changed("openssl_privatekey", &with(&[("path", "@ca-key.pem".into())], key)),
            self.changed(
                "openssl_csr",
                &[
                    ("path", "@ca.csr".into()),
                    ("privatekey_path", "@ca-key.pem".into()),
                    ("common_name", "etcd-ca".into()),
                    ("basic_constraints", texts(&["CA:TRUE"])),
                    ("basic_constraints_critical", true.into()),
                    ("key_usage", texts(&["keyCertSign", "cRLSign", "digitalSignature"])),
                    ("key_usage_critical", true.into()),
                    ("mode", "0600".into()),
                ],
            ),
            self.changed(
                "x509_certificate",
                &[
                    ("path", "@ca.pem".into()),
                    ("provider", "selfsigned".into()),
                    ("privatekey_path", "@ca-key.pem".into()),
                    ("csr_path", "@ca.csr".into()),
                    ("selfsigned_not_after", "+3650d".into()),
                ],
            ),
        ]
    }

    /// Makes the server's certificate for these names.
    fn server(&self, key: &[(&'static str, Value)], names: &[&str]) -> [bool; 3] {
        [
            self.changed("openssl_privatekey", &with(&[("path", "@server-key.pem".into())], key)),
            self.changed("openssl_csr", &self.server_request(names)),
            self.changed("x509_certificate", &self.server_certificate()),
        ]
    }

    fn server_request(&self, names: &[&str]) -> Vec<(&'static str, Value)> {
        vec![
            ("path", "@server.csr".into()),
            ("privatekey_path", "@server-key.pem".into()),
            ("common_name", "etcd-node1".into()),
            ("organization_name", "system:masters".into()),
            ("subject_alt_name", texts(names)),
            ("key_usage", texts(&["digitalSignature", "keyEncipherment"])),
            ("key_usage_critical", true.into()),
            ("extended_key_usage", texts(&["serverAuth", "clientAuth"])),
        ]
    }

    fn server_certificate(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("path", "@server.pem".into()),
            ("provider", "ownca".into()),
            ("csr_content", self.read("server.csr").into()),
            ("ownca_path", "@ca.pem".into()),
            ("ownca_privatekey_path", "@ca-key.pem".into()),
            ("ownca_not_after", "+3650d".into()),
        ]
    }

    /// What `openssl` says, which must agree.
    fn openssl(&self, args: &[&str]) -> String {
        let output = Command::new("openssl").args(args).current_dir(self.folder.path()).output();
        let output = output.expect("these tests need the program `openssl`");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "openssl {args:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}

fn with(args: &[(&'static str, Value)], more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    args.iter().chain(more).cloned().collect()
}

fn texts(words: &[&str]) -> Value {
    words.iter().map(|word| Value::from(*word)).collect()
}

fn ecc(curve: &'static str) -> Vec<(&'static str, Value)> {
    vec![("type", "ECC".into()), ("curve", curve.into())]
}

fn ed25519() -> Vec<(&'static str, Value)> {
    vec![("type", "Ed25519".into())]
}

fn rsa() -> Vec<(&'static str, Value)> {
    vec![("type", "RSA".into()), ("size", 2048.into())]
}

const NAMES: [&str; 4] = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", "DNS:node1"];

#[test]
fn the_second_run_changes_nothing() {
    let shop = Workshop::new();
    assert_eq!(shop.authority(&ecc("secp256r1")), [true; 3]);
    assert_eq!(shop.server(&ecc("secp256r1"), &NAMES), [true; 3]);
    let before = shop.read("server.pem");
    assert_eq!(shop.authority(&ecc("secp256r1")), [false; 3]);
    assert_eq!(
        shop.server(&ecc("secp256r1"), &["DNS:node1", "IP:::1", "IP:127.0.0.1", "DNS:localhost"]),
        [false; 3]
    );
    assert_eq!(shop.read("server.pem"), before);
    assert_eq!([shop.mode("ca-key.pem"), shop.mode("server-key.pem"), shop.mode("ca.csr")], [0o600; 3]);
}

#[test]
fn a_new_name_makes_a_new_request_and_a_new_certificate() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    assert_eq!(shop.server(&ecc("secp256r1"), &["DNS:node1"]), [false, true, true]);
    assert_eq!(shop.server(&ecc("secp256r1"), &["DNS:node1"]), [false; 3]);
    let critical =
        with(&shop.server_request(&["DNS:node1"]), &[("extended_key_usage_critical", true.into())]);
    assert!(shop.changed("openssl_csr", &critical));
    assert!(shop.changed("x509_certificate", &shop.server_certificate()));
}

#[test]
fn another_authority_makes_a_new_certificate() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    assert_eq!(shop.authority(&ecc("secp384r1")), [true; 3], "another curve is another key");
    assert_eq!(shop.server(&ecc("secp256r1"), &NAMES), [false, false, true]);
    shop.openssl(&["verify", "-CAfile", "ca.pem", "server.pem"]);
}

#[test]
fn times_count_only_when_asked_for() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    let fixed = |more: &[(&'static str, Value)]| {
        let mut args = shop.server_certificate();
        args.retain(|(name, _)| *name != "ownca_not_after");
        let times =
            [("ownca_not_before", "20240101000000Z".into()), ("ownca_not_after", "20600101000000Z".into())];
        with(&with(&args, &times), more)
    };
    assert!(!shop.changed("x509_certificate", &fixed(&[])));
    assert!(shop.changed("x509_certificate", &fixed(&[("ignore_timestamps", false.into())])));
    assert!(!shop.changed("x509_certificate", &fixed(&[("ignore_timestamps", false.into())])));
    let dates = shop.openssl(&["x509", "-in", "server.pem", "-noout", "-dates"]);
    assert_eq!(dates, "notBefore=Jan  1 00:00:00 2024 GMT\nnotAfter=Jan  1 00:00:00 2060 GMT\n");
}

#[test]
fn check_mode_tells_and_writes_nothing() {
    let mut shop = Workshop::new();
    shop.check = true;
    assert!(shop.changed("openssl_privatekey", &with(&[("path", "@ca-key.pem".into())], &ecc("secp256r1"))));
    assert_eq!(fs::read_dir(shop.folder.path()).unwrap().count(), 0);
    shop.check = false;
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    shop.check = true;
    let files = ["ca.pem", "server.csr", "server.pem"].map(|name| shop.read(name));
    assert_eq!(shop.authority(&ecc("secp256r1")), [false; 3]);
    assert_eq!(shop.server(&ecc("secp256r1"), &["DNS:other"]), [false, true, false]);
    assert!(shop.changed("x509_certificate", &with(&shop.server_certificate(), &[("force", true.into())])));
    assert!(shop.changed("x509_certificate", &[("path", "@server.pem".into()), ("state", "absent".into())]));
    assert_eq!(["ca.pem", "server.csr", "server.pem"].map(|name| shop.read(name)), files);
}

#[test]
fn what_is_replaced_is_kept_when_asked_for() {
    let shop = Workshop::new();
    let args = with(&[("path", "@key.pem".into()), ("backup", true.into())], &ecc("secp256r1"));
    assert!(shop.changed("openssl_privatekey", &args));
    let first = shop.read("key.pem");
    let again = shop.run("openssl_privatekey", &with(&args, &[("force", true.into())]));
    let backup = again.get_str("backup_file").unwrap();
    assert_eq!(fs::read_to_string(backup).unwrap(), first);
    assert_eq!(fs::metadata(backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(shop.read("key.pem"), first);
    let gone = with(&args, &[("state", "absent".into())]);
    assert!(shop.changed("openssl_privatekey", &gone));
    assert!(!Path::new(&shop.path("key.pem")).exists());
    assert!(!shop.changed("openssl_privatekey", &gone));
}

#[test]
fn a_key_that_was_open_to_others_is_closed_and_stays_the_same_key() {
    let shop = Workshop::new();
    let args = with(&[("path", "@key.pem".into())], &ed25519());
    shop.changed("openssl_privatekey", &args);
    let key = shop.read("key.pem");
    fs::set_permissions(shop.path("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(shop.changed("openssl_privatekey", &args));
    assert_eq!((shop.read("key.pem"), shop.mode("key.pem")), (key, 0o600));
}

#[test]
fn a_key_is_written_in_another_form_or_made_anew_as_asked() {
    let shop = Workshop::new();
    let args = with(&[("path", "@key.pem".into())], &ecc("secp256r1"));
    shop.changed("openssl_privatekey", &args);
    assert!(shop.read("key.pem").starts_with("-----BEGIN EC PRIVATE KEY-----"));
    let public = shop.openssl(&["pkey", "-in", "key.pem", "-pubout"]);
    let form = with(&args, &[("format", "pkcs8".into()), ("format_mismatch", "convert".into())]);
    assert!(shop.changed("openssl_privatekey", &form));
    assert!(shop.read("key.pem").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(shop.openssl(&["pkey", "-in", "key.pem", "-pubout"]), public);
    assert!(!shop.changed("openssl_privatekey", &form));
    assert!(!shop.changed("openssl_privatekey", &args));
    let curve = with(&[("path", "@key.pem".into()), ("regenerate", "fail".into())], &ecc("secp384r1"));
    assert!(shop.fails("openssl_privatekey", &curve).contains("wrong type"));
    fs::write(shop.path("key.pem"), "scratched").unwrap();
    assert!(shop.fails("openssl_privatekey", &curve).contains("Unable to read the key"));
    assert!(shop.changed("openssl_privatekey", &args));
}

#[test]
fn openssl_accepts_what_is_made_with_every_kind_of_key() {
    for key in [ecc("secp256r1"), ecc("secp384r1"), ed25519(), rsa()] {
        let shop = Workshop::new();
        assert_eq!(shop.authority(&key), [true; 3]);
        assert_eq!(shop.server(&key, &NAMES), [true; 3]);
        assert_eq!([shop.authority(&key), shop.server(&key, &NAMES)], [[false; 3]; 2], "{key:?}");
        for file in ["ca-key.pem", "server-key.pem"] {
            shop.openssl(&["pkey", "-in", file, "-noout", "-check"]);
        }
        shop.openssl(&["req", "-in", "server.csr", "-noout", "-verify"]);
        shop.openssl(&["verify", "-x509_strict", "-CAfile", "ca.pem", "server.pem"]);
        shop.openssl(&[
            "verify",
            "-CAfile",
            "ca.pem",
            "-purpose",
            "sslserver",
            "-verify_ip",
            "127.0.0.1",
            "server.pem",
        ]);
    }
}

#[test]
fn openssl_shows_what_was_asked_for() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    shop.openssl(&["ec", "-in", "ca-key.pem", "-noout", "-check"]);
    let show = |file: &str| {
        let text = shop.openssl(&["x509", "-in", file, "-noout", "-text"]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (authority, server) = (show("ca.pem"), show("server.pem"));
    for words in [
        "Basic Constraints: critical CA:TRUE",
        "Key Usage: critical Digital Signature, Certificate Sign, CRL Sign",
    ] {
        assert!(authority.contains(words), "{words}: {authority}");
    }
    for words in [
        "Version: 3",
        "Issuer: CN = etcd-ca",
        "Subject: O = system:masters, CN = etcd-node1",
        "Key Usage: critical Digital Signature, Key Encipherment",
        "Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication",
        "Subject Alternative Name: DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:node1",
        "X509v3 Subject Key Identifier:",
        "X509v3 Authority Key Identifier:",
    ] {
        assert!(server.contains(words), "{words}: {server}");
    }
}

#[test]
fn keys_made_by_openssl_are_left_alone_and_used() {
    let made: [(&[&str], _); 4] = [
        (&["ecparam", "-name", "prime256v1", "-genkey", "-out", "ca-key.pem"], ecc("secp256r1")),
        (
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "ca-key.pem"],
            ecc("secp384r1"),
        ),
        (&["genpkey", "-algorithm", "ed25519", "-out", "ca-key.pem"], ed25519()),
        (&["genrsa", "-traditional", "-out", "ca-key.pem", "2048"], rsa()),
    ];
    for (command, key) in made {
        let shop = Workshop::new();
        shop.openssl(command);
        fs::set_permissions(shop.path("ca-key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(shop.authority(&key), [false, true, true], "{command:?}");
        shop.openssl(&["verify", "-CAfile", "ca.pem", "ca.pem"]);
    }
}

#[test]
fn info_modules_show_what_was_made() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    let valid = Value::Map(Map::from([("soon", "+1d"), ("late", "+3651d")]));
    let certificate =
        shop.run("x509_certificate_info", &[("path", "@server.pem".into()), ("valid_at", valid)]);
    assert_eq!(certificate.get("subject_alt_name"), Some(&texts(&NAMES)));
    assert_eq!(
        certificate.get("extended_key_usage"),
        Some(&texts(&["TLS Web Client Authentication", "TLS Web Server Authentication"]))
    );
    assert_eq!(certificate.get("key_usage_critical"), Some(&Value::from(true)));
    assert_eq!(
        certificate.get("issuer").and_then(|issuer| issuer.get("commonName")),
        Some(&Value::from("etcd-ca"))
    );
    assert_eq!(certificate.get("expired"), Some(&Value::from(false)));
    assert_eq!(certificate.get("valid_at"), Some(&Value::Map(Map::from([("soon", true), ("late", false)]))));
    assert_eq!(certificate.get_str("signature_algorithm"), Some("ecdsa-with-SHA256"));
    let authority = shop.run("x509_certificate_info", &[("content", shop.read("ca.pem").into())]);
    assert_eq!(authority.get("basic_constraints"), Some(&texts(&["CA:TRUE"])));
    assert_eq!(authority.get("subject_key_identifier"), certificate.get("authority_key_identifier"));
    let request = shop.run("openssl_csr_info", &[("path", "@server.csr".into())]);
    assert_eq!(request.get("signature_valid"), Some(&Value::from(true)));
    assert_eq!(request.get("public_key"), certificate.get("public_key"));
    let key = shop.run("openssl_privatekey_info", &[("path", "@server-key.pem".into())]);
    assert_eq!(key.get("public_key"), certificate.get("public_key"));
    assert_eq!(key.get_str("type"), Some("ECC"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let shop = Workshop::new();
    shop.authority(&ecc("secp256r1"));
    shop.server(&ecc("secp256r1"), &NAMES);
    let key = |args: &[(&'static str, Value)]| {
        shop.fails("openssl_privatekey", &with(&[("path", "@new.pem".into())], args))
    };
    assert!(key(&ecc("secp521r1")).contains("use `secp256r1` or `secp384r1`"));
    assert!(key(&[("type", "X448".into())]).contains("The key type X448 is not supported"));
    assert!(key(&[("size", 1024.into())]).contains("use 2048 to 4096"));
    assert!(
        key(&with(&ecc("secp256r1"), &[("passphrase", "x".into())]))
            .contains("`passphrase` is not supported")
    );
    let certificate = |args: &[(&'static str, Value)]| {
        let mut all = shop.server_certificate();
        all.retain(|(name, _)| args.iter().all(|(other, _)| other != name));
        shop.fails("x509_certificate", &with(&all, args))
    };
    assert!(
        certificate(&[("ownca_privatekey_path", "@server-key.pem".into())])
            .contains("does not belong to the CA certificate")
    );
    assert!(
        certificate(&[("csr_content", "nothing".into())])
            .contains("Cannot parse certificate signing request")
    );
    assert!(certificate(&[("ownca_path", "@missing.pem".into())]).contains("missing.pem"));
    assert!(certificate(&[("ownca_not_after", "later".into())]).contains("ownca_not_after is invalid"));
    assert!(certificate(&[("path", "@no/such/folder".into())]).contains("does not exist"));
    let names = with(&shop.server_request(&["localhost"]), &[]);
    assert!(shop.fails("openssl_csr", &names).contains("forgot \"DNS:\" prefix?"));
}
