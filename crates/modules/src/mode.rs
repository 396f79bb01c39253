//! File modes as users write them: octal text, a number, or symbols as `chmod` reads them.

use data::Value;

use crate::Failure;

/// A mode to be set, perhaps relative to the mode that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// These permission bits.
    Bits(u32),
    /// Changes such as `u=rw,go+X`.
    Symbols(String),
}

/// The bits that a mode may have.
const PERMISSIONS: u32 = 0o7777;

impl FileMode {
    /// Reads the argument `mode`. A number is taken as it is (YAML has read `0644` as octal already), text as octal.
    ///
    /// # Errors
    /// Ansible's `mode must be in octal or symbolic form`.
    pub fn parse(value: &Value) -> Result<Self, Failure> {
        match value {
            Value::Int(number) => match u32::try_from(*number) {
                Ok(bits) if bits <= PERMISSIONS => Ok(Self::Bits(bits)),
                _ => {
                    let details = data::python::str(value);
                    Err(Failure::new("Invalid mode supplied, only permission info is allowed")
                        .with("details", details))
                }
            },
            Value::Str(text) => Self::parse_text(text.trim()),
            other => Err(wrong(&data::python::str(other))),
        }
    }

    fn parse_text(text: &str) -> Result<Self, Failure> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if let Ok(bits) = u32::from_str_radix(digits, 8) {
            return if bits <= PERMISSIONS {
                Ok(Self::Bits(bits))
            } else {
                let said = Failure::new("Invalid mode supplied, only permission info is allowed");
                Err(said.with("details", i64::from(bits)))
            };
        }
        // Tried on nothing, only to find mistakes now.
        apply_symbols(text, 0, false, 0)?;
        Ok(Self::Symbols(text.to_string()))
    }

    /// The permission bits to set where `current` are set now. `umask` limits clauses that name nobody (`+x`).
    pub fn bits(&self, current: u32, is_folder: bool, umask: u32) -> u32 {
        match self {
            Self::Bits(bits) => *bits,
            // Checked when it was parsed.
            Self::Symbols(text) => {
                apply_symbols(text, current & PERMISSIONS, is_folder, umask).unwrap_or(current)
            }
        }
    }
}

/// A mode as Ansible prints it: at least four digits with a leading zero.
pub fn octal(mode: u32) -> String {
    format!("0{:03o}", mode & PERMISSIONS)
}

fn wrong(text: &str) -> Failure {
    Failure::new("mode must be in octal or symbolic form")
        .with("details", format!("bad symbolic permission for mode: {text}"))
}

fn apply_symbols(text: &str, mut mode: u32, is_folder: bool, umask: u32) -> Result<u32, Failure> {
    for clause in text.split(',') {
        let operators = |c: char| "+-=".contains(c);
        let at = clause.find(operators).ok_or_else(|| wrong(clause))?;
        let (who, mut rest) = clause.split_at(at);
        if !who.chars().all(|c| "ugoa".contains(c)) {
            return Err(wrong(clause));
        }
        let everyone = who.is_empty() || who.contains('a');
        let masked = if who.is_empty() { !umask } else { PERMISSIONS };
        while let Some(operator) = rest.chars().next() {
            let after = &rest[1..];
            let end = after.find(operators).unwrap_or(after.len());
            let permissions = &after[..end];
            if !permissions.chars().all(|c| "rwxXstugo".contains(c)) {
                return Err(wrong(clause));
            }
            for class in "ugo".chars().filter(|class| everyone || who.contains(*class)) {
                let bits = class_bits(class, permissions, mode, is_folder, masked);
                mode = apply_operator(operator, class, bits, mode);
            }
            rest = &after[end..];
        }
    }
    Ok(mode)
}

/// How far the three bits of a class stand to the left, and its special bit.
fn class_place(class: char) -> (u32, u32) {
    match class {
        'u' => (6, 0o4000),
        'g' => (3, 0o2000),
        _ => (0, 0o1000),
    }
}

/// The bits that a clause's letters mean for one class.
fn class_bits(class: char, permissions: &str, mode: u32, is_folder: bool, masked: u32) -> u32 {
    let (shift, special) = class_place(class);
    permissions.chars().fold(0, |bits, letter| {
        bits | match letter {
            'r' => (4 << shift) & masked,
            'w' => (2 << shift) & masked,
            'x' => (1 << shift) & masked,
            'X' if is_folder || mode & 0o111 != 0 => 1 << shift,
            's' if class != 'o' => special,
            't' if class == 'o' => special,
            'u' | 'g' | 'o' => ((mode >> class_place(letter).0) & 7) << shift,
            _ => 0,
        }
    })
}

fn apply_operator(operator: char, class: char, bits: u32, mode: u32) -> u32 {
    let (shift, special) = class_place(class);
    match operator {
        '=' => (mode & !((7 << shift) | special)) | bits,
        '+' => mode | bits,
        _ => mode & !bits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str, current: u32, is_folder: bool) -> u32 {
        FileMode::parse(&Value::from(text)).unwrap().bits(current, is_folder, 0o022)
    }

    #[test]
    fn symbols_change_what_is_there() {
        for (text, current, is_folder, expected) in [
            ("u=rw,g=r,o=", 0o777, false, 0o640),
            ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755),
            ("+w", 0o444, false, 0o644),
            ("a+w", 0o444, false, 0o666),
            ("go-rwx", 0o755, false, 0o700),
            ("u=rwX,g=rX", 0o600, false, 0o640),
            ("u=rwX,g=rX,o=rX", 0o600, true, 0o755),
            ("a+X", 0o644, false, 0o644),
            ("a+X", 0o744, false, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("u+s,g+s,o+t", 0o755, false, 0o7755),
            ("u=rwxs", 0o644, false, 0o4744),
            ("u=rw-x+X,g=r-x+X,o=r-x+X", 0o755, false, 0o755),
        ] {
            assert_eq!(format!("{:o}", bits(text, current, is_folder)), format!("{expected:o}"), "{text}");
        }
    }

    #[test]
    fn octal_text_and_numbers_are_bits() {
        assert_eq!(bits("0644", 0, false), 0o644);
        assert_eq!(bits("1777", 0, true), 0o1777);
        assert_eq!(FileMode::parse(&Value::from(420)).unwrap(), FileMode::Bits(0o644));
        assert_eq!((octal(0o44), octal(0o1777)), ("0044".to_string(), "01777".to_string()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["rwx", "u=q", "z+x", "", "999"] {
            let failure = FileMode::parse(&Value::from(text)).unwrap_err();
            assert_eq!(failure.msg, "mode must be in octal or symbolic form", "{text}");
        }
        assert!(FileMode::parse(&Value::from(1_000_000)).is_err());
        assert!(FileMode::parse(&Value::from("100644")).is_err());
    }
}
