//! From a character inside a scalar's text back to the byte of the user's file that wrote it, through quotes, escapes and folded lines.

use crate::Text;

/// The byte in the source of `text` that wrote the byte `offset` of its characters; `None` when the text has no place.
///
/// A text whose place covers exactly its characters (hosts.ini, the command line, most plain scalars) maps one to one. Others are read
/// again in the style that the source shows. An offset at the end gives the byte after the last character.
pub fn scalar_offset(text: &Text, offset: usize) -> Option<usize> {
    let place = text.place()?;
    let written = place.text();
    let start = place.span.start as usize;
    let offset = offset.min(text.len());
    if written == text.as_str() {
        return Some(start + offset);
    }
    let properties = properties_length(written);
    let body = &written[properties..];
    let inside = match body.as_bytes().first() {
        Some(b'|' | b'>') => block(body, text, offset),
        Some(b'\'') => flow(body, 1, &single_quoted, text, offset),
        Some(b'"') => flow(body, 1, &double_quoted, text, offset),
        _ => flow(body, 0, &plain, text, offset),
    };
    Some(start + properties + inside)
}

/// The bytes of tag and anchor, with the blanks and line breaks after them.
fn properties_length(written: &str) -> usize {
    let mut rest = written;
    while rest.starts_with(['!', '&']) {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
    }
    written.len() - rest.len()
}

/// How many bytes of the source the next character takes, in a style.
type Step = dyn Fn(&str) -> usize;

fn first_char(rest: &str) -> usize {
    rest.chars().next().map_or(0, char::len_utf8)
}

fn plain(rest: &str) -> usize {
    first_char(rest)
}

fn single_quoted(rest: &str) -> usize {
    if rest.starts_with("''") { 2 } else { first_char(rest) }
}

fn double_quoted(rest: &str) -> usize {
    let Some(escape) = rest.strip_prefix('\\') else { return first_char(rest) };
    let width = match escape.as_bytes().first() {
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        _ => 1 + first_char(escape),
    };
    width.min(rest.len())
}

/// Plain and quoted scalars: a line break with the blanks around it was folded to a space or to line breaks.
fn flow(body: &str, from: usize, step: &Step, text: &Text, offset: usize) -> usize {
    let mut at = from.min(body.len());
    let mut done = 0;
    while done < offset {
        let rest = &body[at..];
        let escaped = if rest.starts_with("\\\n") || rest.starts_with("\\\r\n") { 1 } else { 0 };
        let blanks = rest[escaped..].len() - rest[escaped..].trim_start().len();
        if rest[escaped..escaped + blanks].contains('\n') {
            // An escaped line break gives no character; another gives one space or some line breaks.
            if escaped == 0 {
                let folded = folded_length(&text[done..]);
                if done + folded > offset {
                    return at;
                }
                done += folded;
            }
            at += escaped + blanks;
            continue;
        }
        at += step(rest);
        done += first_char(&text[done..]);
        if at >= body.len() {
            break;
        }
    }
    at.min(body.len())
}

/// The characters that a folded line break left: all line breaks that stand here, or one space.
fn folded_length(rest: &str) -> usize {
    let breaks = rest.len() - rest.trim_start_matches('\n').len();
    if breaks > 0 { breaks } else { usize::from(rest.starts_with(' ')) }
}

/// Literal and folded block scalars: every line lost its indent; in a folded one, line breaks may have become spaces.
fn block(body: &str, text: &Text, offset: usize) -> usize {
    let header = body.find('\n').map_or(body.len(), |at| at + 1);
    let indent = block_indent(&body[header..]);
    let mut at = header;
    let mut done = 0;
    let mut line_start = true;
    while done < offset && at < body.len() {
        let rest = &body[at..];
        if line_start {
            let blanks = rest.bytes().take(indent).take_while(|byte| *byte == b' ').count();
            at += blanks;
            line_start = false;
            continue;
        }
        if let Some(next) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            at = body.len() - next.len();
            line_start = true;
            // A folded break is a space, or nothing where empty lines follow.
            if text[done..].starts_with(['\n', ' ']) {
                done += 1;
            }
            continue;
        }
        at += first_char(rest);
        done += first_char(&text[done..]);
    }
    if line_start {
        at += body[at..].bytes().take(indent).take_while(|byte| *byte == b' ').count();
    }
    at.min(body.len())
}

/// Spaces before the lines of a block: those of its first line that is not empty. (With an explicit indicator, `|2`, the parent's indent is
/// not known here; the first line's is right unless that line itself begins with spaces.)
fn block_indent(lines: &str) -> usize {
    lines
        .lines()
        .find(|line| !line.trim().is_empty())
        .map_or(0, |line| line.len() - line.trim_start_matches(' ').len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use crate::yaml::{Node, load};

    /// Loads `a: <written>` and asks for the source text at `needle` of the loaded text.
    fn found(written: &str, needle: &str) -> String {
        let source = Source::new("t.yml", format!("a: {written}\nb: 1\n"));
        let node = load(&source).unwrap().node.unwrap();
        let text = node.get("a").and_then(Node::as_text).unwrap().clone();
        let at = text.find(needle).unwrap_or_else(|| panic!("{needle:?} in {text:?}"));
        let offset = scalar_offset(&text, at).unwrap();
        let location = source.location(offset);
        format!("{}:{}", location.line, location.column)
    }

    #[test]
    fn every_style_leads_back_to_its_characters() {
        for (written, needle, place) in [
            ("x {{ y }}", "y", "1:9"),
            ("'it''s {{ y }}'", "y", "1:14"),
            (r#""\ttab \u00e9 \"q\" {{ y }}""#, "y", "1:27"),
            ("\"one\n  two {{ y }}\"", "y", "2:10"),
            ("\"one \\\n  two {{ y }}\"", "y", "2:10"),
            ("one\n  two\n\n  {{ y }}", "y", "4:6"),
            ("'one\n\n  {{ y }}'", "y", "3:6"),
            ("|\n  one\n    {{ y }}\n  two", "y", "3:8"),
            ("|\n  one\n    {{ y }}\n  two", "two", "4:3"),
            (">-\n  one\n  two\n\n  {{ y }}", "y", "5:6"),
            (">\n  one\n  {{ y }}\n", "{{", "3:3"),
            ("!unsafe '{{ y }}'", "y", "1:16"),
            ("&x >-\n  one\n  {{ y }}", "y", "3:6"),
        ] {
            assert_eq!(found(written, needle), place, "{written:?}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_the_byte_after_its_last_character() {
        let source = Source::new("t.yml", "a: 'it''s'\n");
        let node = load(&source).unwrap().node.unwrap();
        let text = node.get("a").and_then(Node::as_text).unwrap();
        assert_eq!(scalar_offset(text, text.len()), Some(9));
        assert_eq!(scalar_offset(&Text::plain("x"), 0), None);
    }
}
