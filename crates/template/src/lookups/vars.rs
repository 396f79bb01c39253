//! Lookups in variables and in the environment.

use data::pattern::Pattern;
use data::{Place, Source, Span, Text};

use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] =
    &[Lookup::lenient("env", env), Lookup::new("vars", vars), Lookup::new("varnames", varnames)];

fn env(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let default = request.options.take("default");
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let Some(name) = term.split_whitespace().next() else { return fail("list index out of range") };
        found.push(match (std::env::var(name), &default) {
            (Ok(value), _) => {
                let source = Source::new(format!("<environment variable '{name}'>"), value.as_str());
                let place = Place::new(&source, Span::new(0, value.len()));
                Val::Str(Text::plain(value).with_place(Some(place)))
            }
            (Err(_), None) => Val::from(""),
            (Err(_), Some(Val::Missing(_))) => {
                Val::undefined(format!("The environment variable '{name}' is not set."))
            }
            (Err(_), Some(default)) => default.clone(),
        });
    }
    Ok(found)
}

fn vars(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let default = request.option("default")?;
    let mut found = Vec::new();
    for term in &request.terms {
        let Val::Str(name) = term else {
            return fail(format!("Variable name must be 'str' not '{}'.", term.type_name()));
        };
        found.push(match (request.ev.variable(request.scope, name)?, &default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.clone(),
            (None, None) => Val::undefined(format!("No variable named '{name}' was found.")),
        });
    }
    Ok(found)
}

/// Python's words for the commonest mistake in a pattern.
fn python_reason(pattern: &str) -> Option<&'static str> {
    pattern.starts_with(['*', '+', '?']).then_some("nothing to repeat at position 0")
}

fn varnames(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let names = request.ev.names(request.scope);
    let mut found = Vec::new();
    for term in &request.terms {
        let Val::Str(pattern) = term else {
            return fail(format!(
                "Invalid setting identifier, it is not a string, it is a {}",
                term.type_name()
            ));
        };
        let regex = match Pattern::new(pattern) {
            Ok(regex) => regex,
            Err(error) => {
                let why = python_reason(pattern).map_or_else(|| error.to_string(), str::to_owned);
                return fail(format!("Unable to use \"{pattern}\" as a search parameter: {why}"));
            }
        };
        for name in &names {
            if regex.is_match(name).unwrap_or(false) {
                found.push(Val::from(name.as_str()));
            }
        }
    }
    Ok(found)
}
