//! Python's `fnmatch`: `*`, `?` and `[...]`; nothing else is special, and a slash is a letter like others.

/// Whether the whole of `name` matches the pattern.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and how far the name had come: a star takes one letter more each time the rest does not fit.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let fits = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => set(&pattern[p..], name[n]).map_or_else(
                || (name[n] == '[').then_some(p + 1),
                |(fits, length)| fits.then_some(p + length),
            ),
            Some(letter) => (*letter == name[n]).then_some(p + 1),
            None => None,
        };
        match (fits, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((at, taken))) => {
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

/// Whether a letter is in the set that begins here, and the set's length; `None` if it never ends and is no set.
fn set(pattern: &[char], letter: char) -> Option<(bool, usize)> {
    let not = pattern.get(1) == Some(&'!');
    let first = if not { 2 } else { 1 };
    // A bracket right at the beginning is a letter of the set.
    let end = first + 1 + pattern.get(first + 1..)?.iter().position(|c| *c == ']')?;
    let letters = &pattern[first..end];
    let mut at = 0;
    let mut found = false;
    while at < letters.len() {
        if at + 2 < letters.len() && letters[at + 1] == '-' {
            found |= (letters[at]..=letters[at + 2]).contains(&letter);
            at += 3;
        } else {
            found |= letters[at] == letter;
            at += 1;
        }
    }
    Some((found != not, end + 1))
}

/// Whether the text has a letter that makes it a pattern.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', ']', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_python() {
        for (pattern, name, is) in [
            ("a*", "abc", true),
            ("a*", "a/b", true),
            ("*", "", true),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcbde", false),
            ("a?c", "abc", true),
            ("a?", "a", false),
            ("[ab]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[a-c]", "b", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[a", "[a", true),
            ("{a}", "{a}", true),
            ("{a,b}", "a", false),
            ("a.b", "axb", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!matches(&"*a".repeat(30), &"b".repeat(3000)));
    }
}
