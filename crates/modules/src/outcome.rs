//! What a module did: Ansible's result fields and the diff that shows it.

use data::{Key, Map, Value};

/// Content beyond this size is not shown in diffs (Ansible's `max_diff_size`).
const MAX_CONTENT: usize = 104_448;

/// The result of a module that did not fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Whether something changed (or would, in check mode).
    pub changed: bool,
    /// What changed, side by side; shown with `--diff`.
    pub diff: Vec<Diff>,
    /// Result fields as Ansible names them (`rc`, `stdout`, `dest` ...).
    pub fields: Map,
    /// Facts to keep for the host.
    pub facts: Option<Map>,
    /// Remarks for the user.
    pub warnings: Vec<String>,
    /// Whether the module did nothing because it could not in check mode.
    pub skipped: bool,
}

impl Outcome {
    /// Nothing changed.
    pub fn unchanged() -> Self {
        Self::default()
    }

    /// Something changed.
    pub fn changed() -> Self {
        Self { changed: true, ..Self::default() }
    }

    /// Changed or not.
    pub fn new(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.fields.insert(key, value);
        self
    }

    /// Adds the field `msg`.
    #[must_use]
    pub fn msg(self, text: impl Into<Value>) -> Self {
        self.with("msg", text)
    }

    /// Adds a diff.
    #[must_use]
    pub fn with_diff(mut self, diff: Diff) -> Self {
        self.diff.push(diff);
        self
    }

    /// Sets the facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Map) -> Self {
        self.facts = Some(facts);
        self
    }

    /// The result that Ansible would show. One diff is a dictionary, more are a list, as Ansible's modules return them.
    pub fn to_result(self) -> Map {
        let mut result = Map::from([("changed", self.changed)]);
        result.extend_from(&self.fields);
        match self.diff.as_slice() {
            [] => {}
            [one] => {
                result.insert("diff", one.to_value());
            }
            many => {
                result.insert("diff", many.iter().map(Diff::to_value).collect::<Value>());
            }
        }
        if let Some(facts) = self.facts {
            result.insert("ansible_facts", facts);
        }
        if !self.warnings.is_empty() {
            let seen: Vec<Value> = self.warnings.into_iter().map(Value::from).collect();
            result.insert("warnings", seen);
        }
        if self.skipped {
            result.insert("skipped", true);
        }
        result
    }
}

/// One before-and-after. Sides are texts, or dictionaries of properties; what is `None` does not show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// The state before.
    pub before: Option<Value>,
    /// The state after.
    pub after: Option<Value>,
    /// The name of the state before.
    pub before_header: Option<String>,
    /// The name of the state after.
    pub after_header: Option<String>,
    /// A diff drawn by another program (`apt`, `git`), shown as it is.
    pub prepared: Option<String>,
    /// Why a side does not show: `src_binary`, `dst_larger` and the like.
    pub marks: Vec<(&'static str, i64)>,
}

impl Diff {
    /// Two texts.
    pub fn text(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self {
            before: Some(Value::from(before.into())),
            after: Some(Value::from(after.into())),
            ..Self::default()
        }
    }

    /// Two dictionaries of properties.
    pub fn properties(before: Map, after: Map) -> Self {
        Self { before: Some(Value::Map(before)), after: Some(Value::Map(after)), ..Self::default() }
    }

    /// Two contents. One that is binary or too large shows as a mark instead, as Ansible does it.
    pub fn content(before: &[u8], after: &[u8]) -> Self {
        let mut diff = Self::default();
        diff.before = diff.side(before, "dst_binary", "dst_larger");
        diff.after = diff.side(after, "src_binary", "src_larger");
        diff
    }

    fn side(&mut self, bytes: &[u8], binary: &'static str, larger: &'static str) -> Option<Value> {
        if bytes.len() > MAX_CONTENT {
            self.marks.push((larger, MAX_CONTENT as i64));
            None
        } else if bytes.contains(&0) {
            self.marks.push((binary, 1));
            None
        } else {
            Some(Value::from(String::from_utf8_lossy(bytes).into_owned()))
        }
    }

    /// Names both sides.
    #[must_use]
    pub fn headers(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.before_header = Some(before.into());
        self.after_header = Some(after.into());
        self
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, side) in [("before", &self.before), ("after", &self.after)] {
            if let Some(value) = side {
                map.insert(key, value.clone());
            }
        }
        for (key, text) in [
            ("before_header", &self.before_header),
            ("after_header", &self.after_header),
            ("prepared", &self.prepared),
        ] {
            if let Some(text) = text {
                map.insert(key, text.as_str());
            }
        }
        for (name, mark) in &self.marks {
            map.insert(*name, *mark);
        }
        Value::Map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_diff_is_a_dictionary_and_two_are_a_list() {
        let one = Outcome::changed().with_diff(Diff::text("a", "b"));
        assert!(one.clone().to_result().get("diff").is_some_and(|diff| diff.as_map().is_some()));
        let two = one.with_diff(Diff::text("c", "d"));
        assert!(two.to_result().get("diff").is_some_and(|diff| diff.as_list().is_some()));
    }
}
