//! The lookups, one file per family, and `lookup`, `query` and `q`.

pub(crate) mod files;
mod ini;
mod inventory;
mod lists;
mod password;
mod process;
mod sequence;
mod structure;
mod tables;
mod vars;

use std::rc::Rc;

use data::{Map, Value};

use crate::args::Args;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::{Eval, Frame, OUTER};
use crate::omit::OMITTED;
use crate::registry::short;
use crate::val::{Res, ScopeId, Val, fail, finalize};

pub use process::stop_commands;

/// What a lookup is called with.
pub(crate) struct Request<'c, 'a> {
    pub(crate) ev: &'c Eval<'a>,
    /// The lookup's name, for its messages.
    pub(crate) name: String,
    pub(crate) terms: Vec<Val>,
    pub(crate) options: Args,
    pub(crate) scope: ScopeId,
    /// Whether it gives the items of a loop (`with_<name>`).
    pub(crate) as_with: bool,
}

/// A lookup.
pub(crate) struct Lookup {
    name: &'static str,
    run: fn(&mut Request<'_, '_>) -> Res<Vec<Val>>,
    /// Whether it looks at missing terms itself.
    takes_missing: bool,
}

impl Lookup {
    const fn new(name: &'static str, run: fn(&mut Request<'_, '_>) -> Res<Vec<Val>>) -> Self {
        Self { name, run, takes_missing: false }
    }

    const fn lenient(name: &'static str, run: fn(&mut Request<'_, '_>) -> Res<Vec<Val>>) -> Self {
        Self { name, run, takes_missing: true }
    }
}

const TABLES: &[&[Lookup]] = &[
    files::LOOKUPS,
    ini::LOOKUPS,
    inventory::LOOKUPS,
    lists::LOOKUPS,
    password::LOOKUPS,
    process::LOOKUPS,
    sequence::LOOKUPS,
    structure::LOOKUPS,
    tables::LOOKUPS,
    vars::LOOKUPS,
];

/// Whether there is a lookup of this name, as `with_<name>` needs one.
pub fn has_lookup(name: &str) -> bool {
    exists(name)
}

fn find(name: &str) -> Option<&'static Lookup> {
    let name = short(name);
    TABLES.iter().flat_map(|table| table.iter()).find(|lookup| lookup.name == name)
}

/// Whether the engine knows a lookup.
pub(crate) fn exists(name: &str) -> bool {
    find(name).is_some() || matches!(short(name), "config" | "url")
}

impl Request<'_, '_> {
    /// An option as it was given, if it was and is not `None`.
    pub(crate) fn option(&mut self, name: &str) -> Res<Option<Val>> {
        match self.options.take(name) {
            None | Some(Val::None) => Ok(None),
            Some(value) => Ok(Some(value.used()?)),
        }
    }

    /// A text option.
    pub(crate) fn text(&mut self, name: &str) -> Res<Option<String>> {
        match self.option(name)? {
            None => Ok(None),
            Some(value) => Ok(Some(self.ev.text(&value)?)),
        }
    }

    /// A boolean option, by Ansible's words.
    pub(crate) fn flag(&mut self, name: &str, default: bool) -> Res<bool> {
        match self.option(name)? {
            None => Ok(default),
            Some(Val::Str(word)) => match crate::filters::bool_word(&word) {
                Some(flag) => Ok(flag),
                None => self.invalid(name),
            },
            Some(value) => value.truth(),
        }
    }

    /// An integer option.
    pub(crate) fn int(&mut self, name: &str) -> Res<Option<i128>> {
        let Some(value) = self.option(name)? else { return Ok(None) };
        let number = match &value {
            Val::Str(text) => text.trim().parse().ok(),
            other => other.as_int(),
        };
        number.map_or_else(|| self.invalid(name), |number| Ok(Some(number)))
    }

    /// The error for an option whose value has the wrong type.
    pub(crate) fn invalid<T>(&self, option: &str) -> Res<T> {
        let lookup = &self.name;
        fail(format!("Config '{option}' for '{lookup}' lookup plugin from 'Direct' has an invalid value."))
    }

    /// The terms as text.
    pub(crate) fn text_terms(&self) -> Res<Vec<String>> {
        self.terms.iter().map(|term| self.ev.text(term)).collect()
    }

    /// Refuses options that no one has taken.
    pub(crate) fn finish(&self) -> Res<()> {
        match self.options.named.first() {
            Some((name, _)) => fail(format!("'{name}' is not an option of this lookup")),
            None => Ok(()),
        }
    }

    /// The values that filters and lookups read: plain, never templates.
    pub(crate) fn plain(&self, value: &Value) -> Res<Val> {
        self.ev.open(value, OUTER)
    }
}

/// What to do when a lookup fails.
enum OnError {
    Raise,
    Warn,
    Ignore,
}

/// `lookup(name, *terms, **options)`
pub(crate) fn lookup(ev: &Eval<'_>, args: Args, frame: &Rc<Frame>) -> Res<Val> {
    run(ev, args, frame, false)
}

