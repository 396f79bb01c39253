//! Every keyword of plays, roles, blocks and tasks, in one table: where it may stand, what it takes, whether it is inherited, and whether
//! taskbox does what it says. Names and places are those of Ansible's page "Playbook Keywords".

use data::Value;

/// Where a keyword may stand, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct On(u8);

impl On {
    /// A play.
    pub const PLAY: Self = Self(1);
    /// An entry of `roles:` or of a role's dependencies.
    pub const ROLE: Self = Self(2);
    /// A block.
    pub const BLOCK: Self = Self(4);
    /// A task.
    pub const TASK: Self = Self(8);
    /// A handler.
    pub const HANDLER: Self = Self(16);
    /// An `import_playbook` entry.
    pub const PLAYBOOK_IMPORT: Self = Self(32);

    /// Both sets.
    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets share a place.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Ansible's word for one place.
    pub fn noun(self) -> &'static str {
        match self {
            Self::PLAY => "Play",
            Self::ROLE => "RoleInclude",
            Self::BLOCK => "Block",
            Self::HANDLER => "Handler",
            Self::PLAYBOOK_IMPORT => "PlaybookInclude",
            _ => "Task",
        }
    }
}

/// What a keyword takes. Templates are allowed nearly everywhere and are checked when they are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Text; numbers and booleans are taken as their text.
    Text,
    /// A boolean or one of Ansible's boolean words.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A number, or text of one with `%`.
    Percent,
    /// A list; one value stands for a list of one.
    List,
    /// A mapping.
    Dict,
    /// Whatever its own rules say.
    Any,
}

/// Whether taskbox does what the keyword says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Yes,
    /// A file that uses it is refused, for this reason.
    Refused(&'static str),
}

/// Keywords that a task inherits from its block, role and play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Ansible's keywords")]
pub enum Inherited {
    AnyErrorsFatal,
    Become,
    BecomeExe,
    BecomeFlags,
    BecomeMethod,
    BecomeUser,
    CheckMode,
    Collections,
    Connection,
    Debugger,
    DelegateFacts,
    DelegateTo,
    Diff,
    Environment,
    IgnoreErrors,
    IgnoreUnreachable,
    ModuleDefaults,
    NoLog,
    Notify,
    Port,
    RemoteUser,
    RunOnce,
    Tags,
    Throttle,
    Timeout,
    When,
}

impl Inherited {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::When as usize + 1;

    /// How an inner value meets the one it inherits.
    pub(crate) fn joins(self) -> Joins {
        match self {
            Self::Environment | Self::ModuleDefaults | Self::When => Joins::OuterFirst,
            Self::Tags => Joins::InnerFirst,
            _ => Joins::Replaces,
        }
    }
}

/// How an inner keyword meets the same keyword outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joins {
    /// The inner one stands alone.
    Replaces,
    /// One list: the outer's items, then the inner's.
    OuterFirst,
    /// One list: the inner's items, then the outer's.
    InnerFirst,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub on: On,
    /// What it takes.
    pub takes: Takes,
    /// Set for keywords that tasks inherit.
    pub inherited: Option<Inherited>,
    /// Whether it is honored.
    pub support: Support,
}

const PLAY: On = On::PLAY;
const BLOCK: On = On::BLOCK;
const TASK: On = On::TASK.or(On::HANDLER);
const HANDLER: On = On::HANDLER;
const ROLE: On = On::ROLE;
const IMPORT: On = On::PLAYBOOK_IMPORT;
/// What every object of a playbook takes.
const ALL: On = PLAY.or(ROLE).or(BLOCK).or(TASK).or(IMPORT);
const NOT_PLAY: On = ROLE.or(BLOCK).or(TASK).or(IMPORT);

const fn row(name: &'static str, on: On, takes: Takes) -> Keyword {
    Keyword { name, on, takes, inherited: None, support: Support::Yes }
}

const fn inherited(name: &'static str, on: On, takes: Takes, inherited: Inherited) -> Keyword {
    Keyword { name, on, takes, inherited: Some(inherited), support: Support::Yes }
}

