//! The order of RPM's version numbers (`rpmvercmp` of rpm 4.18).

use std::cmp::Ordering;

/// Compares epoch, version and release; a release that one side does not name is not compared.
pub(in crate::packages) fn compare_evr(a: (u64, &str, &str), b: (u64, &str, &str)) -> Ordering {
    let releases = || if a.2.is_empty() || b.2.is_empty() { Ordering::Equal } else { compare_part(a.2, b.2) };
    a.0.cmp(&b.0).then_with(|| compare_part(a.1, b.1)).then_with(releases)
}

/// Compares two versions or two releases: runs of digits as numbers, runs of letters as text, everything else separates. A tilde sorts
/// before the end, a caret after it but before anything else.
pub(in crate::packages) fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        a = skip_separators(a);
        b = skip_separators(b);
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) => (a, b) = (&a[1..], &b[1..]),
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), Some(b'^')) => (a, b) = (&a[1..], &b[1..]),
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(first), Some(other)) if first.is_ascii_digit() != other.is_ascii_digit() => {
                // Numbers are newer than letters.
                return if first.is_ascii_digit() { Ordering::Greater } else { Ordering::Less };
            }
            (Some(first), Some(_)) => {
                let digits = first.is_ascii_digit();
                let (left, rest_a) = run(a, digits);
                let (right, rest_b) = run(b, digits);
                let order = if digits { compare_digits(left, right) } else { left.cmp(right) };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
        }
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|c| c.is_ascii_alphanumeric() || matches!(c, b'~' | b'^'));
    &text[start.unwrap_or(text.len())..]
}

fn run(text: &[u8], digits: bool) -> (&[u8], &[u8]) {
    let fits = |c: &u8| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
    text.split_at(text.iter().position(|c| !fits(c)).unwrap_or(text.len()))
}

fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    let plain = |text: &'_ [u8]| text.iter().position(|c| *c != b'0').unwrap_or(text.len());
    let (a, b) = (&a[plain(a)..], &b[plain(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases of rpm's own test suite (tests/rpmvercmp.at of rpm 4.18).
    #[test]
    fn versions_are_ordered_as_rpm_orders_them() {
        for (a, order, b) in [
            ("1.0", Ordering::Equal, "1.0"),
            ("1.0", Ordering::Less, "2.0"),
            ("2.0.1", Ordering::Equal, "2.0.1"),
            ("2.0", Ordering::Less, "2.0.1"),
            ("2.0.1a", Ordering::Greater, "2.0.1"),
            ("5.5p1", Ordering::Less, "5.5p2"),
            ("5.5p10", Ordering::Greater, "5.5p1"),
            ("10xyz", Ordering::Less, "10.1xyz"),
            ("xyz10", Ordering::Less, "xyz10.1"),
            ("xyz.4", Ordering::Less, "8"),
            ("1.05", Ordering::Equal, "1.5"),
            ("2_0", Ordering::Equal, "2.0"),
            ("1.0~rc1", Ordering::Less, "1.0"),
            ("1.0~rc1", Ordering::Less, "1.0~rc2"),
            ("1.0^", Ordering::Greater, "1.0"),
            ("1.0^git1", Ordering::Less, "1.01"),
            ("1.0^20160101", Ordering::Less, "1.0.1"),
            ("1.0~rc1^git1", Ordering::Greater, "1.0~rc1"),
            ("1.0^git1~pre", Ordering::Less, "1.0^git1"),
        ] {
            assert_eq!(compare_part(a, b), order, "{a} {b}");
            assert_eq!(compare_part(b, a), order.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn an_epoch_decides_first_and_a_missing_release_not_at_all() {
        assert_eq!(compare_evr((1, "1.0", "1"), (0, "2.0", "1")), Ordering::Greater);
        assert_eq!(compare_evr((0, "1.0", "7"), (0, "1.0", "")), Ordering::Equal);
    }
}
