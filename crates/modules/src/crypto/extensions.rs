//! Extensions of requests and certificates (RFC 5280, section 4.2), from the words of a task.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use super::der::{self, tag};
use crate::{Args, Failure};

pub(super) const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub(super) const KEY_USAGE: &str = "2.5.29.15";
pub(super) const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub(super) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub(super) const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub(super) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// Key usages in the order of their bits: community.crypto's three ways to write each, and what results call it.
pub(super) const KEY_USAGES: [(&str, &str, &str); 9] = [
    ("Digital Signature", "digitalSignature", "digital_signature"),
    ("Non Repudiation", "nonRepudiation", "content_commitment"),
    ("Key Encipherment", "keyEncipherment", "key_encipherment"),
    ("Data Encipherment", "dataEncipherment", "data_encipherment"),
    ("Key Agreement", "keyAgreement", "key_agreement"),
    ("Certificate Sign", "keyCertSign", "key_cert_sign"),
    ("CRL Sign", "cRLSign", "crl_sign"),
    ("Encipher Only", "encipherOnly", "encipher_only"),
    ("Decipher Only", "decipherOnly", "decipher_only"),
];

/// Extended key usages: short name, long name, identifier.
pub(super) const EXTENDED_KEY_USAGES: [(&str, &str, &str); 8] = [
    ("serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    ("clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    ("codeSigning", "Code Signing", "1.3.6.1.5.5.7.3.3"),
    ("emailProtection", "E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    ("timeStamping", "Time Stamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "OCSP Signing", "1.3.6.1.5.5.7.3.9"),
    ("anyExtendedKeyUsage", "Any Extended Key Usage", "2.5.29.37.0"),
    ("ipsecIKE", "ipsec Internet Key Exchange", "1.3.6.1.5.5.7.3.17"),
];

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    /// Its identifier.
    pub(super) oid: String,
    /// Whether who does not understand it must refuse the certificate.
    pub(super) critical: bool,
    /// Its encoded value.
    pub(super) value: Vec<u8>,
}

impl Extension {
    pub(super) fn new(oid: &str, critical: bool, value: Vec<u8>) -> Self {
        Self { oid: oid.to_owned(), critical, value }
    }

    fn encode(&self) -> Result<Vec<u8>, Failure> {
        let oid = der::oid(&self.oid)
            .ok_or_else(|| Failure::new(format!("`{}` is no object identifier", self.oid)))?;
        // False is the default, and a default is not written.
        let critical = if self.critical { der::boolean(true) } else { Vec::new() };
        Ok(der::sequence([oid, critical, der::tlv(tag::OCTET_STRING, &self.value)]))
    }
}

/// All extensions as one value.
pub(super) fn encode(extensions: &[Extension]) -> Result<Vec<u8>, Failure> {
    Ok(der::sequence(extensions.iter().map(Extension::encode).collect::<Result<Vec<_>, _>>()?))
}

/// The extensions that the arguments of `openssl_csr` ask for; `public` is the public key of the request.
pub(super) fn from_args(args: &Args, alt_names: &[String], public: &[u8]) -> Result<Vec<Extension>, Failure> {
    let mut found = Vec::new();
    if !alt_names.is_empty() {
        let names = alt_names.iter().map(|name| general_name(name)).collect::<Result<Vec<_>, _>>()?;
        found.push(Extension::new(
            SUBJECT_ALT_NAME,
            args.bool("subject_alt_name_critical"),
            der::sequence(names),
        ));
    }
    let usages = args.strings("key_usage");
    if !usages.is_empty() {
        found.push(Extension::new(KEY_USAGE, args.bool("key_usage_critical"), key_usage(&usages)?));
    }
    let usages = args.strings("extended_key_usage");
    if !usages.is_empty() {
        let critical = args.bool("extended_key_usage_critical");
        found.push(Extension::new(EXTENDED_KEY_USAGE, critical, extended_key_usage(&usages)?));
    }
    let constraints = args.strings("basic_constraints");
    if !constraints.is_empty() {
        let critical = args.bool("basic_constraints_critical");
        found.push(Extension::new(BASIC_CONSTRAINTS, critical, basic_constraints(&constraints)?));
    }
    if args.bool("ocsp_must_staple") {
        // The feature 5 is a stapled status (RFC 7633).
        let value = der::sequence([der::integer(5)]);
        found.push(Extension::new(TLS_FEATURE, args.bool("ocsp_must_staple_critical"), value));
    }
    if args.bool("create_subject_key_identifier") {
        found.push(subject_key_id(public)?);
    } else if let Some(text) = args.opt_str("subject_key_identifier") {
        found.push(Extension::new(SUBJECT_KEY_ID, false, der::tlv(tag::OCTET_STRING, hex_pairs(text)?)));
    }
    Ok(found)
}

/// `DNS:name`, `IP:address`, `email:address`, `URI:uri` or `RID:identifier`.
fn general_name(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong =
        |words: &str| Failure::new(format!("Cannot parse Subject Alternative Name \"{text}\" ({words})"));
    let (kind, value) = text.split_once(':').ok_or_else(|| wrong("forgot \"DNS:\" prefix?"))?;
    let value = value.trim();
    let ascii = |number: u8| {
        if value.is_ascii() {
            Ok(der::tlv(0x80 | number, value))
        } else {
            Err(wrong("only ASCII letters are supported"))
        }
    };
    match kind.to_ascii_uppercase().as_str() {
        "EMAIL" => ascii(1),
        "DNS" => ascii(2),
        "URI" => ascii(6),
        "IP" => match value.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => Ok(der::tlv(0x87, address.octets())),
            Ok(IpAddr::V6(address)) => Ok(der::tlv(0x87, address.octets())),
            Err(_) => Err(wrong("it is no IP address")),
        },
        "RID" => {
            let oid = der::oid(value).ok_or_else(|| wrong("it is no object identifier"))?;
            Ok(der::tlv(0x88, &oid[2..]))
        }
        _ => Err(wrong("known are DNS, IP, email, URI and RID")),
    }
}

