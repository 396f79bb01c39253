//! `raw`: a shell command without any agent.

use data::{Map, Value};

use super::ActionCall;
use crate::connection::RawOutput;
use crate::trouble::Trouble;

/// Runs the free text in the login shell of the target.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let Some(command) = call.raw().filter(|command| !command.is_empty()) else {
        return Err(Trouble::raised("no command given"));
    };
    if call.keywords.check {
        return Ok(Map::from([("skipped", Value::from(true)), ("changed", false.into())]));
    }
    let command = match call.text("executable") {
        Some(shell) => format!("{shell} -c {}", modules::process::quote(&command)),
        None => command,
    };
    let (connection, become_as) = call.connection()?;
    let mut result = command_result(&connection.raw(&command, become_as.as_ref())?);
    result.insert("changed", true);
    if result.get("rc") != Some(&Value::from(0)) {
        result.insert("failed", true);
        result.insert("msg", "non-zero return code");
    }
    Ok(result)
}

/// What a command said, as modules report it.
pub(super) fn command_result(output: &RawOutput) -> Map {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = |text: &str| text.lines().map(Value::from).collect::<Value>();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Map::from([
        ("rc", Value::from(output.rc)),
        ("stdout_lines", lines(&stdout)),
        ("stderr_lines", lines(&stderr)),
        ("stdout", stdout.into()),
        ("stderr", stderr.into()),
    ])
}
