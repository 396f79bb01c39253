//! `vars_prompt`: asks the user before a play.

use data::{Diagnostic, Map, Text, Value};
use playbook::{Play, boolean};

use crate::options::Question;
use crate::task::finalized::shown;
use crate::variables::scope::TaskScope;

/// Asks for every variable that extra variables do not give, and puts the answers into `vars`.
///
/// # Errors
/// Nobody is there to answer and there is no default, or an option is not supported.
pub(crate) fn ask(play: &Play, scope: &TaskScope, vars: &mut Map) -> Result<(), Diagnostic> {
    for prompt in &play.vars_prompt {
        if scope.shared.options.extra_vars.contains_key(prompt.name.as_str()) {
            continue;
        }
        let option = |name: &str| {
            let raw = prompt.options.get(name)?;
            Some(scope.resolve(raw).unwrap_or_else(|_| raw.clone()))
        };
        let encrypt = option("encrypt").as_ref().and_then(shown).filter(|scheme| !scheme.is_empty());
        let question = Question {
            text: option("prompt").as_ref().and_then(shown).unwrap_or_else(|| prompt.name.clone()),
            hidden: option("private").as_ref().and_then(boolean).unwrap_or(true),
            default: option("default").filter(|default| !default.is_null()).as_ref().and_then(shown),
            confirm: option("confirm").as_ref().and_then(boolean).unwrap_or(false),
        };
        let answer = match (&scope.shared.options.prompter, &question.default) {
            // As in Ansible the answer may be shown later: `no_log` hides it.
            (Some(prompter), _) => Text::plain(prompter.ask(&question)?.as_str()),
            (None, default) => {
                scope.shared.warn(Diagnostic::warning("Not prompting as we are not in interactive mode"));
                match default {
                    Some(default) => Text::plain(default.clone()),
                    None => {
                        // Python's word for nothing, as text.
                        vars.insert(prompt.name.as_str(), "None");
                        continue;
                    }
                }
            }
        };
        let value = match encrypt {
            Some(scheme) => encrypted(scope, &answer, &scheme, &option)?,
            None => Value::Str(answer),
        };
        vars.insert(prompt.name.as_str(), value);
    }
    Ok(())
}

/// The answer as the filter `password_hash` gives it.
fn encrypted(
    scope: &TaskScope,
    answer: &Text,
    scheme: &str,
    option: &dyn Fn(&str) -> Option<Value>,
) -> Result<Value, Diagnostic> {
    let mut local = scope.clone();
    local.local.insert("_answer", Value::Str(answer.clone()));
    local.local.insert("_scheme", scheme.replace("_crypt", ""));
    local.local.insert("_salt", option("salt").unwrap_or(Value::Null));
    let expression = Text::template("_answer | password_hash(_scheme, _salt)", None);
    local
        .shared
        .engine
        .evaluate(&expression, &local.context())
        // The hash may be shown, as in Ansible.
        .map(|hash| Value::from(data::python::str(&hash)))
        .map_err(|error| Diagnostic::error(error.to_string()))
}