fn key_usage(words: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut bits = 0u16;
    for word in words {
        let known = KEY_USAGES.iter().position(|(long, short, name)| [long, short, name].contains(&word));
        let bit = known.ok_or_else(|| Failure::new(format!("Unknown key usage \"{word}\"")))?;
        bits |= 0x8000 >> bit;
    }
    // Bits at the end that are not set are not written.
    let unused = (bits.trailing_zeros()).min(15);
    let bytes = bits.to_be_bytes();
    let used = if unused >= 8 { &bytes[..1] } else { &bytes[..] };
    Ok(der::tlv(tag::BIT_STRING, der::joined([&[(unused % 8) as u8], used])))
}

fn extended_key_usage(words: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut identifiers = Vec::new();
    for word in words {
        let known = EXTENDED_KEY_USAGES.iter().find(|(short, long, _)| short == word || long == word);
        let oid = der::oid(known.map_or(word, |(.., oid)| oid));
        identifiers.push(
            oid.ok_or_else(|| Failure::new(format!("Cannot find OID for extended key usage `{word}`")))?,
        );
    }
    Ok(der::sequence(identifiers))
}

/// `CA:TRUE` and `pathlen:0`, in one text or in several.
fn basic_constraints(words: &[&str]) -> Result<Vec<u8>, Failure> {
    let (mut authority, mut length) = (false, None);
    for word in words.iter().flat_map(|word| word.split(',')).map(str::trim) {
        let wrong = || Failure::new(format!("Unknown basic constraint \"{word}\""));
        if let Some(flag) = word.strip_prefix("CA:") {
            authority = match flag {
                "TRUE" => true,
                "FALSE" => false,
                _ => return Err(wrong()),
            };
        } else {
            let number = word.strip_prefix("pathlen:").and_then(|number| number.trim().parse::<u32>().ok());
            length = Some(number.ok_or_else(wrong)?);
        }
    }
    let authority = if authority { der::boolean(true) } else { Vec::new() };
    Ok(der::sequence([authority, length.map(der::integer).unwrap_or_default()]))
}

/// The identifier of a public key: the SHA-1 of its bits (RFC 5280, 4.2.1.2).
pub(super) fn key_id(public: &[u8]) -> Result<Vec<u8>, Failure> {
    let bits = || {
        let (body, _) = der::expect(public, tag::SEQUENCE)?;
        let (_, rest) = der::expect(body, tag::SEQUENCE)?;
        der::expect(rest, tag::BIT_STRING)?.0.get(1..)
    };
    let bits = bits().ok_or_else(|| Failure::new("the public key has a broken encoding"))?;
    Ok(Sha1::digest(bits).to_vec())
}

/// The extension that identifies the subject's key.
pub(super) fn subject_key_id(public: &[u8]) -> Result<Extension, Failure> {
    Ok(Extension::new(SUBJECT_KEY_ID, false, der::tlv(tag::OCTET_STRING, key_id(public)?)))
}

/// The extension that identifies the issuer's key.
pub(super) fn authority_key_id(id: &[u8]) -> Extension {
    Extension::new(AUTHORITY_KEY_ID, false, der::sequence([der::tlv(0x80, id)]))
}

fn hex_pairs(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || Failure::new(format!("Cannot parse subject_key_identifier: `{text}`"));
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(pair).collect::<Option<_>>().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usages_are_bits_without_the_unused_ones() {
        assert_eq!(key_usage(&["digitalSignature"]).unwrap(), [3, 2, 7, 0x80]);
        assert_eq!(key_usage(&["digitalSignature", "keyEncipherment"]).unwrap(), [3, 2, 5, 0xa0]);
        assert_eq!(key_usage(&["Certificate Sign", "CRL Sign"]).unwrap(), [3, 2, 1, 0x06]);
        assert_eq!(key_usage(&["decipherOnly"]).unwrap(), [3, 3, 7, 0, 0x80]);
        assert_eq!(key_usage(&["nonsense"]).unwrap_err().msg, "Unknown key usage \"nonsense\"");
    }

    #[test]
    fn names_are_read_by_their_kind() {
        assert_eq!(general_name("DNS:a.b").unwrap(), [0x82, 3, b'a', b'.', b'b']);
        assert_eq!(general_name("IP:10.0.0.1").unwrap(), [0x87, 4, 10, 0, 0, 1]);
        assert_eq!(general_name("IP:::1").unwrap().len(), 18);
        for wrong in ["a.b", "IP:10.0.0", "other:x", "DNS:ä"] {
            assert!(general_name(wrong).unwrap_err().msg.contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn constraints_name_an_authority_and_a_length() {
        assert_eq!(basic_constraints(&["CA:TRUE"]).unwrap(), [0x30, 3, 1, 1, 0xff]);
        assert_eq!(basic_constraints(&["CA:TRUE", "pathlen:0"]).unwrap(), [0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        assert_eq!(basic_constraints(&["CA:FALSE"]).unwrap(), [0x30, 0]);
        assert!(basic_constraints(&["CA:maybe"]).is_err());
    }
}
