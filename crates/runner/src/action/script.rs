//! `script`: a file of the controller, run on the target.

use data::{Map, Text, Value};

use super::{ActionCall, copy};
use crate::trouble::Trouble;

pub(super) const ARGS: &[&str] = &["cmd", "chdir", "creates", "removes", "executable", "decrypt"];

/// Has the target run the script's content with its arguments.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let Some(line) = call.raw().or_else(|| call.text("cmd")).filter(|line| !line.trim().is_empty()) else {
        return Err(Trouble::raised("one of the following is required: _raw_params, cmd"));
    };
    for (option, stop_when) in [("creates", true), ("removes", false)] {
        let Some(path) = call.text(option) else { continue };
        let stat = call.module("stat", Map::from([("path", path.as_str())]), Vec::new())?;
        let there = stat.get("stat").and_then(|stat| stat.get("exists")).is_some_and(Value::is_truthy);
        if there == stop_when {
            let msg = if there {
                format!("{path} exists, matching creates option")
            } else {
                format!("{path} does not exist, matching removes option")
            };
            return Ok(Map::from([("skipped", Value::from(true)), ("msg", msg.into())]));
        }
    }
    let words = data::split::split_args(&Text::plain(line.as_str()))
        .map_err(|error| Trouble::raised(error.to_string()))?;
    let first =
        words.first().map(|word| data::split::unquote(word.chars.trim()).to_owned()).unwrap_or_default();
    let path = call.file("files", &first)?;
    if call.keywords.check {
        return Ok(in_check_mode(call));
    }
    execute(call, &path, &line)
}

/// A script may say itself that nothing changed, so that only `creates` and `removes` allow a guess.
fn in_check_mode(call: &ActionCall<'_>) -> Map {
    if call.text("creates").is_some() || call.text("removes").is_some() {
        return Map::from([("changed", true)]);
    }
    let msg = "Check mode is not supported for this task.";
    Map::from([("skipped", Value::from(true)), ("msg", msg.into()), ("changed", false.into())])
}

fn execute(call: &ActionCall<'_>, path: &std::path::Path, line: &str) -> Result<Map, Trouble> {
    let content = copy::content_of(call, path)?;
    let mut args = Map::from([("_raw_params", Value::from(line)), ("content_blob", content.hex().into())]);
    for option in ["chdir", "executable"] {
        if let Some(text) = call.text(option) {
            args.insert(option, text);
        }
    }
    let mut result = call.module("script", args, vec![content])?;
    for of_module in ["cmd", "start", "end", "delta", "invocation"] {
        result.remove(of_module);
    }
    if result.get_str("msg") == Some("") {
        result.remove("msg");
    }
    Ok(result)
}
