//! Draws errors and warnings: what is wrong, the file's line with a caret, then what to do. The only place that does.

use std::io::IsTerminal;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use data::{Diagnose, Diagnostic, Label, Severity, Source};

use crate::output::visible;

/// Width of a drawing where the terminal does not say its own.
const WIDTH: usize = 120;

/// Whether errors begin with `[ERROR]: `, as those of Ansible's programs do.
static ANSIBLE_WORDS: AtomicBool = AtomicBool::new(false);

/// From now on errors begin with `[ERROR]: ` and warnings with `[WARNING]: `: scripts look for these.
pub(crate) fn speak_as_ansible() {
    ANSIBLE_WORDS.store(true, Ordering::Relaxed);
}

/// How a drawing looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Lines and corners beyond ASCII.
    pub(crate) unicode: bool,
    /// Columns.
    pub(crate) width: usize,
}

impl Look {
    /// What the terminal behind standard error can show; plain text for files and pipes.
    pub(crate) fn of_stderr() -> Self {
        let stderr = std::io::stderr();
        let terminal = stderr.is_terminal();
        let width = rustix::termios::tcgetwinsize(&stderr).map_or(0, |size| usize::from(size.ws_col));
        Self { unicode: terminal && speaks_utf8(), width: if width == 0 { WIDTH } else { width } }
    }
}

/// Whether the locale says that text is UTF-8, by the variables that C programs ask.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    locale.is_some_and(|value| {
        let value = value.to_string_lossy().to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Draws an error on standard error. Colors go to terminals only, and `NO_COLOR` is honored.
pub(crate) fn report(error: &dyn Diagnose) {
    report_all(&error.diagnostics());
}

/// Draws findings on standard error, one after the other.
pub(crate) fn report_all(diagnostics: &[Diagnostic]) {
    let look = Look::of_stderr();
    for diagnostic in diagnostics {
        anstream::eprintln!("{}", draw(diagnostic, look));
    }
}

/// One finding as text with colors; the stream it is written to takes them out where they do not belong.
pub(crate) fn draw(diagnostic: &Diagnostic, look: Look) -> String {
    let ansible = ANSIBLE_WORDS.load(Ordering::Relaxed);
    let level = match diagnostic.severity {
        Severity::Error if ansible => Level::ERROR.with_name("[ERROR]"),
        Severity::Error => Level::ERROR,
        Severity::Deprecation if ansible => Level::WARNING.with_name("[DEPRECATION WARNING]"),
        Severity::Warning if ansible => Level::WARNING.with_name("[WARNING]"),
        Severity::Warning | Severity::Deprecation => Level::WARNING,
    };
    let group = level
        .primary_title(one_line(&diagnostic.title))
        .elements(by_source(&diagnostic.labels).into_iter().map(|labels| element(&labels)))
        .elements(diagnostic.notes.iter().map(|note| Level::NOTE.message(visible(note))))
        .elements(diagnostic.helps.iter().map(|help| Level::HELP.message(visible(help))));
    let decor = if look.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    Renderer::styled().decor_style(decor).term_width(look.width).render(&[group])
}

fn one_line(text: &str) -> String {
    visible(text).split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The labels of each source, in the order in which the sources are first named.
fn by_source(labels: &[Label]) -> Vec<Vec<&Label>> {
    let mut groups: Vec<Vec<&Label>> = Vec::new();
    for label in labels {
        match groups.iter_mut().find(|group| Arc::ptr_eq(&group[0].place.source, &label.place.source)) {
            Some(group) => group.push(label),
            None => groups.push(vec![label]),
        }
    }
    groups
}

/// The lines that the labels point at; only where they are when the source is secret.
fn element<'a>(labels: &[&'a Label]) -> Element<'a> {
    let first = &labels[0].place;
    let source = &first.source;
    if source.is_secret() || source.text().is_empty() {
        let location = first.location();
        return Origin::path(source.name()).line(location.line).char_column(location.column).into();
    }
    let annotations = labels.iter().map(|label| {
        let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = (!label.text.is_empty()).then_some(label.text.as_str());
        kind.span(span(source, label.place.span.range())).label(text)
    });
    Snippet::source(source.text()).path(source.name()).annotations(annotations).into()
}

/// The part of a span on its first line, at least one character wide, with ends between characters.
fn span(source: &Source, span: Range<usize>) -> Range<usize> {
    let text = source.text();
    let start = floor_char(text, span.start);
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let next = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    let end = floor_char(text, span.end).min(line_end).max(next.min(line_end)).max(start);
    start..end
}

fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use data::{Place, Span};

    use super::*;

    fn drawn(diagnostic: &Diagnostic) -> String {
        let drawn = draw(diagnostic, Look { unicode: false, width: 80 });
        anstream::adapter::strip_str(&drawn).to_string()
    }

    #[test]
    fn a_finding_shows_line_caret_notes_and_help() {
        let source = Source::new("conf/vars.yml", "a: 1\nb:\n\tc: 2\na: 3\n");
        let found = Diagnostic::error("a tab is used for indentation")
            .at(&Place::new(&source, Span::new(8, 9)), "a tab")
            .also(&Place::new(&source, Span::new(5, 6)), "in this mapping")
            .note("YAML says: found a character that cannot start any token")
            .help("use spaces");
        assert_eq!(
            drawn(&found),
            "\
error: a tab is used for indentation
 --> conf/vars.yml:3:1
  |
2 | b:
  | - in this mapping
3 |     c: 2
  | ^^^^ a tab
  |
  = note: YAML says: found a character that cannot start any token
  = help: use spaces"
        );
    }

    #[test]
    fn every_source_is_shown_and_secret_ones_only_by_place() {
        let open = Source::new("hosts.ini", "web1\n");
        let secret = Source::secret("group_vars/all.yml", "password: hunter2\n");
        let found = Diagnostic::warning("host `web1` is set twice")
            .at(&Place::new(&open, Span::new(0, 4)), "here")
            .also(&Place::new(&secret, Span::new(0, 8)), "and here");
        let drawn = drawn(&found);
        assert!(drawn.contains("hosts.ini:1:1") && drawn.contains("group_vars/all.yml:1:1"), "{drawn}");
        assert!(!drawn.contains("hunter2"));
    }

    #[test]
    fn spans_that_fit_nothing_are_drawn_at_the_nearest_place() {
        let source = Source::new("x", "é\n");
        for (start, end) in [(0, 0), (1, 1), (1, 99), (3, 3), (99, 100)] {
            let found = Diagnostic::error("x").at(&Place::new(&source, Span::new(start, end)), "");
            assert!(drawn(&found).contains("--> x:"), "{start}..{end}");
        }
    }
}
