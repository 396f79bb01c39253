//! `wordwrap`: Python's `textwrap.wrap`, line by line.

use crate::args::Bound;
use crate::eval::Eval;
use crate::methods::lines;
use crate::val::{Res, Val, fail};

pub(crate) fn wordwrap(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(text) = value else {
        return fail(format!("'{}' object has no attribute 'splitlines'", value.type_name()));
    };
    let Some(width) = usize::try_from(args.int(0, 79)?).ok().filter(|width| *width > 0) else {
        return fail("invalid width (must be > 0)");
    };
    let style = Style { width, break_words: args.flag(1, true)?, hyphens: args.flag(3, true)? };
    let separator = match args.given(2) {
        Some(separator) => ev.text(separator)?,
        None => "\n".to_owned(),
    };
    let wrapped: Vec<String> =
        lines(text, false).iter().map(|line| style.wrap(line).join(&separator)).collect();
    Ok(Val::from(wrapped.join(&separator)))
}

struct Style {
    width: usize,
    break_words: bool,
    hyphens: bool,
}

fn length(text: &str) -> usize {
    text.chars().count()
}

impl Style {
    fn wrap(&self, line: &str) -> Vec<String> {
        let mut chunks = self.chunks(line);
        chunks.reverse();
        let mut found: Vec<String> = Vec::new();
        while let Some(first) = chunks.last() {
            if first.trim().is_empty() && !found.is_empty() {
                chunks.pop();
                if chunks.is_empty() {
                    break;
                }
            }
            let mut current: Vec<String> = Vec::new();
            let mut used = 0;
            while let Some(chunk) = chunks.last() {
                if used + length(chunk) > self.width {
                    break;
                }
                used += length(chunk);
                current.extend(chunks.pop());
            }
            if chunks.last().is_some_and(|chunk| length(chunk) > self.width) {
                self.long_word(&mut chunks, &mut current, used);
            }
            if current.last().is_some_and(|last| last.trim().is_empty()) {
                current.pop();
            }
            if !current.is_empty() {
                found.push(current.concat());
            }
        }
        found
    }

    /// A word that fits on no line: cut, or alone on its line.
    fn long_word(&self, chunks: &mut Vec<String>, current: &mut Vec<String>, used: usize) {
        let room = self.width.saturating_sub(used).max(usize::from(used == 0));
        let Some(chunk) = chunks.last_mut() else { return };
        if self.break_words {
            let mut end = room;
            if self.hyphens && length(chunk) > room {
                let start: Vec<char> = chunk.chars().take(room).collect();
                if let Some(at) = start.iter().rposition(|c| *c == '-')
                    && at > 0
                    && start[..at].iter().any(|c| *c != '-')
                {
                    end = at + 1;
                }
            }
            let byte = chunk.char_indices().nth(end).map_or(chunk.len(), |(byte, _)| byte);
            let rest = chunk.split_off(byte);
            current.push(std::mem::replace(chunk, rest));
        } else if current.is_empty() {
            current.extend(chunks.pop());
        }
    }

    /// Words, the blanks between them, and the parts of hyphenated words.
    fn chunks(&self, line: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let blank = first.is_ascii_whitespace();
            let end = rest.find(|c: char| c.is_ascii_whitespace() != blank).unwrap_or(rest.len());
            if blank || !self.hyphens {
                found.push(rest[..end].to_owned());
            } else {
                found.extend(hyphenated(&rest[..end]));
            }
            rest = &rest[end..];
        }
        found
    }
}

/// Cuts a word after its hyphens, where two letters (or a letter, a hyphen and a letter) stand before and letters follow; and around dashes.
fn hyphenated(word: &str) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    let letter = |at: usize| chars.get(at).is_some_and(|c| c.is_alphabetic() || *c == '_');
    let mut found = Vec::new();
    let mut start = 0;
    for at in 1..chars.len() {
        if chars[at] != '-' || at + 1 >= chars.len() {
            continue;
        }
        let before = at >= start + 2
            && ((letter(at - 1) && letter(at - 2))
                || (at >= start + 3 && letter(at - 1) && chars[at - 2] == '-' && letter(at - 3)));
        let after = letter(at + 1) && (letter(at + 2) || (chars.get(at + 2) == Some(&'-') && letter(at + 3)));
        if before && after {
            found.push(chars[start..=at].iter().collect());
            start = at + 1;
        }
    }
    found.push(chars[start..].iter().collect());
    found
}