/// The table, by name.
pub static KEYWORDS: &[Keyword] = &[
    row("action", TASK, Takes::Any),
    row("always", BLOCK, Takes::List),
    inherited("any_errors_fatal", ALL, Takes::Bool, Inherited::AnyErrorsFatal),
    row("args", TASK, Takes::Dict),
    row("async", TASK, Takes::Int),
    inherited("become", ALL, Takes::Bool, Inherited::Become),
    inherited("become_exe", ALL, Takes::Text, Inherited::BecomeExe),
    inherited("become_flags", ALL, Takes::Text, Inherited::BecomeFlags),
    inherited("become_method", ALL, Takes::Text, Inherited::BecomeMethod),
    inherited("become_user", ALL, Takes::Text, Inherited::BecomeUser),
    row("block", BLOCK, Takes::List),
    row("changed_when", TASK, Takes::List),
    inherited("check_mode", ALL, Takes::Bool, Inherited::CheckMode),
    inherited("collections", ALL, Takes::List, Inherited::Collections),
    inherited("connection", ALL, Takes::Text, Inherited::Connection),
    inherited("debugger", ALL, Takes::Text, Inherited::Debugger),
    row("delay", TASK, Takes::Float),
    inherited("delegate_facts", ROLE.or(BLOCK).or(TASK), Takes::Bool, Inherited::DelegateFacts),
    inherited("delegate_to", ROLE.or(BLOCK).or(TASK), Takes::Text, Inherited::DelegateTo),
    inherited("diff", ALL, Takes::Bool, Inherited::Diff),
    inherited("environment", ALL, Takes::List, Inherited::Environment),
    row("fact_path", PLAY, Takes::Text),
    row("failed_when", TASK, Takes::List),
    row("force_handlers", PLAY, Takes::Bool),
    row("gather_facts", PLAY, Takes::Bool),
    row("gather_subset", PLAY, Takes::List),
    row("gather_timeout", PLAY, Takes::Int),
    row("handlers", PLAY, Takes::List),
    row("hosts", PLAY, Takes::List),
    inherited("ignore_errors", ALL, Takes::Bool, Inherited::IgnoreErrors),
    inherited("ignore_unreachable", ALL, Takes::Bool, Inherited::IgnoreUnreachable),
    row("import_playbook", IMPORT, Takes::Text),
    row("ansible.builtin.import_playbook", IMPORT, Takes::Text),
    row("ansible.legacy.import_playbook", IMPORT, Takes::Text),
    row("listen", HANDLER, Takes::List),
    row("local_action", TASK, Takes::Any),
    row("loop", TASK, Takes::Any),
    row("loop_control", TASK, Takes::Dict),
    row("max_fail_percentage", PLAY, Takes::Percent),
    inherited("module_defaults", ALL, Takes::List, Inherited::ModuleDefaults),
    row("name", ALL, Takes::Text),
    inherited("no_log", ALL, Takes::Bool, Inherited::NoLog),
    inherited("notify", BLOCK.or(TASK), Takes::List, Inherited::Notify),
    row("order", PLAY, Takes::Text),
    row("poll", TASK, Takes::Int),
    inherited("port", ALL, Takes::Int, Inherited::Port),
    row("post_tasks", PLAY, Takes::List),
    row("pre_tasks", PLAY, Takes::List),
    row("register", TASK, Takes::Text),
    inherited("remote_user", ALL, Takes::Text, Inherited::RemoteUser),
    row("rescue", BLOCK, Takes::List),
    row("retries", TASK, Takes::Int),
    row("role", ROLE, Takes::Text),
    row("roles", PLAY, Takes::List),
    inherited("run_once", ALL, Takes::Bool, Inherited::RunOnce),
    row("serial", PLAY, Takes::List),
    row("strategy", PLAY, Takes::Text),
    inherited("tags", ALL, Takes::List, Inherited::Tags),
    row("tasks", PLAY, Takes::List),
    inherited("throttle", ALL, Takes::Int, Inherited::Throttle),
    inherited("timeout", ALL, Takes::Int, Inherited::Timeout),
    row("until", TASK, Takes::List),
    row("user", PLAY, Takes::Text),
    row("vars", ALL, Takes::Dict),
    row("vars_files", PLAY, Takes::List),
    row("vars_prompt", PLAY, Takes::List),
    inherited("when", NOT_PLAY, Takes::List, Inherited::When),
];

/// The row of a keyword that may stand at `on`.
pub fn keyword(name: &str, on: On) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|row| row.name == name && row.on.meets(on))
}

/// The names that may stand at `on`.
pub(crate) fn names(on: On) -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(move |row| row.on.meets(on)).map(|row| row.name)
}

/// Ansible's words for a boolean; `None` for anything else.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Int(number @ (0 | 1)) => Some(*number == 1),
        Value::Float(number) if *number == 0.0 || *number == 1.0 => Some(*number == 1.0),
        Value::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

impl Takes {
    /// What a person calls it, if `value` (not a template) is not that; `None` when it fits.
    pub(crate) fn mismatch(self, value: &Value) -> Option<&'static str> {
        let number = |value: &Value| match value {
            Value::Int(_) | Value::Float(_) => true,
            Value::Str(text) => text.trim().parse::<f64>().is_ok(),
            _ => false,
        };
        let fits = match self {
            Self::Any | Self::List => true,
            Self::Text => !matches!(value, Value::List(_) | Value::Map(_)),
            Self::Bool => boolean(value).is_some(),
            Self::Int => match value {
                Value::Bool(_) => true,
                Value::Float(number) => number.fract() == 0.0,
                Value::Str(text) => text.trim().parse::<i64>().is_ok(),
                other => other.as_int().is_some(),
            },
            Self::Float => number(value),
            Self::Percent => {
                number(value)
                    || value.as_str().is_some_and(|text| text.trim_end_matches('%').parse::<f64>().is_ok())
            }
            Self::Dict => value.as_map().is_some(),
        };
        (!fits).then_some(match self {
            Self::Any | Self::List => "a list",
            Self::Text => "text",
            Self::Bool => "a boolean",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Percent => "a number or a percentage",
            Self::Dict => "a mapping",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_but_for_full_names_and_says_where() {
        assert!(keyword("hosts", On::PLAY).is_some());
        assert!(keyword("hosts", On::TASK).is_none());
        assert!(keyword("listen", On::HANDLER).is_some());
        assert!(keyword("listen", On::TASK).is_none());
        assert!(keyword("when", On::PLAY).is_none());
    }

    #[test]
    fn booleans_are_ansibles_words() {
        for (text, expected) in
            [("yes", Some(true)), ("Off", Some(false)), ("1", Some(true)), ("maybe", None)]
        {
            assert_eq!(boolean(&Value::from(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_told() {
        assert_eq!(Takes::Int.mismatch(&Value::from("x")), Some("a whole number"));
        assert_eq!(Takes::Int.mismatch(&Value::from("3")), None);
        assert_eq!(Takes::Percent.mismatch(&Value::from("30%")), None);
        assert_eq!(Takes::Text.mismatch(&Value::from(vec![])), Some("text"));
    }
}
