//! Names that variables should not have: keywords of plays, roles, blocks and tasks, and words of the template language.

use data::{Diagnostic, Key, Map};

use crate::shared::Shared;

/// What templates can always use.
const TEMPLATE: [&str; 12] = [
    "cycler",
    "dict",
    "joiner",
    "lipsum",
    "lookup",
    "namespace",
    "now",
    "omit",
    "q",
    "query",
    "range",
    "undef",
];

/// Keys of the keyword table that are no attributes of Ansible's objects.
const NOT_KEYWORDS: [&str; 5] = ["gather_subset", "import_playbook", "role", "user", "vars"];

fn is_reserved(name: &str) -> bool {
    TEMPLATE.contains(&name)
        || name == "with_"
        || !NOT_KEYWORDS.contains(&name) && playbook::KEYWORDS.iter().any(|row| row.name == name)
}

/// Warns of variables whose names mean something else; of each name once.
pub(crate) fn warn(shared: &Shared, vars: &Map) {
    for key in vars.keys() {
        let Key::Str(name) = key else { continue };
        if is_reserved(name) {
            let title = format!("Found variable using reserved name '{}'.", name.as_str());
            shared.warn(Diagnostic::warning(title).at_opt(name.place(), ""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_words_of_templates_are_reserved() {
        for (name, reserved) in [
            ("become", true),
            ("lookup", true),
            ("hosts", true),
            ("vars", false),
            ("gather_subset", false),
            ("web", false),
        ] {
            assert_eq!(is_reserved(name), reserved, "{name}");
        }
    }
}
