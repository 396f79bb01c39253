//! Python's regular expressions: what `re` understands, said in the words of the engine below, and its replacement templates.

use fancy_regex::{Regex, RegexBuilder};

/// The groups of a match in text.
pub type Captures<'t> = fancy_regex::Captures<'t, str>;

/// Python's flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PatternFlags {
    /// `re.IGNORECASE`
    pub ignore_case: bool,
    /// `re.MULTILINE`
    pub multiline: bool,
    /// `re.DOTALL`
    pub dot_all: bool,
    /// Whether the whole text must match, as for `re.fullmatch`.
    pub whole: bool,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// A pattern or a replacement that Python would not accept, or one that takes too long to match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Compiles a pattern without flags.
    ///
    /// # Errors
    /// If it is not a regular expression.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        Self::with_flags(pattern, PatternFlags::default())
    }

    /// Compiles a pattern with flags; those in the pattern itself (`(?m)`) are added.
    ///
    /// # Errors
    /// If it is not a regular expression.
    pub fn with_flags(pattern: &str, flags: PatternFlags) -> Result<Self, PatternError> {
        let (flags, verbose, body) = leading_flags(pattern, flags);
        let offset = pattern.chars().count() - body.chars().count();
        check_groups(body, offset)?;
        let mut translated = translate(body, flags.multiline, offset)?;
        if flags.whole {
            translated = format!(r"\A(?:{translated})\z");
        }
        RegexBuilder::new(&translated)
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multiline)
            .dot_matches_new_line(flags.dot_all)
            .verbose_mode(verbose)
            .build()
            .map(|regex| Self { regex })
            .map_err(|error| PatternError(error.to_string()))
    }

    /// The engine's own form, for searching in other ways.
    pub fn regex(&self) -> &Regex {
        &self.regex
    }

    /// `re.search(...) is not None`
    ///
    /// # Errors
    /// If matching takes too long.
    pub fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        self.regex.is_match(text).map_err(too_long)
    }

    /// `re.search`
    ///
    /// # Errors
    /// If matching takes too long.
    pub fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, PatternError> {
        self.regex.captures(text).map_err(too_long)
    }

    /// Hands the matches on as `re.finditer` gives them, until `step` refuses one: an empty match may follow another at once.
    ///
    /// # Errors
    /// If matching takes too long; inside that, what `step` gave.
    pub fn each<'t, E>(
        &self,
        text: &'t str,
        mut step: impl FnMut(Captures<'t>) -> Result<(), E>,
    ) -> Result<Result<(), E>, PatternError> {
        let mut at = 0;
        while at <= text.len() {
            let Some(found) = self.regex.captures_from_pos(text, at).map_err(too_long)? else { break };
            let Some(whole) = found.get(0) else { break };
            let next = text[whole.end()..].chars().next().map_or(1, char::len_utf8);
            at = if whole.start() == whole.end() { whole.end() + next } else { whole.end() };
            if let Err(refusal) = step(found) {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    /// Whether Python would take this text as a replacement.
    ///
    /// # Errors
    /// For an escape that Python does not know and a group that the pattern does not have.
    pub fn check_replacement(&self, template: &str) -> Result<(), PatternError> {
        check_replacement(template)?;
        let chars: Vec<char> = template.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            if chars[at] != '\\' {
                at += 1;
                continue;
            }
            match chars.get(at + 1) {
                Some('g') => {
                    let name: String = chars[at + 2..].iter().skip(1).take_while(|c| **c != '>').collect();
                    self.check_group(&name, at + 3)?;
                    at += 3 + name.chars().count();
                }
                Some('1'..='9') => {
                    let digits = chars[at + 1..].iter().take(2).take_while(|c| c.is_ascii_digit());
                    let number: String = digits.collect();
                    // Three octal digits are a character.
                    let octal =
                        chars[at + 1..].iter().take(3).filter(|c| ('0'..='7').contains(*c)).count() == 3;
                    if !octal {
                        self.check_group(&number, at + 1)?;
                    }
                    at += 2;
                }
                _ => at += 2,
            }
        }
        Ok(())
    }

    fn check_group(&self, name: &str, at: usize) -> Result<(), PatternError> {
        match name.parse::<usize>() {
            Ok(number) if number >= self.regex.captures_len() => {
                Err(PatternError(format!("invalid group reference {number} at position {at}")))
            }
            Err(_) if !self.regex.capture_names().flatten().any(|known| known == name) => {
                Err(PatternError(format!("unknown group name '{name}'")))
            }
            _ => Ok(()),
        }
    }

    /// `re.subn`: the text with up to `limit` matches replaced (0 means all), and how many were.
    ///
    /// # Errors
    /// If the replacement names a group that is not there, or matching takes too long.
    pub fn replace(
        &self,
        text: &str,
        replacement: &str,
        limit: usize,
    ) -> Result<(String, usize), PatternError> {
        Ok(self.replace_within(text, replacement, limit, usize::MAX)?.unwrap_or_default())
    }

    /// As [`Self::replace`], for a result of so many bytes at most; `None` if it would be longer.
    ///
    /// # Errors
    /// As there.
    pub fn replace_within(
        &self,
        text: &str,
        replacement: &str,
        limit: usize,
        most: usize,
    ) -> Result<Option<(String, usize)>, PatternError> {
        self.check_replacement(replacement)?;
        let (mut out, mut count, mut copied, mut at) = (String::with_capacity(text.len()), 0, 0, 0);
        while (limit == 0 || count < limit) && at <= text.len() {
            let Some(found) = self.regex.captures_from_pos(text, at).map_err(too_long)? else { break };
            let Some(whole) = found.get(0) else { break };
            out.push_str(&text[copied..whole.start()]);
            out.push_str(&expand(replacement, &found)?);
            if out.len() > most {
                return Ok(None);
            }
            (copied, count) = (whole.end(), count + 1);
            // An empty match moves on by a character, so that the next one is another.
            let step = text[whole.end()..].chars().next().map_or(1, char::len_utf8);
            at = if whole.start() == whole.end() { whole.end() + step } else { whole.end() };
        }
        out.push_str(&text[copied..]);
        Ok(Some((out, count)))
    }
}

fn too_long(error: fancy_regex::Error) -> PatternError {
    PatternError(error.to_string())
}

/// `match.expand(template)`: `\1`, `\g<1>`, `\g<name>` and Python's escapes.
///
/// # Errors
/// For a group that is not there and for an escape that Python does not know.
pub fn expand(template: &str, found: &Captures) -> Result<String, PatternError> {
    let mut out = String::with_capacity(template.len());
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => return Err(PatternError("bad escape (end of pattern)".to_string())),
            Some('g') => {
                if chars.next() != Some('<') {
                    return Err(PatternError("missing <".to_string()));
                }
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                out.push_str(group(found, &name)?);
            }
            Some('0') => {
                let mut code = 0;
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                out.extend(char::from_u32(code));
            }
            Some(first) if first.is_ascii_digit() => {
                let mut name = first.to_string();
                if let Some(second) = chars.next_if(char::is_ascii_digit) {
                    name.push(second);
                }
                out.push_str(group(found, &name)?);
            }
            Some(letter) => match escaped_char(letter) {
                Some(meant) => out.push(meant),
                None if letter.is_ascii_alphabetic() => {
                    return Err(PatternError(format!("bad escape \\{letter}")));
                }
                None => out.extend(['\\', letter]),
            },
        }
    }
    Ok(out)
}

