//! Private keys: made, read from PEM, written, and used to sign.

use md5::Md5;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData, SigningKey,
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

use data::Map;

use super::der::{self, tag};
use crate::Failure;
use crate::process::{self, Command};

const OID_EC: &str = "1.2.840.10045.2.1";
const OID_RSA: &str = "1.2.840.113549.1.1.1";
const OID_ED25519: &str = "1.3.101.112";
const OID_P256: &str = "1.2.840.10045.3.1.7";
const OID_P384: &str = "1.3.132.0.34";

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RSA with a modulus of this many bits.
    Rsa(i64),
    /// The curve secp256r1 (P-256).
    P256,
    /// The curve secp384r1 (P-384).
    P384,
    /// Ed25519.
    Ed25519,
}

impl Kind {
    /// community.crypto's name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::P256 | Self::P384 => "ECC",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The name of the curve, for keys on one.
    pub(super) fn curve(self) -> Option<&'static str> {
        match self {
            Self::P256 => Some("secp256r1"),
            Self::P384 => Some("secp384r1"),
            _ => None,
        }
    }
}

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The older form of each kind: `RSA PRIVATE KEY`, `EC PRIVATE KEY`.
    Pkcs1,
    /// One form for all kinds: `PRIVATE KEY`.
    Pkcs8,
}

/// A private key that is ready to sign.
pub(super) struct PrivateKey {
    pair: KeyPair,
    kind: Kind,
    format: Format,
}

impl PrivateKey {
    /// Makes a new key. RSA keys are made by a program of the host, because no library of ours makes them.
    pub(super) fn generate(kind: Kind, context: &mut crate::Context) -> Result<Self, Failure> {
        let algorithm = match kind {
            Kind::P256 => &PKCS_ECDSA_P256_SHA256,
            Kind::P384 => &PKCS_ECDSA_P384_SHA384,
            Kind::Ed25519 => &PKCS_ED25519,
            Kind::Rsa(bits) => return Self::generate_rsa(bits, context),
        };
        let pair = KeyPair::generate_for(algorithm)
            .map_err(|error| Failure::new(format!("could not make a key: {error}")))?;
        let format = if kind == Kind::Ed25519 { Format::Pkcs8 } else { Format::Pkcs1 };
        Ok(Self { pair, kind, format })
    }

    fn generate_rsa(bits: i64, context: &mut crate::Context) -> Result<Self, Failure> {
        let Some(program) = process::find_program("openssl", context) else {
            return Err(Failure::new(
                "RSA keys are made by the program `openssl`, which is not installed on this host; `type: ECC` or `type: Ed25519` need no program",
            ));
        };
        let output = Command::new(program).arg("genrsa").arg(bits.to_string()).run_ok(context)?;
        Self::from_pem(&output.stdout)
    }

    /// Reads a key that is not protected by a passphrase.
    pub(super) fn from_pem(bytes: &[u8]) -> Result<Self, Failure> {
        let wrong = |reason: &str| Failure::new(format!("Error while deserializing key: {reason}"));
        let pem = pem::parse_many(bytes).map_err(|_| wrong("it is not in PEM format"))?;
        let pem = pem
            .into_iter()
            .find(|pem| pem.tag().ends_with("PRIVATE KEY"))
            .ok_or_else(|| wrong("there is no private key"))?;
        if pem.tag() == "ENCRYPTED PRIVATE KEY" || pem.headers().get("Proc-Type").is_some() {
            return Err(wrong("it is protected by a passphrase, which is not supported"));
        }
        let unknown = || wrong(&format!("this kind of key (`{}`) is not supported", pem.tag()));
        let (pkcs8, format) = match pem.tag() {
            "PRIVATE KEY" => (pem.contents().to_vec(), Format::Pkcs8),
            "RSA PRIVATE KEY" => (wrap(&rsa_algorithm(), pem.contents()), Format::Pkcs1),
            "EC PRIVATE KEY" => {
                (wrap(&ec_algorithm(pem.contents()).ok_or_else(unknown)?, pem.contents()), Format::Pkcs1)
            }
            _ => return Err(unknown()),
        };
        let pair = KeyPair::try_from(pkcs8.as_slice()).map_err(|_| {
            wrong("only RSA (2048 to 4096 bits), secp256r1, secp384r1 and Ed25519 are supported")
        })?;
        let kind = kind_of_public(&pair.subject_public_key_info()).ok_or_else(unknown)?;
        Ok(Self { pair, kind, format })
    }

