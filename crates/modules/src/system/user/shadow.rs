//! What `/etc/shadow` says about a user, and how a hash in it looks.

use std::fs;

use crate::process::{self, Command};
use crate::{Args, Context, Failure};

/// One line of the file; empty if it may not be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shadow {
    /// The hash, with a `!` before it if it is locked.
    pub(super) password: String,
    /// Fewest days between changes.
    pub(super) min: Option<i64>,
    /// Most days between changes.
    pub(super) max: Option<i64>,
    /// Days of warning.
    pub(super) warn: Option<i64>,
    /// Days until an account with an expired password is disabled.
    pub(super) inactive: Option<i64>,
    /// The day on which the account expires, counted from 1970.
    pub(super) expires: Option<i64>,
}

/// The user's line.
pub(super) fn read(name: &str) -> Shadow {
    parse(&fs::read_to_string("/etc/shadow").unwrap_or_default(), name)
}

fn parse(text: &str, name: &str) -> Shadow {
    let line = text.lines().find(|line| line.split(':').next() == Some(name)).unwrap_or_default();
    let fields: Vec<&str> = line.split(':').collect();
    let number = |index: usize| fields.get(index).and_then(|text| text.parse().ok());
    Shadow {
        password: fields.get(1).copied().unwrap_or_default().to_owned(),
        min: number(3),
        max: number(4),
        warn: number(5),
        inactive: number(6),
        expires: number(7),
    }
}

/// `chage` with what differs; `None` if nothing does.
pub(super) fn age_change(name: &str, args: &Args, context: &Context) -> Result<Option<Command>, Failure> {
    let ages = ["password_expire_min", "password_expire_max", "password_expire_warn"];
    if !ages.iter().any(|age| args.has(age)) {
        return Ok(None);
    }
    let shadow = read(name);
    let mut words = Vec::new();
    for (argument, (option, current)) in
        ages.iter().zip([("-m", shadow.min), ("-M", shadow.max), ("-W", shadow.warn)])
    {
        if let Some(days) = args.int(argument).filter(|days| Some(*days) != current) {
            words.extend([option.to_owned(), days.to_string()]);
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(Command::new(process::require_program("chage", context)?).args(words).arg(name)))
}

/// Whether a text could be a hash: one of crypt(5)'s forms with a digest of the right length, or a mark that disables the account.
pub(super) fn looks_hashed(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return true;
    }
    let fields: Vec<&str> = password.split('$').collect();
    let digest = fields.last().copied().unwrap_or_default();
    let length = match fields.get(1).copied() {
        Some("1") => 22,
        Some("5" | "y") => 43,
        Some("6") => 86,
        _ => digest.len(),
    };
    let plain = digest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '='));
    fields.len() >= 3 && digest.len() == length && plain && !password.contains([':', '*', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_by_its_fields() {
        let found = parse("root:*:1:0:9::::\nann:$6$s$h:19000:1:90:7:14:20000:\n", "ann");
        assert_eq!(found.password, "$6$s$h");
        assert_eq!(
            (found.min, found.max, found.warn, found.inactive, found.expires),
            (Some(1), Some(90), Some(7), Some(14), Some(20000))
        );
        assert_eq!(parse("", "ann"), Shadow::default());
    }

    #[test]
    fn hashes_are_told_from_clear_text() {
        let sha512 = format!("$6$salt${}", "a".repeat(86));
        for (password, hashed) in [
            (sha512.as_str(), true),
            ("*", true),
            ("!", true),
            ("secret", false),
            ("$6$salt$short", false),
            ("$6$sa:lt$x", false),
            ("$2b$12$abcdefghijklmnopqrstuuNMJ1Zl6m1kU4qL0Q4a8pQ6Zx2P1kU4q", true),
        ] {
            assert_eq!(looks_hashed(password), hashed, "{password}");
        }
    }
}
