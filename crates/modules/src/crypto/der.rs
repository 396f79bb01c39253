//! Writes and reads the distinguished encoding of ASN.1 (X.690), as far as keys, requests and certificates need it.

/// Tags in use.
pub(super) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// One value: tag, length, content.
pub(super) fn tlv(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=127 => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | bytes.len() as u8);
            out.extend(bytes);
        }
    }
    out.extend(content);
    out
}

/// A sequence of values that are encoded already.
pub(super) fn sequence<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    tlv(tag::SEQUENCE, joined(parts))
}

/// Values one after the other.
pub(super) fn joined<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    parts.into_iter().fold(Vec::new(), |mut all, part| {
        all.extend(part.as_ref());
        all
    })
}

/// A context-specific tag around values that are encoded already.
pub(super) fn explicit(number: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    tlv(0xa0 | number, content)
}

/// A whole number that is not negative, from its big-endian bytes.
pub(super) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut content = Vec::new();
    // The first bit is the sign.
    if bytes.first().is_none_or(|first| first & 0x80 != 0) {
        content.push(0);
    }
    content.extend(bytes);
    tlv(tag::INTEGER, content)
}

/// A small whole number.
pub(super) fn integer(number: u32) -> Vec<u8> {
    unsigned(&number.to_be_bytes())
}

/// A truth.
pub(super) fn boolean(flag: bool) -> Vec<u8> {
    tlv(tag::BOOLEAN, [if flag { 0xff } else { 0 }])
}

/// A string of whole bytes as bits.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, joined([&[0], bytes]))
}

/// An object identifier such as `2.5.29.17`; `None` if the text is none.
pub(super) fn oid(dotted: &str) -> Option<Vec<u8>> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().ok()).collect::<Option<_>>()?;
    let [first @ 0..=2, second, rest @ ..] = arcs.as_slice() else { return None };
    if *first < 2 && *second > 39 {
        return None;
    }
    let mut content = Vec::new();
    for arc in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
        let mut digits = vec![(arc & 0x7f) as u8];
        let mut left = arc >> 7;
        while left > 0 {
            digits.push(0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        content.extend(digits.iter().rev());
    }
    Some(tlv(tag::OID, content))
}

/// An object identifier that is known to be one.
pub(super) fn known_oid(dotted: &str) -> Vec<u8> {
    oid(dotted).expect("the identifier is written in the code")
}

/// The first value of some bytes: its tag, its content, and what follows. `None` if the bytes are not whole.
pub(super) fn read(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length > 127 {
        let count = length & 0x7f;
        if count == 0 || count > 4 {
            return None;
        }
        length = rest.get(..count)?.iter().fold(0, |all, byte| (all << 8) | usize::from(*byte));
        rest = rest.get(count..)?;
    }
    Some((*tag, rest.get(..length)?, rest.get(length..)?))
}

/// The content of the first value, if it has this tag, and what follows.
pub(super) fn expect(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    read(bytes).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_as_short_as_can_be() {
        assert_eq!(tlv(4, vec![7; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, vec![7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, vec![7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
    }

    #[test]
    fn identifiers_are_encoded_by_arcs() {
        assert_eq!(oid("1.2.840.10045.2.1").unwrap(), [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
        assert_eq!(oid("2.5.29.17").unwrap(), [6, 3, 0x55, 0x1d, 0x11]);
        for wrong in ["", "1", "1.x", "3.1", "1.40"] {
            assert_eq!(oid(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_broken_bytes_are_not() {
        let bytes = sequence([integer(5), boolean(true)]);
        let (content, rest) = expect(&bytes, tag::SEQUENCE).unwrap();
        assert!(rest.is_empty());
        assert_eq!(read(content).unwrap().1, [5]);
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None);
        }
        assert_eq!(read(&[4, 0x80]), None);
    }
}
