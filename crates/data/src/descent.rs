//! A bound on how deep a value from the wire may be nested: each level costs stack, and a hostile host chooses the levels.

use std::cell::Cell;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Deeper than any result of a module or any variable that a person writes.
const DEEPEST: u32 = 128;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level down, for as long as it lives.
pub(crate) struct Descent(());

impl Descent {
    /// Goes down a level; an error if that is too deep.
    pub(crate) fn enter<E: Error>() -> Result<Self, E> {
        let depth = DEPTH.get();
        if depth >= DEEPEST {
            return Err(E::custom(format!("a value is nested deeper than {DEEPEST} levels")));
        }
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }
}

impl Drop for Descent {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Deserializes what may hold values of its own kind.
pub(crate) fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let _level = Descent::enter()?;
    T::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use crate::Value;

    #[test]
    fn nesting_without_end_is_an_error_and_not_the_end_of_the_stack() {
        // `Value::List` of one item, a million times.
        let bytes = [5, 1].repeat(1_000_000);
        assert!(postcard::from_bytes::<Value>(&bytes).is_err());
        // A map with a key that is a tuple of a tuple of ...
        let bytes: Vec<u8> = [6, 1].into_iter().chain([5, 1].repeat(1_000_000)).collect();
        assert!(postcard::from_bytes::<Value>(&bytes).is_err());
    }

    #[test]
    fn ordinary_nesting_passes_again_and_again() {
        let mut value = Value::from(1);
        for _ in 0..100 {
            value = Value::from(vec![value]);
        }
        let bytes = postcard::to_stdvec(&value).unwrap();
        for _ in 0..3 {
            assert_eq!(postcard::from_bytes::<Value>(&bytes).unwrap(), value);
        }
    }
}
