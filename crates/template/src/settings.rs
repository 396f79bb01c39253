//! The engine's settings: limits, and how a template file is read.

use std::path::PathBuf;
use std::sync::Arc;

/// What an evaluation may use up before it ends in an error.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text that one render may produce.
    pub output: usize,
    /// Nesting of variables, macros, includes and recursive loops.
    pub depth: usize,
    /// Loop iterations and items produced in one evaluation, all together.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output: 256 << 20, depth: 200, steps: 20_000_000 }
    }
}

/// Settings of an [`crate::Engine`].
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The limits.
    pub limits: Limits,
}

/// How templates are marked; the options of Ansible's template module and of a `#jinja2:` first line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// `{%` and `%}`
    pub block: (Arc<str>, Arc<str>),
    /// `{{` and `}}`
    pub variable: (Arc<str>, Arc<str>),
    /// `{#` and `#}`
    pub comment: (Arc<str>, Arc<str>),
    /// A line that starts with it is a statement.
    pub line_statement_prefix: Option<Arc<str>>,
    /// The rest of a line after it is a comment.
    pub line_comment_prefix: Option<Arc<str>>,
    /// Takes the newline after a block away; Ansible's default.
    pub trim_blocks: bool,
    /// Takes the blanks before a block at the start of its line away.
    pub lstrip_blocks: bool,
    /// Keeps the last newline of a template.
    pub keep_trailing_newline: bool,
    /// What ends a line in the result.
    pub newline: Newline,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            block: ("{%".into(), "%}".into()),
            variable: ("{{".into(), "}}".into()),
            comment: ("{#".into(), "#}".into()),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            newline: Newline::Lf,
        }
    }
}

/// A line ending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Newline {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl Newline {
    /// Its characters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// Options of [`crate::Engine::render_file`], as the template module takes them.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// The file whose times `template_mtime` and `template_run_date` tell.
    pub dated: Option<PathBuf>,
    /// Markers and white space.
    pub syntax: Syntax,
    /// Whether `\` in strings inside `{{ }}` stands for itself (the module's option of the same name turned off, Ansible's default there).
    pub escape_backslashes: bool,
}
