//! Runs one module in this process and prints its result, to compare it with another implementation's: `call MODULE '{"arg": 1}' [check]`.

use std::io::{self, Write};

use data::json::{self, JsonStyle};
use taskbox_modules::{RunRequest, run_local};

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let module = words.next().unwrap_or_default();
    let args = json::parse(&words.next().unwrap_or_else(|| "{}".to_string())).map_err(io::Error::other)?;
    let mut request = RunRequest::new(module, args.as_map().cloned().unwrap_or_default());
    request.diff = true;
    request.check = words.next().as_deref() == Some("check");
    let result = run_local(&request);
    writeln!(io::stdout(), "{}", json::write(&result.into(), &JsonStyle::indented(2)))
}
