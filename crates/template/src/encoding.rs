//! Encodings of text besides UTF-8 that Ansible's options name: of tables that lookups read, and of files that `template` writes.

/// An encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    Latin9,
    Windows1252,
}

/// What Windows-1252 has where ISO 8859-1 has control characters; five places stay empty.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// What ISO 8859-15 has in place of signs of ISO 8859-1.
const LATIN9: [(u8, char); 8] =
    [(0xA4, '€'), (0xA6, 'Š'), (0xA8, 'š'), (0xB4, 'Ž'), (0xB8, 'ž'), (0xBC, 'Œ'), (0xBD, 'œ'), (0xBE, 'Ÿ')];

impl Encoding {
    /// By a name that Python knows it by.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let bare: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match bare.as_str() {
            "utf8" | "u8" | "utf8sig" => Self::Utf8,
            "ascii" | "usascii" | "646" => Self::Ascii,
            "latin1" | "latin" | "l1" | "iso88591" | "88591" | "cp819" => Self::Latin1,
            "latin9" | "l9" | "iso885915" => Self::Latin9,
            "cp1252" | "windows1252" | "1252" => Self::Windows1252,
            _ => return None,
        })
    }

    /// The character of a byte, for encodings of one byte a character.
    pub(crate) fn char_of(self, byte: u8) -> char {
        match self {
            Self::Windows1252 if (0x80..0xA0).contains(&byte) => WINDOWS[usize::from(byte) - 0x80],
            Self::Latin9 => {
                LATIN9.iter().find(|(known, _)| *known == byte).map_or(char::from(byte), |(_, c)| *c)
            }
            _ => char::from(byte),
        }
    }

    fn byte_of(self, c: char) -> Option<u8> {
        let last = if self == Self::Ascii { 0x7F } else { 0xFF };
        (0..=last).find(|byte| self.char_of(*byte) == c)
    }
}

/// A text's bytes in an encoding.
///
/// # Errors
/// The encoding is unknown or has no such character; in Python's words.
pub fn encode(text: &str, encoding: &str) -> Result<Vec<u8>, String> {
    match Encoding::named(encoding) {
        None => Err(format!("unknown encoding: {encoding}")),
        Some(Encoding::Utf8) => Ok(data::python::bytes_of_text(text)),
        Some(known) => {
            let bytes = text.chars().enumerate().map(|(at, c)| {
                known.byte_of(c).ok_or_else(|| {
                    format!("'{encoding}' codec can't encode character '{c}' in position {at}: ordinal not in range")
                })
            });
            bytes.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_into_an_encoding_and_back() {
        assert_eq!(encode("é€", "windows-1252").unwrap(), [0xE9, 0x80]);
        assert_eq!(encode("é€", "ISO-8859-15").unwrap(), [0xE9, 0xA4]);
        assert_eq!(encode("é", "latin-1").unwrap(), [0xE9]);
        assert_eq!(encode("é", "utf_8").unwrap(), "é".as_bytes());
        assert!(
            encode("€", "latin-1").is_err()
                && encode("é", "ascii").is_err()
                && encode("x", "klingon").is_err()
        );
        for name in ["latin1", "latin9", "cp1252"] {
            let known = Encoding::named(name).unwrap();
            assert!((0..=255).all(|byte| known.byte_of(known.char_of(byte)) == Some(byte)), "{name}");
        }
    }
}