    /// What it is made of.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// How it was read, or is written if it is new.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The key in another form. An Ed25519 key has one form only.
    pub(super) fn with_format(mut self, format: Format) -> Self {
        if self.kind != Kind::Ed25519 {
            self.format = format;
        }
        self
    }

    /// The key as PEM.
    pub(super) fn to_pem(&self) -> Result<String, Failure> {
        let pkcs8 = self.pair.serialized_der();
        let (label, contents) = match (self.format, self.kind) {
            (Format::Pkcs1, Kind::Rsa(_)) => ("RSA PRIVATE KEY", inner_key(pkcs8).map(<[u8]>::to_vec)),
            (Format::Pkcs1, Kind::P256) => ("EC PRIVATE KEY", sec1(pkcs8, OID_P256)),
            (Format::Pkcs1, Kind::P384) => ("EC PRIVATE KEY", sec1(pkcs8, OID_P384)),
            // The library adds the public key (RFC 5958), which OpenSSL before 3.2 cannot read.
            (_, Kind::Ed25519) => {
                ("PRIVATE KEY", inner_key(pkcs8).map(|key| wrap(&ed25519_algorithm(), key)))
            }
            _ => ("PRIVATE KEY", Some(pkcs8.to_vec())),
        };
        let contents =
            contents.ok_or_else(|| Failure::new("could not write the key: its encoding is broken"))?;
        Ok(to_pem(label, &contents))
    }

    /// Its public key with the algorithm (`SubjectPublicKeyInfo`).
    pub(super) fn public(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// Signs with the digest that is asked for, where the kind of key leaves a choice: the algorithm's encoding and the signature.
    pub(super) fn sign(&self, message: &[u8], digest: &str) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let refuse =
            || Failure::new(format!("The digest {digest} is not supported with {} keys", self.kind.name()));
        let (oid, rsa) = match (self.kind, digest.to_lowercase().as_str()) {
            (Kind::Ed25519, _) => (OID_ED25519, None),
            (Kind::P256, "sha256") => ("1.2.840.10045.4.3.2", None),
            // The library pairs this curve with its own digest only.
            (Kind::P384, "sha256" | "sha384") => ("1.2.840.10045.4.3.3", None),
            (Kind::Rsa(_), "sha256") => ("1.2.840.113549.1.1.11", Some(&rcgen::PKCS_RSA_SHA256)),
            (Kind::Rsa(_), "sha384") => ("1.2.840.113549.1.1.12", Some(&rcgen::PKCS_RSA_SHA384)),
            (Kind::Rsa(_), "sha512") => ("1.2.840.113549.1.1.13", Some(&rcgen::PKCS_RSA_SHA512)),
            _ => return Err(refuse()),
        };
        let fail = |error: rcgen::Error| Failure::new(format!("could not sign: {error}"));
        let Some(algorithm) = rsa else {
            return Ok((der::sequence([der::known_oid(oid)]), self.pair.sign(message).map_err(fail)?));
        };
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.pair.serialize_der().into(), algorithm)
            .map_err(fail)?;
        let encoded = der::sequence([der::known_oid(oid), der::tlv(tag::NULL, [])]);
        Ok((encoded, pair.sign(message).map_err(fail)?))
    }
}

/// PEM with lines of 64 letters and plain line ends, as OpenSSL writes it.
pub(super) fn to_pem(label: &str, contents: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, contents), config)
}

/// Fingerprints of a public key or certificate by the name of the digest, in pairs of letters.
pub(super) fn fingerprints(bytes: &[u8]) -> Map {
    let pairs = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    Map::from([
        ("md5", pairs(&Md5::digest(bytes))),
        ("sha1", pairs(&Sha1::digest(bytes))),
        ("sha256", pairs(&Sha256::digest(bytes))),
        ("sha384", pairs(&Sha384::digest(bytes))),
        ("sha512", pairs(&Sha512::digest(bytes))),
    ])
}

