//! What Jinja says of tags that are not closed, or closed in the wrong order: which tag it looks for, and which block is open.

use data::Span;
use minijinja::machinery::{self, Token};
use minijinja::syntax::SyntaxConfig;

/// A block that is open.
struct Open<'s> {
    tag: &'s str,
    /// Whether its `else` has been there.
    at_else: bool,
    span: Span,
}

impl Open<'_> {
    /// The tags that may come next, as Jinja lists them.
    fn looks_for(&self) -> Vec<String> {
        let end = format!("end{}", self.tag);
        match self.tag {
            "if" if !self.at_else => vec!["elif".to_owned(), "else".to_owned(), end],
            "for" if !self.at_else => vec![end, "else".to_owned()],
            _ => vec![end],
        }
    }
}

/// A message with the place of what it speaks of.
pub(crate) struct Nesting {
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// The first mistake in the nesting of a template's tags, if there is one.
pub(crate) fn mistake(source: &str, config: SyntaxConfig) -> Option<Nesting> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut tokens = machinery::tokenize(source, false, config).map_while(Result::ok);
    while let Some((token, _)) = tokens.next() {
        if !matches!(token, Token::BlockStart) {
            continue;
        }
        let Some((Token::Ident(tag), place)) = tokens.next() else { continue };
        let span = Span { start: place.start_offset, end: place.end_offset };
        let assigns = tokens
            .by_ref()
            .take_while(|(token, _)| !matches!(token, Token::BlockEnd))
            .any(|(token, _)| matches!(token, Token::Assign));
        match tag {
            "if" | "for" | "block" | "macro" | "call" | "filter" | "with" | "autoescape" => {
                open.push(Open { tag, at_else: false, span });
            }
            "set" if !assigns => open.push(Open { tag, at_else: false, span }),
            "elif" | "else" => match open.last_mut() {
                Some(last) if last.looks_for().iter().any(|one| one == tag) => {
                    last.at_else |= tag == "else";
                }
                _ => return Some(Nesting { message: unknown_tag(tag, &open), span }),
            },
            _ if tag.strip_prefix("end").is_some_and(is_block) => match open.last() {
                Some(last) if tag[3..] == *last.tag => {
                    open.pop();
                }
                _ => return Some(Nesting { message: unknown_tag(tag, &open), span }),
            },
            _ => {}
        }
    }
    let last = open.last()?;
    let message = format!("Unexpected end of template. {}", wanted(&open));
    Some(Nesting { message, span: last.span })
}

fn is_block(tag: &str) -> bool {
    matches!(tag, "if" | "for" | "block" | "macro" | "call" | "filter" | "with" | "autoescape" | "set")
}

fn looked_for(open: &Open<'_>) -> String {
    open.looks_for().iter().map(|tag| format!("'{tag}'")).collect::<Vec<_>>().join(" or ")
}

fn wanted(open: &[Open<'_>]) -> String {
    match open.last() {
        None => String::new(),
        Some(last) => format!(
            "Jinja was looking for the following tags: {}. The innermost block that needs to be closed is '{}'.",
            looked_for(last),
            last.tag
        ),
    }
}

fn unknown_tag(tag: &str, open: &[Open<'_>]) -> String {
    let first = format!("Encountered unknown tag '{tag}'.");
    let Some(last) = open.last() else { return first };
    if open.iter().any(|block| block.looks_for().iter().any(|one| one == tag)) {
        return format!(
            "{first} You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {}. \
             The innermost block that needs to be closed is '{}'.",
            looked_for(last),
            last.tag
        );
    }
    format!("{first} {}", wanted(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(source: &str) -> String {
        let config = SyntaxConfig::builder().build().unwrap_or_default();
        mistake(source, config)
            .map_or_else(String::new, |found| format!("{}: {}", &source[found.span.range()], found.message))
    }

    #[test]
    fn open_tags_are_named() {
        let end = "Unexpected end of template. Jinja was looking for the following tags:";
        let inner = "The innermost block that needs to be closed is";
        for (source, expected) in [
            ("{% if x %}a", format!("if: {end} 'elif' or 'else' or 'endif'. {inner} 'if'.")),
            ("{% if x %}a{% else %}b", format!("if: {end} 'endif'. {inner} 'if'.")),
            ("{% for i in [1] %}a", format!("for: {end} 'endfor' or 'else'. {inner} 'for'.")),
            ("{% set x %}a", format!("set: {end} 'endset'. {inner} 'set'.")),
            ("{% set x = 1 %}a", String::new()),
            ("{% endif %}", "endif: Encountered unknown tag 'endif'.".to_owned()),
            ("{% else %}", "else: Encountered unknown tag 'else'.".to_owned()),
            (
                "{% for i in [] %}{% endif %}",
                format!(
                    "endif: Encountered unknown tag 'endif'. Jinja was looking for the following tags: 'endfor' or 'else'. {inner} 'for'."
                ),
            ),
            (
                "{% if x %}{% for i in [] %}{% endif %}",
                format!(
                    "endif: Encountered unknown tag 'endif'. You probably made a nesting mistake. Jinja is expecting this tag, \
                     but currently looking for 'endfor' or 'else'. {inner} 'for'."
                ),
            ),
            ("{% if x %}{% else %}{% endif %}", String::new()),
        ] {
            assert_eq!(said(source), expected, "{source}");
        }
    }
}
