//! The arguments of a call, and how filters and functions take them: as Python binds them to parameters.

use crate::eval::Eval;
use crate::ir::Name;
use crate::val::{Res, Val, fail};

/// Arguments as they were written.
#[derive(Clone, Default)]
pub(crate) struct Args {
    pub(crate) pos: Vec<Val>,
    pub(crate) named: Vec<(Name, Val)>,
}

impl Args {
    /// Raises the error of the first missing value.
    pub(crate) fn check(&self) -> Res<()> {
        self.pos.iter().chain(self.named.iter().map(|(_, value)| value)).try_for_each(Val::check)
    }

    /// Exactly so many positional arguments.
    pub(crate) fn exactly<const N: usize>(self, what: &str) -> Res<[Val; N]> {
        let count = self.pos.len();
        if let Some((name, _)) = self.named.first() {
            return fail(format!("{what}() got an unexpected keyword argument '{name}'"));
        }
        self.pos
            .try_into()
            .or_else(|_| fail(format!("{what}() takes {N} positional arguments but {count} were given")))
    }

    /// Takes a named argument out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Val> {
        self.named.iter().position(|(known, _)| &**known == name).map(|at| self.named.remove(at).1)
    }

    /// Binds the arguments to parameters, written `name` (needed), `name?` (may be left out), `*rest`, `*` (the next only by name) and
    /// `**named`.
    pub(crate) fn bind(self, what: &str, params: &'static [&'static str]) -> Res<Bound> {
        let mut bound = Bound { params, slots: Vec::new(), rest: Vec::new(), named: Vec::new() };
        let mut pos = self.pos.into_iter();
        let mut named = self.named;
        let mut takes_named = false;
        let mut only_named = false;
        for param in params {
            if let Some(_name) = param.strip_prefix("**") {
                takes_named = true;
            } else if param.starts_with('*') {
                only_named = true;
                if param.len() > 1 {
                    bound.rest = pos.by_ref().collect();
                }
            } else {
                let (name, optional) = param.strip_suffix('?').map_or((*param, false), |name| (name, true));
                let by_name =
                    named.iter().position(|(known, _)| &**known == name).map(|at| named.remove(at).1);
                let by_place = if only_named { None } else { pos.next() };
                let value = match (by_place, by_name) {
                    (Some(_), Some(_)) => {
                        return fail(format!("{what}() got multiple values for argument '{name}'"));
                    }
                    (Some(value), None) | (None, Some(value)) => Some(value),
                    (None, None) if optional => None,
                    (None, None) => {
                        return fail(format!("{what}() missing 1 required positional argument: '{name}'"));
                    }
                };
                bound.slots.push(value);
            }
        }
        let extra = pos.count();
        if extra > 0 {
            let count = bound.slots.len();
            return fail(format!(
                "{what}() takes {count} positional arguments but {} were given",
                count + extra
            ));
        }
        if takes_named {
            bound.named = named;
        } else if let Some((name, _)) = named.first() {
            return fail(format!("{what}() got an unexpected keyword argument '{name}'"));
        }
        Ok(bound)
    }
}

/// Arguments bound to parameters, in the order of these.
pub(crate) struct Bound {
    params: &'static [&'static str],
    slots: Vec<Option<Val>>,
    /// What `*rest` takes.
    pub(crate) rest: Vec<Val>,
    /// What `**named` takes.
    pub(crate) named: Vec<(Name, Val)>,
}

impl Bound {
    /// The argument at a place, if given.
    pub(crate) fn get(&self, index: usize) -> Option<&Val> {
        self.slots.get(index).and_then(Option::as_ref)
    }

    /// The argument at a place; `None` when left out.
    pub(crate) fn val(&self, index: usize) -> Val {
        self.get(index).cloned().unwrap_or(Val::None)
    }

    /// Whether the argument is given and not `None`.
    pub(crate) fn given(&self, index: usize) -> Option<&Val> {
        self.get(index).filter(|value| !matches!(value, Val::None))
    }

    fn name(&self, index: usize) -> &'static str {
        let mut names = self.params.iter().filter(|param| !param.starts_with('*'));
        names.nth(index).map_or("", |param| param.trim_end_matches('?'))
    }

    /// A text argument; any other value as Python's `str()` gives it.
    pub(crate) fn text(&self, ev: &Eval<'_>, index: usize, default: &str) -> Res<String> {
        match self.get(index) {
            None => Ok(default.to_owned()),
            Some(value) => ev.text(value),
        }
    }

    /// An integer argument.
    pub(crate) fn int(&self, index: usize, default: i128) -> Res<i128> {
        match self.get(index) {
            None => Ok(default),
            Some(value) => match value {
                Val::Float(number) if number.fract() == 0.0 => Ok(*number as i128),
                other => other.as_int().map_or_else(
                    || {
                        let (name, kind) = (self.name(index), other.type_name());
                        fail(format!("the argument '{name}' must be an integer, not '{kind}'"))
                    },
                    Ok,
                ),
            },
        }
    }

    /// The truth of an argument.
    pub(crate) fn flag(&self, index: usize, default: bool) -> Res<bool> {
        self.get(index).map_or(Ok(default), Val::truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(pos: usize, named: &[&str]) -> Args {
        Args {
            pos: (0..pos).map(|at| Val::Int(at as i128)).collect(),
            named: named.iter().map(|name| ((*name).into(), Val::Bool(true))).collect(),
        }
    }

    #[test]
    fn arguments_bind_as_in_python() {
        let bound = args(1, &["b"]).bind("f", &["a", "b?", "c?"]).unwrap_or_else(|_| panic!("binds"));
        assert!(bound.get(0).is_some() && bound.get(1).is_some() && bound.get(2).is_none());
        for (pos, named) in [(0, vec![]), (4, vec![]), (1, vec!["a"]), (1, vec!["zz"])] {
            assert!(args(pos, &named).bind("f", &["a", "b?", "c?"]).is_err(), "{pos} {named:?}");
        }
        let rest = args(3, &["x"]).bind("f", &["a", "*rest", "**named"]).unwrap_or_else(|_| panic!("binds"));
        assert_eq!((rest.rest.len(), rest.named.len()), (2, 1));
    }
}
