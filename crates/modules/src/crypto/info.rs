//! What requests and certificates say, in the words of community.crypto's results.

use data::{Map, Value};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::der::{self, tag};
use super::extensions::{
    AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGES, Extension, KEY_USAGE,
    KEY_USAGES, SUBJECT_ALT_NAME, SUBJECT_KEY_ID,
};
use super::private_key::{Kind, fingerprints, kind_of_public, to_pem};
use super::signed::{Certificate, Request};
use super::{name, time};

/// The parts of an encoded name, sorted: pairs of identifier and text.
pub(super) fn name_parts(encoded: &[u8]) -> Vec<(String, String)> {
    let mut parts = ordered_name(encoded);
    parts.sort();
    parts
}

fn ordered_name(encoded: &[u8]) -> Vec<(String, String)> {
    let Ok((_, name)) = X509Name::from_der(encoded) else { return Vec::new() };
    let parts = name.iter_attributes().map(|part| {
        let text = part
            .as_str()
            .map_or_else(|_| String::from_utf8_lossy(part.attr_value().data).into_owned(), str::to_owned);
        (part.attr_type().to_id_string(), text)
    });
    parts.collect()
}

/// The value of an extension with the members of its lists sorted, so that two of them can be compared whatever the order was.
pub(super) fn unordered(extension: &Extension) -> Vec<Vec<u8>> {
    if ![SUBJECT_ALT_NAME, EXTENDED_KEY_USAGE].contains(&extension.oid.as_str()) {
        return vec![extension.value.clone()];
    }
    let (mut rest, mut members) =
        (der::expect(&extension.value, tag::SEQUENCE).map_or(&[][..], |(body, _)| body), Vec::new());
    while let Some((tag, content, more)) = der::read(rest) {
        members.push(der::tlv(tag, content));
        rest = more;
    }
    members.sort();
    members
}

/// What a request asks for.
pub(super) fn request(request: &Request) -> Map {
    let mut found =
        Map::from([("can_parse_csr", Value::from(true)), ("signature_valid", request.is_genuine.into())]);
    add_name(&mut found, "subject", &request.subject);
    add_extensions(&mut found, &request.extensions);
    found.extend_from(&public_key(&request.public));
    found
}

/// What a certificate says, apart from how it stands in time now.
pub(super) fn certificate(certificate: &Certificate) -> Map {
    let mut found = Map::new();
    add_name(&mut found, "subject", &certificate.subject);
    add_name(&mut found, "issuer", &certificate.issuer);
    found.insert("not_before", time::show(certificate.not_before));
    found.insert("not_after", time::show(certificate.not_after));
    found.insert("serial_number", serial(certificate));
    found.insert("version", 3);
    if let Ok((_, parsed)) = X509Certificate::from_der(&certificate.encoded) {
        let oid = parsed.signature_algorithm.algorithm.to_id_string();
        found.insert("signature_algorithm", signature_name(&oid));
    }
    found.insert("fingerprints", fingerprints(&certificate.encoded));
    add_extensions(&mut found, &certificate.extensions);
    found.extend_from(&public_key(&certificate.public));
    found
}

/// The number of a certificate; as text where it is longer than our integers.
pub(super) fn serial(certificate: &Certificate) -> Value {
    let digits = certificate.serial_digits.split(':').count();
    if digits <= 15 { Value::Int(certificate.serial) } else { decimal(&certificate.serial_digits).into() }
}

