//! Why a text is not the YAML that its writer meant, in words that lead to the cure.

use std::fmt;

use crate::yaml::slip::Slip;
use crate::{Diagnose, Diagnostic, Place};

/// A text that cannot be loaded: what is wrong and where.
#[derive(Debug, Clone)]
pub struct YamlError {
    place: Place,
    problem: Box<Problem>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Problem {
    /// libyaml's refusal, with what it was doing and where that began.
    Syntax {
        problem: String,
        context: Option<(String, Place)>,
    },
    UnhashableKey,
    UnknownTag(String),
    /// A scalar with the form of a type but no value of it.
    Misfit {
        text: String,
        problem: &'static str,
    },
    UnknownAlias(String),
    RecursiveAlias(String),
    /// The key as Python writes it.
    DuplicateKey {
        key: String,
        first: Place,
    },
    DuplicateAnchor {
        name: String,
        first: Place,
    },
    MergeNeedsMapping,
    VaultNeedsText,
    NoPair,
    SecondDocument,
    TooDeep,
    Unexpected,
    TooManyAliases,
    TooManyNodes(usize),
}

impl YamlError {
    pub(crate) fn new(place: Place, problem: Problem) -> Self {
        Self { place, problem: Box::new(problem) }
    }

    /// Where the text stops making sense.
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn title(&self) -> String {
        match &*self.problem {
            Problem::Syntax { problem, context: Some((context, _)) } => format!("{context}, {problem}"),
            Problem::Syntax { problem, context: None } => problem.clone(),
            Problem::UnhashableKey => "a list or mapping cannot be a key".to_owned(),
            Problem::UnknownTag(tag) => format!("unknown tag `{}`", short_tag(tag)),
            Problem::Misfit { text, problem } => format!("`{text}`: {problem}"),
            Problem::UnknownAlias(name) => format!("alias `*{name}` has no anchor `&{name}` before it"),
            Problem::RecursiveAlias(name) => format!("alias `*{name}` contains itself"),
            Problem::DuplicateKey { key, .. } => format!("Found duplicate mapping key {key}."),
            Problem::DuplicateAnchor { name, .. } => format!("anchor `&{name}` is set twice"),
            Problem::MergeNeedsMapping => "merge key `<<` needs a mapping or a list of mappings".to_owned(),
            Problem::VaultNeedsText => "`!vault` needs text".to_owned(),
            Problem::NoPair => "`!!omap` and `!!pairs` need items of one key and its value".to_owned(),
            Problem::SecondDocument => "expected one document, found a second".to_owned(),
            Problem::Unexpected => "expected a value".to_owned(),
            Problem::TooDeep => "nested too deep".to_owned(),
            Problem::TooManyNodes(limit) => format!("more than {limit} values in one file"),
            Problem::TooManyAliases => "too many nodes from aliases".to_owned(),
        }
    }
}

/// `!!name` for YAML's own tags, as people write them.
fn short_tag(tag: &str) -> String {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}"),
        None => tag.to_owned(),
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.title())
    }
}

impl std::error::Error for YamlError {}

impl Diagnose for YamlError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        vec![match &*self.problem {
            Problem::Syntax { context, .. } => match Slip::find(&self.place, context.as_ref().map(|(_, place)| place)) {
                Some(slip) => slip.diagnostic().note(format!("YAML says: {}", self.title())),
                None => with_context(Diagnostic::error(self.title()).at(&self.place, ""), context.as_ref()),
            },
            Problem::UnhashableKey if self.place.text().starts_with('{') => Slip::unquoted_template(&self.place)
                .map_or_else(|| Diagnostic::error(self.title()).at(&self.place, "this key"), |slip| slip.diagnostic()),
            Problem::DuplicateAnchor { first, .. } | Problem::DuplicateKey { first, .. } => {
                Diagnostic::error(self.title()).at(&self.place, "again here").also(first, "first set here")
            }
            Problem::UnknownTag(_) => Diagnostic::error(self.title())
                .at(&self.place, "")
                .help("the tags that mean something here are `!unsafe`, `!vault` and those of YAML, such as `!!str`"),
            Problem::SecondDocument => Diagnostic::error(self.title())
                .at(&self.place, "the second begins here")
                .help("remove the line `---` between them, or split the file"),
            _ => Diagnostic::error(self.title()).at(&self.place, ""),
        }]
    }
}

fn with_context(found: Diagnostic, context: Option<&(String, Place)>) -> Diagnostic {
    match context {
        Some((text, place)) => found.also(place, text.clone()),
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use crate::yaml::load;

    /// Title and place of the first finding.
    fn found(text: &str) -> (String, String) {
        let error = load(&Source::new("vars.yml", text)).unwrap_err();
        let found = error.diagnostics().remove(0);
        (found.title.clone(), found.place().unwrap().to_string())
    }

    #[test]
    fn common_slips_are_named_with_their_place() {
        for (text, title, place) in [
            ("a:\n\tb: 1\n", "a tab is used for indentation", "vars.yml:2:1"),
            ("a: 1\nb:\t- 1\n", "a tab stands where YAML wants spaces", "vars.yml:2:3"),
            ("a: {{ x }}\n", "a value that begins with `{{` needs quotes", "vars.yml:1:4"),
            ("- a: {{ x }}/b\n", "a value that begins with `{{` needs quotes", "vars.yml:1:6"),
            ("a: echo: b\n", "`: ` inside a value needs quotes", "vars.yml:1:8"),
            ("lb:\n  domain: x\n   address: y\n", "wrong indentation", "vars.yml:3:4"),
            ("lb:\n  domain: x\n address: y\n", "wrong indentation", "vars.yml:3:2"),
            ("a: \"foo\" in bar\n", "a value that begins with a quote must end with it", "vars.yml:1:4"),
            ("a: 'x\nb: 1\n", "the quote `'` is never closed", "vars.yml:1:4"),
            ("a: @x\n", "a value cannot begin with `@`", "vars.yml:1:4"),
            ("a:1\nb: 2\n", "`:` needs a space after it", "vars.yml:1:2"),
            ("a: [1, 2\nb: 3\n", "the bracket `[` is never closed", "vars.yml:1:4"),
            ("ip: *x\n", "alias `*x` has no anchor `&x` before it", "vars.yml:1:5"),
        ] {
            assert_eq!(found(text), (title.to_owned(), place.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_yaml_itself_says_is_kept_as_a_note() {
        let error = load(&Source::new("vars.yml", "a:\n\tb: 1\n")).unwrap_err();
        assert!(error.diagnostics()[0].notes[0].contains("cannot start any token"));
    }
}
