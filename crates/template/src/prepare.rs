//! From the user's text to what minijinja reads: the `#jinja2:` line, line endings, and repairs of equal length for what its parser lacks
//! (a unary plus, tuples without parentheses, escapes that it refuses), so that places stay right.

use std::borrow::Cow;
use std::sync::Arc;

use data::Span;

use crate::error::{ErrorKind, Origin, TemplateError};
use crate::ir::Template;
use crate::lower::{Mode, lower};
use crate::settings::{Newline, Syntax};

const HEADER: &str = "#jinja2:";

/// Whether a user's string may be a template: it has a start marker, or the header line.
pub(crate) fn has_markers(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).any(|two| two[0] == b'{' && matches!(two[1], b'{' | b'%' | b'#'))
        || text.starts_with(HEADER)
}

/// Whether a user's string is nothing but a template: it begins and ends with markers.
pub(crate) fn is_all_template(text: &str) -> bool {
    let starts = ["{{", "{%", "{#"].iter().any(|marker| text.starts_with(marker));
    let ends = ["}}", "%}", "#}"].iter().any(|marker| text.ends_with(marker));
    (starts && ends) || text.starts_with(HEADER)
}

/// Compiles a text.
pub(crate) fn compile(
    text: &str,
    origin: Origin,
    mode: Mode,
    syntax: &Syntax,
) -> Result<Template, TemplateError> {
    let mut syntax = Cow::Borrowed(syntax);
    let mut source = Cow::Borrowed(text);
    if !mode.expression
        && let Some(line) = text.strip_prefix(HEADER)
    {
        let end = line.find('\n');
        let fail = |message: String| {
            TemplateError::new(ErrorKind::Syntax(message)).located(&origin, Span::new(0, HEADER.len()))
        };
        let end = end.ok_or_else(|| fail("missing line break after the `#jinja2:` options".to_owned()))?;
        syntax = Cow::Owned(header(&line[..end], &syntax).map_err(fail)?);
        // Blanks in place of the header keep all places; they are cut off below.
        source = Cow::Borrowed(&line[end + 1..]);
    }
    let skipped = text.len() - source.len();
    if source.contains('\r') {
        source = Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"));
    }
    let failure = match lower(&source, &source, &origin, mode, &syntax) {
        Ok(template) => return Ok(template),
        Err(failure) => failure,
    };
    if let Some(repaired) = crate::repair::repair(&source, mode.expression, &syntax)
        && let Ok(template) = lower(&repaired, &source, &origin, mode, &syntax)
    {
        return Ok(template);
    }
    let mut failure = failure;
    failure.span = Span::new(failure.span.start as usize + skipped, failure.span.end as usize + skipped);
    Err(failure.error(&origin))
}

/// The options of a `#jinja2:` line.
fn header(line: &str, base: &Syntax) -> Result<Syntax, String> {
    let mut syntax = base.clone();
    for pair in line.split(',') {
        let (key, value) = pair.split_once(':').ok_or_else(|| {
            format!("Missing key-value separator `:` in '#jinja2:' override pair '{pair}'.")
        })?;
        let value = value.trim();
        let text = || -> Result<Arc<str>, String> {
            let quoted = value.len() >= 2 && (value.starts_with('\'') || value.starts_with('"'));
            quoted
                .then(|| crate::literal::unescape(value, false).into())
                .ok_or_else(|| format!("`{value}` in the `#jinja2:` line is not a quoted text"))
        };
        let flag = || match value {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(format!("`{value}` in the `#jinja2:` line is neither `True` nor `False`")),
        };
        match key.trim() {
            "block_start_string" => syntax.block.0 = text()?,
            "block_end_string" => syntax.block.1 = text()?,
            "variable_start_string" => syntax.variable.0 = text()?,
            "variable_end_string" => syntax.variable.1 = text()?,
            "comment_start_string" => syntax.comment.0 = text()?,
            "comment_end_string" => syntax.comment.1 = text()?,
            "line_statement_prefix" => syntax.line_statement_prefix = Some(text()?),
            "line_comment_prefix" => syntax.line_comment_prefix = Some(text()?),
            "trim_blocks" => syntax.trim_blocks = flag()?,
            "lstrip_blocks" => syntax.lstrip_blocks = flag()?,
            "keep_trailing_newline" => syntax.keep_trailing_newline = flag()?,
            "newline_sequence" => {
                syntax.newline = match &*text()? {
                    "\n" => Newline::Lf,
                    "\r\n" => Newline::CrLf,
                    "\r" => Newline::Cr,
                    other => return Err(format!("`{}` is not a line ending", other.escape_debug())),
                }
            }
            other => return Err(format!("unknown option `{other}` in the `#jinja2:` line")),
        }
    }
    Ok(syntax)
}
