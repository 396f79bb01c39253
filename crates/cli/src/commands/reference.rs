//! The reference page of the documentation: every keyword, setting, flag and module, from the tables that the program itself uses.

use clap::{Arg, ArgAction, Command, CommandFactory};
use playbook::{KEYWORDS, On, Support as KeywordSupport};

use super::doc;
use crate::Cli;
use crate::settings::{Setting, Support, table};

/// The commands that take Ansible's flags, with Ansible's names for them.
const COMMANDS: [(&str, &str); 6] = [
    ("playbook", "ansible-playbook"),
    ("run", "ansible"),
    ("inventory", "ansible-inventory"),
    ("vault", "ansible-vault"),
    ("config", "ansible-config"),
    ("doc", "ansible-doc"),
];

/// The page as Markdown.
pub(crate) fn page() -> String {
    let mut text = String::from(
        "# Reference\n\nMade by `taskbox doc --reference` from the tables that the program uses; a test fails when this page is stale.\n\n",
    );
    text.push_str(
        "- [Keywords](#keywords)\n- [Settings](#settings)\n- [Flags](#flags)\n- [Modules](#modules)\n\n",
    );
    text.push_str(&keywords());
    text.push_str(&settings());
    text.push_str(&flags());
    text.push_str(&modules());
    text
}

fn keywords() -> String {
    let places = [
        (On::PLAY, "play"),
        (On::ROLE, "role"),
        (On::BLOCK, "block"),
        (On::TASK, "task"),
        (On::HANDLER, "handler"),
        (On::PLAYBOOK_IMPORT, "import_playbook"),
    ];
    let mut text = String::from("## Keywords\n\n| Keyword | Stands in | Supported |\n| --- | --- | --- |\n");
    for keyword in KEYWORDS {
        let on = places.iter().filter(|(place, _)| keyword.on.meets(*place)).map(|(_, word)| *word);
        let support = match keyword.support {
            KeywordSupport::Yes => "yes".to_owned(),
            KeywordSupport::Refused(reason) => format!("no: {reason}"),
        };
        let on: Vec<&str> = on.collect();
        text.push_str(&format!("| `{}` | {} | {} |\n", keyword.name, on.join(", "), cell(&support)));
    }
    text + "\n"
}

fn settings() -> String {
    let mut text = String::from(
        "## Settings\n\nOf `ansible.cfg` and the environment. Where taskbox does not follow a setting, it warns whoever sets it. \
         *Nothing to do* means that the result is the same whatever the setting says.\n\n\
         | Setting | In ansible.cfg | Variable | Default | Followed |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut all: Vec<&Setting> = table::all().collect();
    all.sort_by_key(|setting| setting.name.to_lowercase());
    for setting in all {
        let ini: Vec<String> =
            setting.ini.iter().map(|(section, key)| format!("`[{section}] {key}`")).collect();
        let env: Vec<String> = setting.env.iter().map(|name| format!("`{name}`")).collect();
        let default = setting.default.unwrap_or_default().replace("{home}", "~/.ansible");
        let default = if default.is_empty() { String::new() } else { format!("`{}`", cell(&default)) };
        let followed = match setting.support {
            Support::Followed => format!("yes: {}", setting.about),
            Support::Moot => format!("nothing to do: {}", setting.about),
            Support::Refused => format!("no: {}", setting.about),
        };
        text.push_str(&format!(
            "| {} | {} | {} | {default} | {} |\n",
            setting.name,
            ini.join(" "),
            env.join(" "),
            cell(&followed)
        ));
    }
    text + "\n"
}

fn flags() -> String {
    let mut text = String::from("## Flags\n");
    let all = Cli::command();
    for (word, program) in COMMANDS {
        if let Some(command) = all.find_subcommand(word) {
            text.push_str(&format!("\n### taskbox {word}\n\nAlso called `{program}`.\n\n"));
            text.push_str(&table_of_flags(command));
            for action in command.get_subcommands().filter(|action| action.get_name() != "help") {
                text.push_str(&format!("\n#### taskbox {word} {}\n\n", action.get_name()));
                text.push_str(&table_of_flags(action));
            }
        }
    }
    text + "\n"
}

fn table_of_flags(command: &Command) -> String {
    let rows: String = command.get_arguments().filter(|arg| !arg.is_hide_set()).map(row_of_flag).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("| Flag | What it does |\n| --- | --- |\n{rows}")
}

fn row_of_flag(arg: &Arg) -> String {
    let value = match arg.get_action() {
        ArgAction::Set | ArgAction::Append => {
            let names = arg.get_value_names().unwrap_or_default();
            names.iter().map(|name| format!(" {name}")).collect::<String>()
        }
        _ => String::new(),
    };
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let aliases = arg.get_all_aliases().unwrap_or_default().into_iter().map(|alias| format!("--{alias}"));
    let names: Vec<String> = short.into_iter().chain(long).chain(aliases).collect();
    let name =
        if names.is_empty() { value.trim().to_owned() } else { format!("{}{value}", names.join(", ")) };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!("| `{name}` | {} |\n", cell(&help))
}

fn modules() -> String {
    let mut text = String::from(
        "## Modules\n\nModules that run on hosts; `taskbox doc NAME` describes their arguments.\n\n| Module | What it does | Check mode |\n| --- | --- | --- |\n",
    );
    for spec in doc::sorted() {
        let check = if spec.check_mode { "yes" } else { "skipped" };
        text.push_str(&format!("| `{}` | {} | {check} |\n", spec.full_name(), cell(spec.summary)));
    }
    text
}

/// Text that stays in one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run with `TASKBOX_WRITE_REFERENCE=1` to write the page anew.
    #[test]
    fn the_page_in_docs_is_the_one_that_the_program_makes() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
        if std::env::var_os("TASKBOX_WRITE_REFERENCE").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/reference.md is stale: run `taskbox doc --reference > docs/reference.md`"
        );
    }
}