/// Whether Python would take this text as a replacement, as far as that can be told without a match.
///
/// # Errors
/// For an escape that Python does not know.
pub fn check_replacement(template: &str) -> Result<(), PatternError> {
    let mut chars = template.chars().enumerate();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        match chars.next().map(|(_, letter)| letter) {
            None => return Err(PatternError(format!("bad escape (end of pattern) at position {at}"))),
            Some(letter)
                if letter != 'g' && letter.is_ascii_alphabetic() && escaped_char(letter).is_none() =>
            {
                return Err(PatternError(format!("bad escape \\{letter} at position {at}")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// A group's text; empty for one that took no part in the match.
fn group<'t>(found: &Captures<'t>, name: &str) -> Result<&'t str, PatternError> {
    let part = match name.parse::<usize>() {
        Ok(number) if number < found.len() => found.get(number),
        Ok(number) => return Err(PatternError(format!("invalid group reference {number}"))),
        // A name that took no part cannot be told from one that does not exist; both are empty.
        Err(_) => found.name(name),
    };
    Ok(part.map_or("", |part| part.as_str()))
}

fn escaped_char(letter: char) -> Option<char> {
    Some(match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        '\\' => '\\',
        _ => return None,
    })
}

/// Takes `(?ims)` off the front; those flags change how the rest is translated.
fn leading_flags(pattern: &str, mut flags: PatternFlags) -> (PatternFlags, bool, &str) {
    let named = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    let Some((letters, body)) = named.filter(|(letters, _)| {
        !letters.is_empty() && letters.chars().all(|letter| "aiLmsux".contains(letter))
    }) else {
        return (flags, false, pattern);
    };
    flags.ignore_case |= letters.contains('i');
    flags.multiline |= letters.contains('m');
    flags.dot_all |= letters.contains('s');
    (flags, letters.contains('x'), body)
}

/// Where Python and the engine below mean different things by the same characters, or only Python understands them.
fn translate(pattern: &str, multiline: bool, offset: usize) -> Result<String, PatternError> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let chars: Vec<char> = pattern.chars().collect();
    let (mut at, mut class_start) = (0, None);
    while at < chars.len() {
        let (c, rest) = (chars[at], &chars[at + 1..]);
        at += 1;
        match (c, class_start) {
            ('\\', _) => {
                check_escape(rest, class_start.is_some(), offset + at - 1)?;
                at += translate_escape(rest, class_start.is_some(), &mut out);
            }
            ('[', None) => {
                class_start = Some(at + usize::from(rest.first() == Some(&'^')));
                out.push('[');
            }
            (']', Some(start)) if at - 1 > start => {
                class_start = None;
                out.push(']');
            }
            // Sets within sets are not Python's.
            ('[' | '&' | '~' | ']', Some(_)) => out.extend(['\\', c]),
            // Python's `$` also matches before a newline at the end.
            ('$', None) if !multiline => out.push_str(r"(?=\n?\z)"),
            ('{', None) if !is_repetition(rest) => out.push_str(r"\{"),
            ('{', None) if rest.first() == Some(&',') => out.push_str("{0"),
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// Python knows few escapes of letters and refuses all others.
fn check_escape(rest: &[char], in_class: bool, at: usize) -> Result<(), PatternError> {
    let known = if in_class { "abfnrtvxuUNdDsSwW" } else { "abfnrtvxuUNdDsSwWABZ" };
    match rest.first() {
        None => Err(PatternError(format!("bad escape (end of pattern) at position {at}"))),
        Some(c) if c.is_ascii_alphabetic() && !known.contains(*c) => {
            Err(PatternError(format!("bad escape \\{c} at position {at}")))
        }
        Some(_) => Ok(()),
    }
}

/// What Python refuses about groups and the engine below takes: a name given twice, and `(?<name>`.
fn check_groups(pattern: &str, offset: usize) -> Result<(), PatternError> {
    let chars: Vec<char> = pattern.chars().collect();
    let (mut at, mut count, mut in_class) = (0, 0, false);
    let mut names: Vec<(String, usize)> = Vec::new();
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '[' if !in_class => {
                in_class = true;
                // A bracket at once is one of the set.
                at += usize::from(chars.get(at + 1) == Some(&'^'));
                at += usize::from(chars.get(at + 1) == Some(&']'));
            }
            ']' => in_class = false,
            '(' if !in_class && chars.get(at + 1) != Some(&'?') => count += 1,
            '(' if !in_class && chars[at..].starts_with(&['(', '?', 'P', '<']) => {
                count += 1;
                let name: String = chars[at + 4..].iter().take_while(|c| **c != '>').collect();
                if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
                    let at = offset + at + 4;
                    return Err(PatternError(format!(
                        "redefinition of group name '{name}' as group {count}; was group {first} at position {at}"
                    )));
                }
                names.push((name, count));
            }
            '(' if !in_class && chars[at..].starts_with(&['(', '?', '<']) => {
                if let Some(other) = chars.get(at + 3).filter(|c| !matches!(c, '=' | '!')) {
                    let at = offset + at + 1;
                    return Err(PatternError(format!("unknown extension ?<{other} at position {at}")));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The characters after a backslash; gives how many were taken.
fn translate_escape(rest: &[char], in_class: bool, out: &mut String) -> usize {
    let Some(&c) = rest.first() else {
        out.push('\\');
        return 0;
    };
    match c {
        'Z' if !in_class => out.push_str(r"\z"),
        'u' | 'U' => {
            let length = if c == 'u' { 4 } else { 8 };
            let digits: String = rest.iter().skip(1).take(length).collect();
            out.push_str(&format!("\\x{{{digits}}}"));
            return 1 + digits.chars().count();
        }
        // An octal number: after a zero, in a set, or of three digits.
        '0'..='7'
            if c == '0'
                || in_class
                || rest.iter().take(3).filter(|c| ('0'..='7').contains(*c)).count() == 3 =>
        {
            let length = rest.iter().take(3).take_while(|c| ('0'..='7').contains(*c)).count();
            let code = rest[..length].iter().fold(0, |code, digit| code * 8 + digit.to_digit(8).unwrap_or(0));
            out.push_str(&format!("\\x{{{code:x}}}"));
            return length;
        }
        // A word boundary to the engine, plain characters to Python; others are plain to both but not always accepted.
        '<' | '>' | '"' | '\'' | '%' | '@' | ':' | '!' | ',' | ';' | '=' | '_' | '`' => out.push(c),
        '/' => out.push('/'),
        ' ' => out.push_str(r"\x20"),
        _ => out.extend(['\\', c]),
    }
    1
}

/// Whether what follows a brace makes it a repetition: `3}`, `3,}`, `,5}`, `3,5}`.
fn is_repetition(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|c| *c == '}') else { return false };
    let inside = &rest[..end];
    inside.iter().any(char::is_ascii_digit)
        && inside.iter().all(|c| c.is_ascii_digit() || *c == ',')
        && inside.iter().filter(|c| **c == ',').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().is_match(text).unwrap()
    }

    #[test]
    fn a_dollar_matches_before_the_last_newline() {
        for (pattern, text, expected) in [
            ("^a$", "a\n", true),
            ("^a$", "a\n\n", false),
            ("^a$", "a\nb", false),
            ("(?m)^a$", "a\nb", true),
            (r"a\Z", "a\n", false),
            ("[$]", "$", true),
            (r"a\$", "a$", true),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern} in {text:?}");
        }
    }

    #[test]
    fn python_only_forms_are_understood() {
        for (pattern, text) in [
            ("{{ x }}", "{{ x }}"),
            ("a{,2}b", "aab"),
            ("[[]a[]]", "[a]"),
            ("[]x]", "]"),
            ("[^]x]", "y"),
            ("[a&&b]", "&"),
            (r"\<b\>", "<b>"),
            (r"\'\/\ \_", "'/ _"),
            (r"\u00e9", "é"),
            ("(?P<q>['\"]).*(?P=q)", "'x'"),
            (r"(?<!a)b", "cb"),
            (r"(a)\1", "aa"),
            ("(?i)ABC", "abc"),
        ] {
            assert!(found(pattern, text), "{pattern} in {text:?}");
        }
    }

    #[test]
    fn replacements_are_pythons() {
        for (pattern, replacement, text, expected) in [
            ("(a)(b)", r"\2\1", "ab", "ba"),
            ("(?P<x>a)", r"<\g<x>\g<1>>", "a", "<aa>"),
            ("a", r"\n\t\\", "a", "\n\t\\"),
            ("a|(b)", r"[\1]", "ab", "[][b]"),
            ("x*", "-", "abxd", "-a-b--d-"),
            ("^", "# ", "a\nb", "# a\nb"),
            ("a", "$1", "a", "$1"),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().replace(text, replacement, 0).unwrap().0,
                expected,
                "{pattern}"
            );
        }
        assert_eq!(Pattern::new("a").unwrap().replace("aaa", "b", 2).unwrap(), ("bba".to_string(), 2));
        assert!(Pattern::new("a").unwrap().replace("a", r"\1", 0).is_err());
        assert!(Pattern::new("a").unwrap().replace("a", r"\q", 0).is_err());
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error() {
        assert!(Pattern::new("(a").is_err());
        assert!(Pattern::new("*a").is_err());
    }
}
