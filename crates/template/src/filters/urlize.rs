//! `urlize`: links in text become HTML links.

use data::pattern::PatternFlags;

use crate::args::Bound;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::Eval;
use crate::filters::html::escape;
use crate::val::{Res, Val};

const HTTP: &str = r"^((https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})|([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)|(https?://)((([\d]{1,3})(\.[\d]{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\])))(?::[\d]{1,5})?(?:[/?#]\S*)?$";
const MAIL: &str = r"^\S+@\w[\w.-]*\.\w+$";

pub(crate) fn urlize(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let text = escape(&ev.text(value)?);
    let limit = args.given(0).map(|_| args.int(0, 0)).transpose()?;
    let mut rel: Vec<String> = match args.given(3) {
        Some(rel) => ev.text(rel)?.split_whitespace().map(str::to_owned).collect(),
        None => Vec::new(),
    };
    if args.flag(1, false)? {
        rel.push("nofollow".to_owned());
    }
    rel.push("noopener".to_owned());
    rel.sort();
    rel.dedup();
    let mut attributes = format!(" rel=\"{}\"", escape(&rel.join(" ")));
    if let Some(target) = args.given(2) {
        attributes.push_str(&format!(" target=\"{}\"", escape(&ev.text(target)?)));
    }
    let schemes = match args.given(4) {
        Some(schemes) => ev.items(schemes)?.iter().map(|scheme| ev.text(scheme)).collect::<Res<Vec<_>>>()?,
        None => Vec::new(),
    };
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let blank = first.is_whitespace();
        let end = rest.find(|c: char| c.is_whitespace() != blank).unwrap_or(rest.len());
        let word = &rest[..end];
        if blank {
            out.push_str(word);
        } else {
            let (head, middle, tail) = trimmed(word);
            out.push_str(head);
            out.push_str(&link(ev, &middle, limit, &attributes, &schemes)?);
            out.push_str(&tail);
        }
        rest = &rest[end..];
    }
    Ok(Val::from(out))
}

/// Brackets before a link, and punctuation after it that is no part of it.
fn trimmed(word: &str) -> (&str, String, String) {
    let mut middle = word;
    loop {
        let shorter = middle.strip_prefix(['(', '<']).or_else(|| middle.strip_prefix("&lt;"));
        match shorter {
            Some(rest) => middle = rest,
            None => break,
        }
    }
    let head = &word[..word.len() - middle.len()];
    let whole = middle;
    loop {
        let shorter = middle.strip_suffix([')', '>', '.', ',']).or_else(|| middle.strip_suffix("&gt;"));
        match shorter {
            Some(rest) => middle = rest,
            None => break,
        }
    }
    let (mut middle, mut tail) = (middle.to_owned(), whole[middle.len()..].to_owned());
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            let Some(at) = tail.find(close) else { break };
            let rest = tail.split_off(at + close.len());
            middle.push_str(&tail);
            tail = rest;
        }
    }
    (head, middle, tail)
}

fn link(
    ev: &Eval<'_>,
    middle: &str,
    limit: Option<i128>,
    attributes: &str,
    schemes: &[String],
) -> Res<String> {
    let matches = |pattern: &str| -> Res<bool> {
        let flags = PatternFlags { ignore_case: true, ..PatternFlags::default() };
        let wrap =
            |error: data::pattern::PatternError| TemplateError::new(ErrorKind::Operation(error.to_string()));
        ev.engine.pattern(pattern, flags).map_err(wrap)?.is_match(middle).map_err(wrap)
    };
    if matches(HTTP)? {
        let shown = match limit.and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit) if middle.chars().count() > limit => {
                format!("{}...", middle.chars().take(limit).collect::<String>())
            }
            _ => middle.to_owned(),
        };
        let scheme =
            if middle.starts_with("https://") || middle.starts_with("http://") { "" } else { "https://" };
        return Ok(format!("<a href=\"{scheme}{middle}\"{attributes}>{shown}</a>"));
    }
    if let Some(address) = middle.strip_prefix("mailto:") {
        if matches(MAIL)? {
            return Ok(format!("<a href=\"{middle}\">{address}</a>"));
        }
    } else if middle.contains('@')
        && !middle.starts_with("www.")
        && !middle.starts_with('@')
        && !middle.contains(':')
        && matches(MAIL)?
    {
        return Ok(format!("<a href=\"mailto:{middle}\">{middle}</a>"));
    }
    if schemes.iter().any(|scheme| middle != scheme && middle.starts_with(scheme.as_str())) {
        return Ok(format!("<a href=\"{middle}\"{attributes}>{middle}</a>"));
    }
    Ok(middle.to_owned())
}
