//! A command line's words, parted and unquoted as Python's `shlex.split` does it.

use crate::Failure;

/// Splits a line into words.
///
/// # Errors
/// For a quotation that does not end, and for a backslash at the end.
pub fn split(line: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => word
                .get_or_insert_default()
                .push(chars.next().ok_or_else(|| Failure::new("No escaped character"))?),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut std::str::Chars, word: &mut String) -> Result<(), Failure> {
    for c in chars {
        match c {
            '\'' => return Ok(()),
            other => word.push(other),
        }
    }
    Err(Failure::new("No closing quotation"))
}

/// Between double quotes a backslash is special only before a quote and itself.
fn double_quoted(chars: &mut std::str::Chars, word: &mut String) -> Result<(), Failure> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some(special @ ('"' | '\\')) => word.push(special),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            other => word.push(other),
        }
    }
    Err(Failure::new("No closing quotation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_part_as_in_pythons_shlex() {
        for (line, words) in [
            ("a  b\tc\n", vec!["a", "b", "c"]),
            (r#"a 'b c' "d e" f\ g"#, vec!["a", "b c", "d e", "f g"]),
            (r#"x"y"'z'"#, vec!["xyz"]),
            (r#""a\"b\\c\d""#, vec![r#"a"b\c\d"#]),
            ("'' \"\"", vec!["", ""]),
            ("a#b # c", vec!["a#b", "#", "c"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for line in ["'a", "\"a", "\"a\\"] {
            assert_eq!(split(line).unwrap_err().msg, "No closing quotation", "{line}");
        }
    }
}
