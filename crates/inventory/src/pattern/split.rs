//! Cuts a pattern into its parts. A colon separates parts only where it cannot belong to an address, a port or a range.

use crate::address::parse_address;

/// The parts of `pattern`, without blanks around them.
pub(crate) fn split_pattern(pattern: &str) -> Vec<String> {
    let parts: Vec<&str> = if pattern.contains(',') {
        pattern.split(',').collect()
    } else if parse_address(pattern).is_some() {
        vec![pattern]
    } else {
        split_at_colons(pattern)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Runs of anything but blanks and colons, where a complete `[...]` may hold both.
fn split_at_colons(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    while let Some(c) = pattern[at..].chars().next() {
        let bracketed = if c == '[' { pattern[at..].find(']') } else { None };
        let width = match c {
            '[' => bracketed.map(|close| close + 1),
            ']' | ':' => None,
            c if c.is_whitespace() => None,
            c => Some(c.len_utf8()),
        };
        match (width, start) {
            (Some(_), None) => start = Some(at),
            (None, Some(from)) => {
                parts.push(&pattern[from..at]);
                start = None;
            }
            _ => {}
        }
        at += width.unwrap_or(c.len_utf8());
    }
    parts.extend(start.map(|from| &pattern[from..]));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_win_and_colons_split_only_what_is_no_address() {
        for (pattern, parts) in [
            ("a,b[1], c[2:3] , d", vec!["a", "b[1]", "c[2:3]", "d"]),
            ("a,b[1], c[2:3] , d:e", vec!["a", "b[1]", "c[2:3]", "d:e"]),
            ("web:&staging:!db", vec!["web", "&staging", "!db"]),
            ("web[0:2]:db", vec!["web[0:2]", "db"]),
            ("web1:22", vec!["web1:22"]),
            ("2001:db8::1", vec!["2001:db8::1"]),
            ("a b", vec!["a", "b"]),
            ("", vec![]),
            ("a[b:c", vec!["a", "b", "c"]),
        ] {
            assert_eq!(split_pattern(pattern), parts, "{pattern}");
        }
    }
}
