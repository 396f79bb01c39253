//! Checked arguments, read by type. What is read has been converted already, so a wrong type here is a fault of the module's table.

use std::path::PathBuf;

use data::{Map, Value};

use crate::Failure;

/// The arguments of one call: every name of the table is there, `null` where nothing was given and nothing is the default.
#[derive(Clone, Debug, Default)]
pub struct Args {
    values: Map,
    warnings: Vec<String>,
}

impl Args {
    pub(crate) fn new(values: Map, warnings: Vec<String>) -> Self {
        Self { values, warnings }
    }

    /// All values by name, as `invocation.module_args` shows them.
    pub fn values(&self) -> &Map {
        &self.values
    }

    /// Remarks that came up while checking.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The value of a name, whatever its type; `None` for `null`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Whether a value is there.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// Ansible's `missing required arguments: NAME`.
    pub fn str(&self, name: &str) -> Result<&str, Failure> {
        self.opt_str(name).ok_or_else(|| Failure::new(format!("missing required arguments: {name}")))
    }

    /// A text that may be missing.
    pub fn opt_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A path that must be there.
    ///
    /// # Errors
    /// As [`Self::str`].
    pub fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        self.str(name).map(PathBuf::from)
    }

    /// A path that may be missing.
    pub fn opt_path(&self, name: &str) -> Option<PathBuf> {
        self.opt_str(name).map(PathBuf::from)
    }

    /// A boolean; missing is false.
    pub fn bool(&self, name: &str) -> bool {
        self.opt_bool(name).unwrap_or(false)
    }

    /// A boolean that may be missing.
    pub fn opt_bool(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// A whole number that may be missing; one beyond 64 bits is taken as the nearest that fits.
    pub fn int(&self, name: &str) -> Option<i64> {
        let number = self.get(name).and_then(Value::as_int)?;
        Some(i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX }))
    }

    /// A number that may be missing.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Float(number) => Some(*number),
            Value::Int(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The items of a list; empty if missing.
    pub fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_list).map_or(&[], |list| list)
    }

    /// The texts of a list of texts; empty if missing.
    pub fn strings(&self, name: &str) -> Vec<&str> {
        self.list(name).iter().filter_map(Value::as_str).collect()
    }

    /// A dictionary that may be missing.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.get(name).and_then(Value::as_map)
    }

    /// The arguments inside a dictionary argument with options.
    pub fn inner(&self, name: &str) -> Option<Self> {
        self.map(name).map(|map| Self::new(map.clone(), Vec::new()))
    }

    /// The arguments inside each dictionary of a list with options.
    pub fn inner_list(&self, name: &str) -> Vec<Self> {
        self.list(name)
            .iter()
            .filter_map(Value::as_map)
            .map(|map| Self::new(map.clone(), Vec::new()))
            .collect()
    }

    /// The same arguments with one value replaced; for a module that hands its work to another.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_reads_as_missing() {
        let args = Args::new(Map::from([("a", Value::Null), ("b", Value::from(3))]), Vec::new());
        assert!(!args.has("a"));
        assert_eq!(args.int("b"), Some(3));
        assert_eq!(args.str("a").unwrap_err().msg, "missing required arguments: a");
    }

    #[test]
    fn a_number_too_large_is_clamped() {
        let args = Args::new(Map::from([("n", i128::MAX)]), Vec::new());
        assert_eq!(args.int("n"), Some(i64::MAX));
    }
}
