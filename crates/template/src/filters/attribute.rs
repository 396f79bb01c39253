//! `attribute=` of filters: a path such as `address.city` or `0.name`, also several of them.

use crate::eval::Eval;
use crate::val::{Res, Val};

/// Gets what a filter's `attribute` names out of an item.
pub(crate) struct Getter {
    paths: Vec<Vec<Val>>,
    ignore_case: bool,
    default: Option<Val>,
}

impl Getter {
    /// One path. `None` stands for the item itself.
    pub(crate) fn one(attribute: Option<&Val>, ignore_case: bool) -> Self {
        Self { paths: vec![path(attribute)], ignore_case, default: None }
    }

    /// Paths separated by commas.
    pub(crate) fn many(attribute: Option<&Val>, ignore_case: bool) -> Self {
        let paths = match attribute {
            Some(Val::Str(text)) => text.split(',').map(|part| path(Some(&Val::from(part)))).collect(),
            other => vec![path(other)],
        };
        Self { paths, ignore_case, default: None }
    }

    /// What a path that leads nowhere gives.
    pub(crate) fn or(mut self, default: Option<Val>) -> Self {
        self.default = default;
        self
    }

    /// The value at the (first) path.
    pub(crate) fn get(&self, ev: &Eval<'_>, item: &Val) -> Res<Val> {
        let mut value = item.clone();
        for part in self.paths.first().map_or(&[][..], Vec::as_slice) {
            value = ev.item(&value, part)?;
            if let (Some(default), true) = (&self.default, value.is_undefined()) {
                value = default.clone();
            }
        }
        Ok(self.folded(value))
    }

    /// The values at all paths.
    pub(crate) fn all(&self, ev: &Eval<'_>, item: &Val) -> Res<Vec<Val>> {
        let mut found = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            let mut value = item.clone();
            for part in path {
                value = ev.item(&value, part)?;
            }
            found.push(self.folded(value.used()?));
        }
        Ok(found)
    }

    fn folded(&self, value: Val) -> Val {
        match value {
            Val::Str(text) if self.ignore_case => Val::from(text.to_lowercase()),
            other => other,
        }
    }
}

fn path(attribute: Option<&Val>) -> Vec<Val> {
    match attribute {
        None | Some(Val::None) => Vec::new(),
        Some(Val::Str(text)) => text.split('.').map(part).collect(),
        Some(other) => vec![other.clone()],
    }
}

fn part(part: &str) -> Val {
    match part.parse() {
        Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Val::Int(index),
        _ => Val::from(part),
    }
}
