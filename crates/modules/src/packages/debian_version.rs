//! The order of Debian's version numbers (deb-version(7)).

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-revision]` as dpkg does.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Version::parse(a), Version::parse(b));
    a.epoch
        .cmp(&b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision))
}

struct Version<'a> {
    epoch: u64,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
            None => (0, text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, upstream, revision }
    }
}

/// Compares runs of other letters and runs of digits in turn.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (words_a, words_b) = (run(&mut a, |c| !c.is_ascii_digit()), run(&mut b, |c| !c.is_ascii_digit()));
        let order = compare_words(words_a, words_b);
        if order != Ordering::Equal {
            return order;
        }
        let (digits_a, digits_b) = (run(&mut a, |c| c.is_ascii_digit()), run(&mut b, |c| c.is_ascii_digit()));
        let (digits_a, digits_b) = (digits_a.trim_start_matches('0'), digits_b.trim_start_matches('0'));
        let order = digits_a.len().cmp(&digits_b.len()).then_with(|| digits_a.cmp(digits_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn run<'a>(text: &mut &'a str, of: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !of(c)).unwrap_or(text.len());
    let (found, rest) = text.split_at(end);
    *text = rest;
    found
}

/// A tilde sorts before the end, the end before letters, letters before everything else.
fn compare_words(a: &str, b: &str) -> Ordering {
    let rank = |c: Option<char>| match c {
        Some('~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        Some(c) => i64::from(u32::from(c)) + 256,
    };
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let (left, right) = (a.next(), b.next());
        match rank(left).cmp(&rank(right)) {
            Ordering::Equal if left.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            order => return order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        for (a, order, b) in [
            ("1.0", Ordering::Equal, "1.0"),
            ("1.0-1", Ordering::Less, "1.0-2"),
            ("1.9", Ordering::Less, "1.10"),
            ("1:0.1", Ordering::Greater, "9.9"),
            ("1.0~rc1", Ordering::Less, "1.0"),
            ("1.0~rc1-1", Ordering::Less, "1.0-0"),
            ("1.0+b1", Ordering::Greater, "1.0"),
            ("1.0a", Ordering::Less, "1.0+"),
            ("001", Ordering::Equal, "1"),
            ("5.2.15-2+b8", Ordering::Less, "5.2.15-2+b13"),
            ("1.0-1ubuntu1", Ordering::Greater, "1.0-1"),
            ("1.0", Ordering::Equal, "1.0-0"),
        ] {
            assert_eq!(compare(a, b), order, "{a} {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
        }
    }
}
