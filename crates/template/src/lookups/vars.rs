//! Lookups in variables and in the environment.

use data::pattern::Pattern;

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
            (Ok(value), _) => Val::from(value),
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
        let Ok(regex) = Pattern::new(pattern) else {
            return fail(format!("Unable to use \"{pattern}\" as a search parameter"));
        };
        for name in &names {
            if regex.is_match(name).unwrap_or(false) {
                found.push(Val::from(name.as_str()));
            }
        }
    }
    Ok(found)
}
