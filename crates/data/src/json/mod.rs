//! JSON as Python's `json` module reads and writes it: `NaN` and `Infinity` are numbers, errors speak its words.

mod parse;
mod write;

pub use parse::{JsonError, parse, parse_node, without_lone_surrogates};
pub use write::{JsonStyle, write, write_at};
