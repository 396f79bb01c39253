//! `omit`: the value that takes its own key or item away when a task's arguments are resolved.

use std::sync::Arc;

use data::{Undefined, Value};

/// No name can hold a space, so no missing variable has this hint.
const HINT: &str = "the value of `omit` was used";

/// What Ansible says where `omit` stands and a value is needed.
pub const OMITTED: &str = "A template was resolved to an Omit scalar.";

/// Ansible's `omit`. Inside lists and dictionaries [`crate::Engine::resolve`] has already taken it out; a whole result can still be it.
pub fn omit() -> Value {
    Value::Undefined(Arc::new(Undefined { hint: HINT.to_owned(), place: None }))
}

/// Whether this is [`omit`].
pub fn is_omit(value: &Value) -> bool {
    matches!(value, Value::Undefined(missing) if missing.hint == HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_omit_is_omit() {
        assert!(is_omit(&omit()));
        assert!(!is_omit(&Value::undefined("omit")));
        assert!(!is_omit(&Value::Null));
    }
}
