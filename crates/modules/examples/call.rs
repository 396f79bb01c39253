//! Runs one module in this process and prints its result, to compare it with another implementation's: `call MODULE '{"arg": 1}' [check]`,
//! or `call MODULE @FILE [check]` for arguments that are too long for a command line.

use std::io::{self, Write};

use data::json::{self, JsonStyle};
use taskbox_modules::{RunRequest, run_local};

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let module = words.next().unwrap_or_default();
    let given = words.next().unwrap_or_else(|| "{}".to_string());
    let text = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)?,
        None => given,
    };
    let args = json::parse(&text).map_err(io::Error::other)?;
    let mut request = RunRequest::new(module, args.as_map().cloned().unwrap_or_default());
    request.diff = true;
    request.check = words.next().as_deref() == Some("check");
    let result = run_local(&request);
    writeln!(io::stdout(), "{}", json::write(&result.into(), &JsonStyle::indented(2)))
}
