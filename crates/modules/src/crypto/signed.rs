//! Certificate requests and certificates: put together, signed, read and checked.

use jiff::Timestamp;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::prelude::{
    FromDer, SubjectPublicKeyInfo, X509Certificate, X509CertificationRequest, X509Extension,
};

use super::der::{self, tag};
use super::extensions::{self, Extension};
use super::private_key::{PrivateKey, to_pem};
use super::time;
use crate::Failure;

/// The attribute of a request that holds the wanted extensions (PKCS #9).
const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// A request for a certificate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// The encoded name.
    pub(super) subject: Vec<u8>,
    /// The encoded public key.
    pub(super) public: Vec<u8>,
    /// The wanted extensions.
    pub(super) extensions: Vec<Extension>,
    /// Whether it is signed with the key that belongs to the public key.
    pub(super) is_genuine: bool,
}

impl Request {
    /// Signs a request and writes it as PEM.
    pub(super) fn make(
        subject: &[u8],
        extensions: &[Extension],
        key: &PrivateKey,
        digest: &str,
    ) -> Result<String, Failure> {
        let mut attributes = Vec::new();
        if !extensions.is_empty() {
            let wanted = der::tlv(tag::SET, extensions::encode(extensions)?);
            attributes = der::sequence([der::known_oid(EXTENSION_REQUEST), wanted]);
        }
        let public = key.public();
        let info =
            der::sequence([der::integer(0).as_slice(), subject, &public, &der::explicit(0, attributes)]);
        Ok(to_pem("CERTIFICATE REQUEST", &sign(&info, key, digest)?))
    }

    /// Reads a request from PEM.
    pub(super) fn from_pem(bytes: &[u8]) -> Result<Self, Failure> {
        let contents = contents_of(
            bytes,
            &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"],
            "certificate signing request",
        )?;
        let broken = || Failure::new("Cannot parse certificate signing request: its encoding is broken");
        let (_, request) = X509CertificationRequest::from_der(&contents).map_err(|_| broken())?;
        let info = &request.certification_request_info;
        let mut extensions = Vec::new();
        for attribute in info.iter_attributes() {
            if let ParsedCriAttribute::ExtensionRequest(wanted) = attribute.parsed_attribute() {
                extensions.extend(wanted.extensions.iter().map(own_extension));
            }
        }
        Ok(Self {
            subject: info.subject.as_raw().to_vec(),
            public: info.subject_pki.raw.to_vec(),
            extensions,
            is_genuine: request.verify_signature().is_ok(),
        })
    }

    /// The extension of this identifier.
    pub(super) fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }
}

/// What goes into a certificate.
pub(super) struct Content<'a> {
    /// The issuer's encoded name.
    pub(super) issuer: &'a [u8],
    /// The subject's encoded name.
    pub(super) subject: &'a [u8],
    /// The subject's encoded public key.
    pub(super) public: &'a [u8],
    /// From when it is valid.
    pub(super) not_before: Timestamp,
    /// Until when.
    pub(super) not_after: Timestamp,
    /// Its extensions.
    pub(super) extensions: &'a [Extension],
}

/// A certificate as far as modules look at it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Certificate {
    /// Its whole encoding.
    pub(super) encoded: Vec<u8>,
    /// The issuer's encoded name.
    pub(super) issuer: Vec<u8>,
    /// The subject's encoded name.
    pub(super) subject: Vec<u8>,
    /// The encoded public key.
    pub(super) public: Vec<u8>,
    /// Its number.
    pub(super) serial: i128,
    /// The same number in full, in pairs of hexadecimal digits.
    pub(super) serial_digits: String,
    /// From when it is valid.
    pub(super) not_before: Timestamp,
    /// Until when.
    pub(super) not_after: Timestamp,
    /// Its extensions.
    pub(super) extensions: Vec<Extension>,
}

impl Certificate {
    /// Signs a certificate with a new random number and writes it as PEM.
    pub(super) fn make(content: &Content<'_>, key: &PrivateKey, digest: &str) -> Result<String, Failure> {
        let (algorithm, _) = key.sign(&[], digest)?;
        let validity = der::sequence([time::encode(content.not_before), time::encode(content.not_after)]);
        let mut parts = vec![der::explicit(0, der::integer(2)), der::unsigned(&random_serial()?), algorithm];
        parts.extend([content.issuer.to_vec(), validity, content.subject.to_vec(), content.public.to_vec()]);
        if !content.extensions.is_empty() {
            parts.push(der::explicit(3, extensions::encode(content.extensions)?));
        }
        Ok(to_pem("CERTIFICATE", &sign(&der::sequence(parts), key, digest)?))
    }

    /// Reads the first certificate of some PEM.
    pub(super) fn from_pem(bytes: &[u8]) -> Result<Self, Failure> {
        let encoded = contents_of(bytes, &["CERTIFICATE", "X509 CERTIFICATE"], "certificate")?;
        Self::from_der(encoded)
    }