/// Pairs of hexadecimal digits as a decimal number.
fn decimal(pairs: &str) -> String {
    let mut digits = vec![0u32];
    for byte in pairs.split(':').filter_map(|pair| u32::from_str_radix(pair, 16).ok()) {
        let mut carry = byte;
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            (*digit, carry) = (value % 10, value / 10);
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

fn signature_name(oid: &str) -> &str {
    match oid {
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.3.101.112" => "ED25519",
        other => other,
    }
}

fn add_name(found: &mut Map, key: &str, encoded: &[u8]) {
    let parts = ordered_name(encoded);
    let pairs =
        parts.iter().map(|(oid, text)| Value::from(vec![name::long_name(oid).into(), text.as_str().into()]));
    found.insert(format!("{key}_ordered").as_str(), pairs.collect::<Value>());
    let map: Map = parts.iter().map(|(oid, text)| (name::long_name(oid), text.as_str())).collect();
    found.insert(key, map);
}

/// What a public key is.
pub(super) fn public_key(public: &[u8]) -> Map {
    let kind = kind_of_public(public);
    let mut found = Map::new();
    found.insert("public_key", to_pem("PUBLIC KEY", public));
    found.insert("public_key_type", kind.map_or("unknown", Kind::name));
    let data = match kind {
        Some(Kind::Rsa(bits)) => Map::from([("size", bits)]),
        _ => kind.and_then(Kind::curve).map(|curve| Map::from([("curve", curve)])).unwrap_or_default(),
    };
    found.insert("public_key_data", data);
    found.insert("public_key_fingerprints", fingerprints(public));
    found
}

fn add_extensions(found: &mut Map, extensions: &[Extension]) {
    for (oid, key, value) in [
        (KEY_USAGE, "key_usage", key_usage as fn(&Extension) -> Value),
        (EXTENDED_KEY_USAGE, "extended_key_usage", extended_key_usage),
        (SUBJECT_ALT_NAME, "subject_alt_name", alt_names),
        (BASIC_CONSTRAINTS, "basic_constraints", basic_constraints),
    ] {
        let extension = extensions.iter().find(|extension| extension.oid == oid);
        found.insert(key, extension.map_or(Value::Null, value));
        found.insert(
            format!("{key}_critical").as_str(),
            extension.is_some_and(|extension| extension.critical),
        );
    }
    let id = |oid: &str, tag: u8, inside: bool| {
        let extension = extensions.iter().find(|extension| extension.oid == oid)?;
        let body = if inside { der::expect(&extension.value, tag::SEQUENCE)?.0 } else { &extension.value };
        let (id, _) = der::expect(body, tag)?;
        Some(id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
    };
    found.insert("subject_key_identifier", id(SUBJECT_KEY_ID, tag::OCTET_STRING, false));
    found.insert("authority_key_identifier", id(AUTHORITY_KEY_ID, 0x80, true));
}

fn key_usage(extension: &Extension) -> Value {
    let Some((content, _)) = der::expect(&extension.value, tag::BIT_STRING) else { return Value::Null };
    let is_set = |bit: usize| content.get(1 + bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
    let mut names: Vec<&str> =
        KEY_USAGES.iter().enumerate().filter(|(bit, _)| is_set(*bit)).map(|(_, names)| names.0).collect();
    names.sort_unstable();
    names.into_iter().map(Value::from).collect()
}

fn extended_key_usage(extension: &Extension) -> Value {
    let Some((mut rest, _)) = der::expect(&extension.value, tag::SEQUENCE) else { return Value::Null };
    let mut names = Vec::new();
    while let Some((content, more)) = der::expect(rest, tag::OID) {
        let encoded = der::tlv(tag::OID, content);
        let known = EXTENDED_KEY_USAGES.iter().find(|(.., oid)| der::known_oid(oid) == encoded);
        let dotted = || x509_parser::oid_registry::Oid::new(content.to_vec().into()).to_id_string();
        names.push(known.map_or_else(dotted, |(_, long, _)| (*long).to_owned()));
        rest = more;
    }
    names.sort();
    names.into_iter().map(Value::from).collect()
}

fn basic_constraints(extension: &Extension) -> Value {
    let Some((body, _)) = der::expect(&extension.value, tag::SEQUENCE) else { return Value::Null };
    let (authority, rest) = match der::expect(body, tag::BOOLEAN) {
        Some((flag, rest)) => (flag == [0xff], rest),
        None => (false, body),
    };
    let mut words = vec![Value::from(if authority { "CA:TRUE" } else { "CA:FALSE" })];
    if let Some((number, _)) = der::expect(rest, tag::INTEGER) {
        let number = number.iter().fold(0u64, |all, byte| (all << 8) | u64::from(*byte));
        words.push(format!("pathlen:{number}").into());
    }
    words.into()
}

fn alt_names(extension: &Extension) -> Value {
    let value = &extension.value;
    let Ok((_, names)) = x509_parser::extensions::SubjectAlternativeName::from_der(value) else {
        return Value::Null;
    };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::URI(name) => format!("URI:{name}"),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(v4), _) => format!("IP:{}", std::net::Ipv4Addr::from(v4)),
            (_, Ok(v6)) => format!("IP:{}", std::net::Ipv6Addr::from(v6)),
            _ => "IP:?".to_owned(),
        },
        GeneralName::RegisteredID(oid) => format!("RID:{}", oid.to_id_string()),
        other => format!("{other:?}"),
    };
    names.general_names.iter().map(|name| Value::from(text(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_written_in_decimal() {
        assert_eq!(decimal("ff"), "255");
        assert_eq!(decimal("01:00:00:00:00:00:00:00:00"), "18446744073709551616");
        assert_eq!(decimal("00"), "0");
    }

    #[test]
    fn usages_are_told_by_their_long_names() {
        let usage = Extension::new(KEY_USAGE, true, vec![3, 2, 5, 0xa0]);
        let names = ["Digital Signature", "Key Encipherment"].map(Value::from);
        assert_eq!(key_usage(&usage), names.into_iter().collect());
        let constraints = Extension::new(BASIC_CONSTRAINTS, true, vec![0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        assert_eq!(
            basic_constraints(&constraints),
            ["CA:TRUE", "pathlen:0"].map(Value::from).into_iter().collect()
        );
    }
}