/// `query(name, *terms, **options)`: always a list.
pub(crate) fn query(ev: &Eval<'_>, args: Args, frame: &Rc<Frame>) -> Res<Val> {
    run(ev, args, frame, true)
}

fn run(ev: &Eval<'_>, mut args: Args, frame: &Rc<Frame>, query: bool) -> Res<Val> {
    if args.pos.is_empty() {
        return fail("lookup() missing 1 required positional argument: 'plugin_name'");
    }
    let name = ev.text(&args.pos.remove(0))?;
    let known = find(&name);
    if !known.is_some_and(|lookup| lookup.takes_missing) {
        args.check()?;
    }
    let want_list = match args.take("wantlist") {
        Some(flag) => flag.truth()? || query,
        None => query,
    };
    let on_error = match args.take("errors") {
        None => OnError::Raise,
        Some(word) => match ev.text(&word)?.as_str() {
            "warn" => OnError::Warn,
            "ignore" => OnError::Ignore,
            _ => OnError::Raise,
        },
    };
    let terms = std::mem::take(&mut args.pos);
    let scope = frame.unit.scope.unwrap_or(OUTER);
    let mut request =
        Request { ev, name: short(&name).to_owned(), terms, options: args, scope, as_with: false };
    let result = match known {
        Some(lookup) => (lookup.run)(&mut request),
        None => by_host(&name, &mut request),
    };
    let found = match result {
        Ok(found) => found,
        // A lookup that does not exist is a mistake in the template, whatever `errors` says.
        Err(error) if matches!(error.kind(), ErrorKind::UnknownLookup(_)) => return Err(error),
        Err(error) if error.is_undefined() || error.is_fatal() => return Err(error),
        Err(error) => {
            let message = match error.kind() {
                ErrorKind::Operation(message) => message.clone(),
                _ => error.to_string(),
            };
            match on_error {
                OnError::Raise => {
                    return Err(match error.kind() {
                        ErrorKind::Operation(_) => error.with_kind(ErrorKind::Lookup { name, message }),
                        _ => error,
                    });
                }
                OnError::Warn => {
                    ev.warn(&format!("An error occurred while running the lookup plugin '{name}': {message}"))
                }
                OnError::Ignore => {}
            }
            return Ok(if want_list { Val::list(Vec::new()) } else { Val::None });
        }
    };
    Ok(if want_list { Val::list(found) } else { joined(found) })
}

/// A lookup as `with_<name>` calls it.
pub(crate) fn with(ev: &Eval<'_>, name: &str, terms: &Value) -> Res<Vec<Val>> {
    let opened = ev.open(terms, OUTER)?;
    if opened.is_omit() {
        return Err(TemplateError::new(ErrorKind::Condition(OMITTED.to_owned())));
    }
    let terms = match &opened {
        Val::List(_) | Val::Tuple(_) => ev.items_loose(&opened)?,
        _ => vec![opened],
    };
    // `with_first_found` passes over names without a value.
    let lenient = short(name) == "first_found";
    let terms: Vec<Val> =
        terms.into_iter().filter(|term| !(lenient && term.is_undefined() || term.is_omit())).collect();
    terms.iter().try_for_each(Val::check)?;
    let name_of = short(name).to_owned();
    let mut request =
        Request { ev, name: name_of, terms, options: Args::default(), scope: OUTER, as_with: true };
    let result = match find(name) {
        Some(lookup) => (lookup.run)(&mut request),
        None => by_host(name, &mut request),
    };
    result.map_err(|error| match error.kind() {
        ErrorKind::Operation(message) => {
            let message = message.clone();
            error.with_kind(ErrorKind::Lookup { name: name.to_owned(), message })
        }
        _ => error,
    })
}

/// Without `wantlist`, one result is itself, and several texts are joined by commas.
fn joined(mut found: Vec<Val>) -> Val {
    if found.len() == 1 {
        return found.remove(0);
    }
    let texts: Option<Vec<&str>> = found.iter().map(Val::as_str).collect();
    match texts {
        Some(texts) if !texts.is_empty() => Val::from(texts.join(",")),
        _ => Val::list(found),
    }
}

/// A lookup that only the caller of the engine knows.
fn by_host(name: &str, request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let ev = request.ev;
    let unknown = || Err(TemplateError::new(ErrorKind::UnknownLookup(name.to_owned())));
    let Some(host) = ev.ctx.host else { return unknown() };
    let terms = request.terms.iter().map(|term| finalize(ev, term)).collect::<Res<Vec<_>>>()?;
    let mut options = Map::new();
    for (key, value) in &request.options.named {
        options.insert(&**key, finalize(ev, value)?);
    }
    match host.lookup(short(name), &terms, &options) {
        None => unknown(),
        Some(Err(message)) => fail(message),
        Some(Ok(values)) => values.iter().map(|value| request.plain(value)).collect(),
    }
}
