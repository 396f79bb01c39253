//! Distinguished names: who a certificate is about.

use super::der::{self, tag};
use crate::Failure;

/// Attributes: short name, long name, identifier.
const ATTRIBUTES: [(&str, &str, &str); 16] = [
    ("C", "countryName", "2.5.4.6"),
    ("ST", "stateOrProvinceName", "2.5.4.8"),
    ("L", "localityName", "2.5.4.7"),
    ("O", "organizationName", "2.5.4.10"),
    ("OU", "organizationalUnitName", "2.5.4.11"),
    ("CN", "commonName", "2.5.4.3"),
    ("E", "emailAddress", "1.2.840.113549.1.9.1"),
    ("SN", "surname", "2.5.4.4"),
    ("GN", "givenName", "2.5.4.42"),
    ("title", "title", "2.5.4.12"),
    ("initials", "initials", "2.5.4.43"),
    ("street", "streetAddress", "2.5.4.9"),
    ("postalCode", "postalCode", "2.5.4.17"),
    ("serialNumber", "serialNumber", "2.5.4.5"),
    ("UID", "userId", "0.9.2342.19200300.100.1.1"),
    ("DC", "domainComponent", "0.9.2342.19200300.100.1.25"),
];

/// The identifier of an attribute: by its short or long name, or as it is.
pub(super) fn identifier(name: &str) -> Result<&str, Failure> {
    let known = ATTRIBUTES.iter().find(|(short, long, _)| *short == name || *long == name);
    match known {
        Some((.., oid)) => Ok(oid),
        None if der::oid(name).is_some() => Ok(name),
        None => Err(Failure::new(format!("Cannot find OID for subject field `{name}`"))),
    }
}

/// The long name of an identifier, or the identifier itself.
pub(super) fn long_name(oid: &str) -> &str {
    ATTRIBUTES.iter().find(|(.., known)| *known == oid).map_or(oid, |(_, long, _)| long)
}

/// The name of an identifier in results of requests: short, but for mail addresses.
pub(super) fn shown_name(oid: &str) -> &str {
    let known = ATTRIBUTES.iter().find(|(.., known)| *known == oid);
    known.map_or(oid, |(short, long, _)| if *short == "E" { long } else { short })
}

/// A name from pairs of identifier and text, in their order.
pub(super) fn encode(entries: &[(String, String)]) -> Result<Vec<u8>, Failure> {
    let mut parts = Vec::new();
    for (oid, text) in entries {
        let kind = match oid.as_str() {
            "2.5.4.6" if text.chars().count() != 2 => {
                return Err(Failure::new(format!(
                    "Country name must be a 2 character country code, not `{text}`"
                )));
            }
            "2.5.4.6" | "2.5.4.5" => tag::PRINTABLE_STRING,
            "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => tag::IA5_STRING,
            _ => tag::UTF8_STRING,
        };
        let id = der::oid(oid).ok_or_else(|| Failure::new(format!("`{oid}` is no object identifier")))?;
        parts.push(der::tlv(tag::SET, der::sequence([id, der::tlv(kind, text)])));
    }
    Ok(der::sequence(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_identifiers_find_each_other() {
        assert_eq!(identifier("CN").unwrap(), "2.5.4.3");
        assert_eq!(identifier("organizationName").unwrap(), "2.5.4.10");
        assert_eq!(identifier("2.5.4.97").unwrap(), "2.5.4.97");
        assert!(identifier("nonsense").unwrap_err().msg.contains("`nonsense`"));
        assert_eq!(long_name("2.5.4.3"), "commonName");
    }

    #[test]
    fn a_country_has_two_letters() {
        let country = |text: &str| encode(&[("2.5.4.6".to_owned(), text.to_owned())]);
        assert!(country("DE").is_ok());
        assert!(country("Germany").is_err());
    }
}
