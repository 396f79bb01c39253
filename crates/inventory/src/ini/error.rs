//! What can be wrong in an INI inventory, with its place and cure.

use data::{Diagnose, Diagnostic, Place, suggest};
use thiserror::Error;

use crate::GraphError;
use crate::range::RangeError;

/// One mistake in an INI inventory.
#[derive(Clone, Debug, Error)]
#[error("{place}: {problem}")]
pub struct IniError {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub problem: IniProblem,
}

/// What is wrong at a place of an INI inventory.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IniProblem {
    /// `[web:hots]`
    #[error("section `[{section}:{suffix}]` has unknown type `{suffix}`")]
    Suffix {
        /// The group.
        section: String,
        /// What follows the colon.
        suffix: String,
    },
    /// `[web servers]`
    #[error("`{0}` is not a section header")]
    Header(String),
    /// A quote without its end.
    #[error("a quote is never closed")]
    Quote,
    /// A backslash at the end of a line.
    #[error("the line ends in a backslash")]
    Escape,
    /// A range that cannot be expanded.
    #[error("invalid host range in `{pattern}`: {reason}")]
    Range {
        /// The host pattern.
        pattern: String,
        /// Why, in a few words.
        reason: String,
    },
    /// Beyond what is taken for an inventory; it keeps memory bounded on hostile input.
    #[error("more than {0} hosts in one file")]
    TooManyHosts(usize),
    /// Where reading stops, because so many mistakes came before.
    #[error("the rest of the file was not read after {0} mistakes")]
    TooManyMistakes(usize),
    /// A word after the host name that is no assignment.
    #[error("expected `key=value` after the host name, found `{0}`")]
    Assignment(String),
    /// A line in `[group:vars]` without `=`.
    #[error("expected `key=value` in a `:vars` section, found `{0}`")]
    Variable(String),
    /// `web1:`
    #[error("host `{0}` ends in a colon, which announces a port")]
    Colon(String),
    /// A YAML file read as INI.
    #[error("`---` is not a host; it starts a YAML file")]
    Yaml,
    /// A line in `[group:children]` that is no group name.
    #[error("expected a group name in a `:children` section, found `{0}`")]
    GroupName(String),
    /// A child that no section declares.
    #[error("section `[{parent}:children]` includes undefined group `{child}`")]
    UndefinedChild {
        /// The group above.
        parent: String,
        /// The group that is not declared.
        child: String,
    },
    /// Variables for a group that no section declares.
    #[error("section `[{0}:vars]` is not valid for undefined group `{0}`")]
    UndefinedVars(String),
    /// What the graph refuses.
    #[error("{0}")]
    Graph(GraphError),
}

impl IniProblem {
    pub(crate) fn at(self, place: &Place) -> IniError {
        IniError { place: place.clone(), problem: self }
    }

    pub(crate) fn range(pattern: &str, error: &RangeError) -> Self {
        Self::Range { pattern: pattern.to_owned(), reason: error.to_string() }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Suffix { .. } => "unknown type",
            Self::Quote => "opened here",
            Self::UndefinedChild { .. } | Self::UndefinedVars(_) => "no section declares it",
            Self::Graph(GraphError::Loop { .. } | GraphError::Itself(_)) => "closes the loop",
            _ => "",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Suffix { section, suffix } => match suggest::nearest(suffix, ["children", "vars", "hosts"])
            {
                Some(near) => format!("did you mean `[{section}:{near}]`?"),
                None => format!(
                    "write `[{section}]` for hosts, `[{section}:children]` for groups or `[{section}:vars]` for variables"
                ),
            },
            Self::Header(_) => {
                "a header is `[group]`, without blanks in the name; a comment after it starts with `#`".into()
            }
            Self::Quote => "close the quote on the same line, or escape it with a backslash".into(),
            Self::Escape => "one host is one line; write the whole host on it, without a backslash".into(),
            Self::Range { .. } => "write ranges as `[1:3]`, `[01:20:2]` or `[a:f]`".into(),
            Self::TooManyHosts(_) => {
                "is it the file you meant? Give large inventories in several files".into()
            }
            Self::TooManyMistakes(_) => "is it an inventory? Correct the first mistakes and try again".into(),
            Self::Assignment(word) => {
                format!("write `{word}=...`, quote a value that has blanks, or give each host its own line")
            }
            Self::Variable(_) => "write one `key=value` on each line".into(),
            Self::Colon(host) => format!("write `{host}22` for port 22, or leave the colon out"),
            Self::Yaml => "name the file `.yml` or `.yaml`".into(),
            Self::GroupName(_) => "write one group name on each line".into(),
            Self::UndefinedChild { child, .. } => format!("add a section `[{child}]`, or correct the name"),
            Self::UndefinedVars(group) => format!("add a section `[{group}]`, or correct the name"),
            Self::Graph(GraphError::Loop { .. } | GraphError::Itself(_)) => {
                "a group must not lie below itself; take one of the lines out".into()
            }
            Self::Graph(GraphError::All(_)) => {
                "every group lies below `all` by itself; take the line out".into()
            }
            Self::Graph(_) => return None,
        })
    }
}

impl Diagnose for IniError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.problem.to_string()).at(&self.place, self.problem.label());
        vec![match self.problem.help() {
            Some(help) => found.help(help),
            None => found,
        }]
    }
}