/// The kind of a public key (`SubjectPublicKeyInfo`).
pub(super) fn kind_of_public(spki: &[u8]) -> Option<Kind> {
    let (_, info) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    match (info.parsed().ok()?, info.algorithm.algorithm.to_id_string().as_str()) {
        (PublicKey::RSA(key), _) => Some(Kind::Rsa(key.key_size() as i64)),
        (_, OID_ED25519) => Some(Kind::Ed25519),
        (PublicKey::EC(_), _) => {
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            [(OID_P256, Kind::P256), (OID_P384, Kind::P384)]
                .into_iter()
                .find(|(oid, _)| *oid == curve)
                .map(|(_, kind)| kind)
        }
        _ => None,
    }
}

fn ed25519_algorithm() -> Vec<u8> {
    der::sequence([der::known_oid(OID_ED25519)])
}

fn rsa_algorithm() -> Vec<u8> {
    der::sequence([der::known_oid(OID_RSA), der::tlv(tag::NULL, [])])
}

/// The algorithm of a key in the older form for curves, which names its curve in part 0.
fn ec_algorithm(sec1: &[u8]) -> Option<Vec<u8>> {
    let (body, _) = der::expect(sec1, tag::SEQUENCE)?;
    let (_, rest) = der::expect(body, tag::INTEGER)?;
    let (_, rest) = der::expect(rest, tag::OCTET_STRING)?;
    let (curve, _) = der::expect(rest, 0xa0)?;
    Some(der::sequence([der::known_oid(OID_EC).as_slice(), curve]))
}

/// The newer form around a key in an older one.
fn wrap(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::sequence([der::integer(0).as_slice(), algorithm, &der::tlv(tag::OCTET_STRING, key)])
}

/// The key in its older form inside the newer one.
fn inner_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (body, _) = der::expect(pkcs8, tag::SEQUENCE)?;
    let (_, rest) = der::expect(body, tag::INTEGER)?;
    let (_, rest) = der::expect(rest, tag::SEQUENCE)?;
    der::expect(rest, tag::OCTET_STRING).map(|(key, _)| key)
}

/// The older form of a key on a curve (RFC 5915), which has to name the curve itself.
fn sec1(pkcs8: &[u8], curve: &str) -> Option<Vec<u8>> {
    let (body, _) = der::expect(inner_key(pkcs8)?, tag::SEQUENCE)?;
    let (_, rest) = der::expect(body, tag::INTEGER)?;
    let (secret, rest) = der::expect(rest, tag::OCTET_STRING)?;
    // The parameters may be there already.
    let rest = der::expect(rest, 0xa0).map_or(rest, |(_, rest)| rest);
    let parts = [
        der::integer(1),
        der::tlv(tag::OCTET_STRING, secret),
        der::explicit(0, der::known_oid(curve)),
        rest.to_vec(),
    ];
    Some(der::sequence(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    fn new(kind: Kind) -> PrivateKey {
        PrivateKey::generate(kind, &mut Context::local()).unwrap()
    }

    #[test]
    fn a_key_comes_back_from_either_form() {
        for kind in [Kind::P256, Kind::P384, Kind::Ed25519] {
            for format in [Format::Pkcs1, Format::Pkcs8] {
                let key = new(kind).with_format(format);
                let back = PrivateKey::from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
                assert_eq!((back.kind(), back.public()), (kind, key.public()));
                assert_eq!(back.to_pem().unwrap(), key.to_pem().unwrap());
            }
        }
    }

    #[test]
    fn the_older_form_of_a_curve_has_its_own_label() {
        assert!(new(Kind::P256).to_pem().unwrap().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        assert!(new(Kind::Ed25519).to_pem().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    }

    #[test]
    fn what_is_not_a_key_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "there is no private key"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "protected by a passphrase",
            ),
            ("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n", "`DSA PRIVATE KEY`"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "only RSA"),
        ] {
            let failure = PrivateKey::from_pem(text.as_bytes()).err().unwrap();
            assert!(failure.msg.contains(reason), "{failure}");
        }
    }

    #[test]
    fn a_digest_that_a_key_cannot_use_is_refused() {
        assert!(new(Kind::P256).sign(b"x", "sha512").is_err());
        assert!(new(Kind::P384).sign(b"x", "sha256").is_ok());
        assert!(new(Kind::Ed25519).sign(b"x", "sha256").is_ok());
    }
}