    fn from_der(encoded: Vec<u8>) -> Result<Self, Failure> {
        let broken = || Failure::new("Cannot parse certificate: its encoding is broken");
        let (_, found) = X509Certificate::from_der(&encoded).map_err(|_| broken())?;
        let second = |time: &x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).map_err(|_| broken())
        };
        let certificate = Self {
            issuer: found.issuer().as_raw().to_vec(),
            subject: found.subject().as_raw().to_vec(),
            public: found.public_key().raw.to_vec(),
            serial: found
                .raw_serial()
                .iter()
                .fold(0i128, |all, byte| all.wrapping_shl(8) | i128::from(*byte)),
            serial_digits: found.raw_serial_as_string(),
            not_before: second(&found.validity().not_before)?,
            not_after: second(&found.validity().not_after)?,
            extensions: found.extensions().iter().map(own_extension).collect(),
            encoded: Vec::new(),
        };
        Ok(Self { encoded, ..certificate })
    }

    /// Whether it was signed with the key of this public key.
    pub(super) fn is_signed_by(&self, public: &[u8]) -> bool {
        let Ok((_, found)) = X509Certificate::from_der(&self.encoded) else { return false };
        let Ok((_, issuer)) = SubjectPublicKeyInfo::from_der(public) else { return false };
        found.verify_signature(Some(&issuer)).is_ok()
    }

    /// The extension of this identifier.
    pub(super) fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// The identifier of its own key that it states, or that its key has.
    pub(super) fn key_id(&self) -> Result<Vec<u8>, Failure> {
        let stated = self.extension(extensions::SUBJECT_KEY_ID);
        match stated.and_then(|extension| der::expect(&extension.value, tag::OCTET_STRING)) {
            Some((id, _)) => Ok(id.to_vec()),
            None => extensions::key_id(&self.public),
        }
    }
}

/// The content of the first block with one of these labels.
fn contents_of(bytes: &[u8], labels: &[&str], what: &str) -> Result<Vec<u8>, Failure> {
    let blocks = pem::parse_many(bytes).unwrap_or_default();
    let found = blocks.into_iter().find(|block| labels.contains(&block.tag()));
    found
        .map(pem::Pem::into_contents)
        .ok_or_else(|| Failure::new(format!("Cannot parse {what}: it holds no PEM block `{}`", labels[0])))
}

/// A body, the algorithm and the signature, in one.
fn sign(body: &[u8], key: &PrivateKey, digest: &str) -> Result<Vec<u8>, Failure> {
    let (algorithm, signature) = key.sign(body, digest)?;
    Ok(der::sequence([body, &algorithm, &der::bit_string(&signature)]))
}

fn own_extension(found: &X509Extension<'_>) -> Extension {
    Extension::new(&found.oid.to_id_string(), found.critical, found.value.to_vec())
}

/// Fifteen random bytes with a first bit of zero and a second of one: positive, always of one length, more than hard enough to guess,
/// and short enough to be a number in results.
fn random_serial() -> Result<[u8; 15], Failure> {
    let mut bytes = [0u8; 15];
    let fail = |error: std::io::Error| Failure::new(format!("no random numbers: {error}"));
    let file = std::fs::File::open("/dev/urandom").map_err(fail)?;
    std::io::Read::read_exact(&mut &file, &mut bytes).map_err(fail)?;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::private_key::Kind;
    use super::*;
    use crate::Context;

    fn key(kind: Kind) -> PrivateKey {
        PrivateKey::generate(kind, &mut Context::local()).unwrap()
    }

    fn subject() -> Vec<u8> {
        super::super::name::encode(&[("2.5.4.3".to_owned(), "test".to_owned())]).unwrap()
    }

    #[test]
    fn a_request_comes_back_with_its_extensions() {
        for kind in [Kind::P256, Kind::P384, Kind::Ed25519] {
            let key = key(kind);
            let wanted = [Extension::new(extensions::KEY_USAGE, true, vec![3, 2, 7, 0x80])];
            let pem = Request::make(&subject(), &wanted, &key, "sha256").unwrap();
            let request = Request::from_pem(pem.as_bytes()).unwrap();
            assert!(request.is_genuine);
            assert_eq!((request.subject, request.public), (subject(), key.public()));
            assert_eq!(request.extensions, wanted);
        }
    }

    #[test]
    fn a_changed_request_is_not_genuine() {
        let pem = Request::make(&subject(), &[], &key(Kind::P256), "sha256").unwrap();
        let mut bytes = pem::parse(pem).unwrap().into_contents();
        let at = bytes.windows(4).position(|part| part == b"test").unwrap();
        bytes[at] = b'b';
        let changed = to_pem("CERTIFICATE REQUEST", &bytes);
        assert!(!Request::from_pem(changed.as_bytes()).unwrap().is_genuine);
    }

    #[test]
    fn a_certificate_knows_who_signed_it() {
        let (own, other) = (key(Kind::P384), key(Kind::P256));
        let content = Content {
            issuer: &subject(),
            subject: &subject(),
            public: &own.public(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::from_second(4_000_000_000).unwrap(),
            extensions: &[],
        };
        let certificate =
            Certificate::from_pem(Certificate::make(&content, &own, "sha256").unwrap().as_bytes()).unwrap();
        assert!(certificate.is_signed_by(&own.public()));
        assert!(!certificate.is_signed_by(&other.public()));
        assert_eq!(certificate.not_after.as_second(), 4_000_000_000);
        assert_eq!(certificate.key_id().unwrap(), extensions::key_id(&own.public()).unwrap());
    }

    #[test]
    fn what_is_no_certificate_says_so() {
        assert!(Certificate::from_pem(b"nonsense").unwrap_err().msg.contains("`CERTIFICATE`"));
    }
}
