//! `-e`: variables from the command line, which win over all others.

use std::path::Path;

use clap::Args;
use data::split::parse_kv;
use data::yaml::{self, Node, NodeKind};
use data::{Diagnostic, Map, Place, Source, Span, Text, Value};
use inventory::Reader;

use super::FlagError;
use crate::diagnostics::report_all;

/// Extra variables.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ExtraVarsFlags {
    /// More variables, over all others: `key=value`, JSON, YAML, or `@file`.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    extra_vars: Vec<String>,
}

impl ExtraVarsFlags {
    /// All variables together; later ones win.
    ///
    /// # Errors
    /// A file that cannot be read, or text that is no set of variables.
    pub(crate) fn load(&self, reader: &Reader) -> Result<Map, FlagError> {
        let mut all = Map::new();
        for given in self.extra_vars.iter().filter(|given| !given.trim().is_empty()) {
            all.extend_from(&variables(given, reader)?);
        }
        Ok(all)
    }
}

/// The variables of one `-e`.
pub(crate) fn variables(given: &str, reader: &Reader) -> Result<Map, FlagError> {
    if let Some(path) = given.strip_prefix('@') {
        let source = reader.read(Path::new(path)).map_err(|error| FlagError::from_error(&error))?;
        return mapping(&source);
    }
    let source = Source::new("<extra vars>", given);
    let place = Place::new(&source, Span::new(0, given.len()));
    if given.starts_with(['/', '.']) {
        let found = Diagnostic::error("a file of variables needs `@` before its name");
        return Err(FlagError::option(found.at(&place, "").help(format!("write `-e @{given}`"))));
    }
    if given.starts_with(['{', '[']) {
        return mapping(&source);
    }
    let text = Text::template(given, Some(place.clone()));
    let found = parse_kv(&text, false).map_err(|error| FlagError::from_error(&error))?;
    if found.options.is_empty() {
        let error = Diagnostic::error("extra variables need the form `name=value`");
        return Err(FlagError::option(
            error.at(&place, "").help("JSON, YAML in braces and `@file` are accepted too"),
        ));
    }
    Ok(found.options.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
}

fn mapping(source: &std::sync::Arc<Source>) -> Result<Map, FlagError> {
    let loaded = yaml::load(source).map_err(|error| FlagError::parse(&error))?;
    report_all(&loaded.warnings);
    match loaded.node {
        None => Ok(Map::new()),
        Some(node @ Node { kind: NodeKind::Map(_), .. }) => {
            Ok(node.to_value().as_map().cloned().unwrap_or_default())
        }
        Some(node) => {
            let error = Diagnostic::error("extra variables must be a mapping");
            Err(FlagError::option(error.at(&node.place, format!("this is {}", node.kind_name()))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(given: &[&str]) -> Result<Map, FlagError> {
        let flags = ExtraVarsFlags { extra_vars: given.iter().map(ToString::to_string).collect() };
        flags.load(&Reader::default())
    }

    #[test]
    fn all_forms_are_read_and_later_ones_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vars.yml");
        std::fs::write(&path, "file: yes\na: 5\n").unwrap();
        let vars = loaded(&["a=1 b='two words'", "{\"c\": 3}", "{d: [4]}", &format!("@{}", path.display())])
            .unwrap();
        assert_eq!(
            format!("{:?}", Value::from(vars)),
            r#"{"a": 5, "b": "two words", "c": 3, "d": [4], "file": True}"#
        );
    }

    #[test]
    fn words_that_are_no_variables_are_refused() {
        for (given, message) in [
            ("vars.yml", "name=value"),
            ("./vars.yml", "needs `@`"),
            ("[1]", "must be a mapping"),
            ("a='x", "never closed"),
        ] {
            assert!(loaded(&[given]).unwrap_err().to_string().contains(message), "{given}");
        }
    }

    #[test]
    fn values_are_templates_because_the_user_wrote_them() {
        let vars = loaded(&["a={{ b }}"]).unwrap();
        assert!(vars.get("a").and_then(Value::as_text).unwrap().is_template());
    }
}
