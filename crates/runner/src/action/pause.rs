//! `pause`: waits for a time or for the user.

use std::time::{Duration, Instant};

use data::{Map, Value};

use super::ActionCall;
use crate::options::Question;
use crate::task::attempts;
use crate::trouble::Trouble;

/// Waits `seconds` or `minutes`; without either asks the user and gives the answer as `user_input`.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    check(call)?;
    let seconds = match (call.number("minutes")?, call.number("seconds")?) {
        (Some(minutes), _) => Some(minutes * 60.0),
        (None, seconds) => seconds,
    };
    let (start, began) = (Instant::now(), now());
    let echo = call.flag("echo").unwrap_or(true);
    let mut answer = String::new();
    match seconds {
        Some(seconds) => {
            let time =
                Duration::from_secs_f64(seconds.clamp(0.0, 1e9).max(if seconds < 1.0 { 1.0 } else { 0.0 }));
            call.job.tell(0, format!("Pausing for {} seconds", time.as_secs()));
            attempts::pause(time, &call.job.shared.options.interrupt);
        }
        None => answer = ask(call, echo)?,
    }
    let waited = start.elapsed().as_secs_f64();
    let shown = if seconds.is_some_and(|seconds| seconds >= 60.0) && call.args.contains_key("minutes") {
        format!("Paused for {:.2} minutes", waited / 60.0)
    } else {
        format!("Paused for {waited:.2} seconds")
    };
    Ok(Map::from([
        ("changed", Value::from(false)),
        ("rc", 0.into()),
        ("stderr", "".into()),
        ("stdout", shown.into()),
        ("start", began.into()),
        ("stop", now().into()),
        ("delta", (waited as u64).into()),
        ("echo", echo.into()),
        ("user_input", answer.into()),
    ]))
}

/// Whether the arguments are of their types, in Ansible's words.
fn check(call: &ActionCall<'_>) -> Result<(), Trouble> {
    let wrong = |name: &str, value: &Value, kind: &str, why: String| {
        let of = value.kind().python_name();
        Err(Trouble::raised(format!(
            "argument '{name}' is of type {of} and we were unable to convert to {kind}: {why}"
        )))
    };
    for name in ["minutes", "seconds"] {
        if let Some(value) = call.args.get(name).filter(|value| !value.is_null())
            && crate::task::finalized::number(value).is_none()
        {
            let why = format!("{} cannot be converted to an int", data::python::repr(value));
            return wrong(name, value, "int", why);
        }
    }
    match call.args.get("echo").filter(|value| !value.is_null()) {
        Some(value) if playbook::boolean(value).is_none() => {
            let why = format!("The value {} is not a valid boolean.", data::python::repr(value));
            wrong("echo", value, "bool", why)
        }
        _ => Ok(()),
    }
}

/// The time as Python's `str(datetime.now())` gives it.
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

fn ask(call: &ActionCall<'_>, echo: bool) -> Result<String, Trouble> {
    let Some(prompter) = &call.job.shared.options.prompter else {
        call.job.warn(data::Diagnostic::warning(
            "Not waiting for response to prompt as stdin is not interactive",
        ));
        return Ok(String::new());
    };
    let prompt = call.text("prompt").unwrap_or_else(|| "Press enter to continue, Ctrl+C to interrupt".into());
    let text = format!("[{}]\n{prompt}:", call.job.head.name);
    let question = Question { text, hidden: !echo, default: None, confirm: false };
    let answer = prompter.ask(&question).map_err(|error| Trouble::failed(error.title))?;
    Ok(answer.as_str().to_owned())
}
