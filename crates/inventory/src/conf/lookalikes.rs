//! Characters that look like the right ones: wide blanks and signs of Chinese keyboards, blanks copied from web pages, curly quotes.

use std::sync::Arc;

use data::{Diagnostic, Place, Source, Span};

/// What stands for a sign that files are written with, if `c` only looks like it.
fn meant(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '\u{3000}' => ("a wide blank", "a space"),
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' => ("a blank of another kind", "a space"),
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => ("an invisible character", "nothing: delete it"),
        '＝' => ("a wide `＝`", "`=`"),
        '：' => ("a wide `：`", "`:`"),
        '，' => ("a wide `，`", "`,`"),
        '．' | '。' => ("a wide dot", "`.`"),
        '［' | '【' => ("a wide bracket", "`[`"),
        '］' | '】' => ("a wide bracket", "`]`"),
        '－' | '–' | '—' => ("a long dash", "`-`"),
        '“' | '”' => ("a curly quote", "`\"`"),
        '‘' | '’' => ("a curly quote", "`'`"),
        _ => return None,
    })
}

/// One finding for each line outside of comments that has such a character where no quotes are around it.
pub(crate) fn find(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        // A byte order mark at the start of a file is skipped by its readers.
        let line_start =
            start + if start == 0 { line.len() - line.trim_start_matches('\u{feff}').len() } else { 0 };
        let text = &line[line_start - start..];
        if !text.trim_start().starts_with(['#', ';']) {
            findings.extend(in_line(source, text, line_start));
        }
        start += line.len();
    }
    findings
}

fn in_line(source: &Arc<Source>, line: &str, start: usize) -> Option<Diagnostic> {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('#', None) => return None,
            (c, None) => {
                let Some((what, right)) = meant(c) else { continue };
                let place = Place::new(source, Span::new(start + at, start + at + c.len_utf8()));
                let found =
                    Diagnostic::error(format!("{what} stands where files need plain signs")).at(&place, what);
                return Some(found.help(format!("write {right}, typed with an English keyboard")));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<(usize, usize)> {
        let places = find(&Source::new("x", text)).into_iter().map(|found| found.place().unwrap().location());
        places.map(|at| (at.line, at.column)).collect()
    }

    #[test]
    fn wide_signs_are_found_outside_of_comments_and_quotes() {
        for (text, places) in [
            ("node1\u{3000}ip=10.0.0.1\n", vec![(1, 6)]),
            ("a ip＝1\nb\u{a0}ip=2\n", vec![(1, 5), (2, 2)]),
            ("【all】\n", vec![(1, 1)]),
            ("; 注释：主机\n# 一，二\nname: x # 三：四\n", vec![]),
            ("title: '集群：一'\n", vec![]),
            ("\u{feff}[all]\n", vec![]),
            ("名字: 一\n", vec![]),
        ] {
            assert_eq!(columns(text), places, "{text}");
        }
    }
}
