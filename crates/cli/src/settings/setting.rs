//! One setting: its names, its type and whether taskbox follows it.

/// What a setting's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `yes`, `on`, `1`, `true` and the like; everything else is false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Any text.
    Text,
    /// Texts with commas between them.
    List,
    /// A path; `~` and variables of the environment are expanded, and it starts at the settings file's folder.
    Path,
    /// Paths with colons between them.
    PathSpec,
    /// Paths with commas between them.
    PathList,
}

impl Kind {
    /// Ansible's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "float",
            Self::Text => "string",
            Self::List => "list",
            Self::Path => "path",
            Self::PathSpec => "pathspec",
            Self::PathList => "pathlist",
        }
    }
}

/// Whether taskbox does what a setting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    /// It does.
    Followed,
    /// It does so already, or there is nothing that the setting could change.
    Moot,
    /// It does not, and warns whoever sets it.
    Refused,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Ansible's name.
    pub(crate) name: &'static str,
    /// What its value is.
    pub(crate) kind: Kind,
    /// Its value when nobody sets it, as a file would say it. `{home}` is the setting ANSIBLE_HOME.
    pub(crate) default: Option<&'static str>,
    /// Where it stands in a settings file: section and key. The last one that is there counts.
    pub(crate) ini: &'static [(&'static str, &'static str)],
    /// Variables of the environment; the last one that is there counts.
    pub(crate) env: &'static [&'static str],
    /// The values that it may have; any, when empty.
    pub(crate) choices: &'static [&'static str],
    /// Whether taskbox follows it.
    pub(crate) support: Support,
    /// What it decides, or why it is not followed.
    pub(crate) about: &'static str,
}

impl Setting {
    /// Whether its value must not be shown.
    pub(crate) fn is_password(&self) -> bool {
        self.name.ends_with("_pass")
    }

    /// The same with only these values.
    pub(super) const fn one_of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
}

/// A setting that taskbox follows, and what it decides.
pub(super) const fn yes(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    ini: &'static [(&'static str, &'static str)],
    env: &'static [&'static str],
    about: &'static str,
) -> Setting {
    Setting { name, kind, default, ini, env, choices: &[], support: Support::Followed, about }
}

/// A setting that there is nothing to do for, and why.
pub(super) const fn moot(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    ini: &'static [(&'static str, &'static str)],
    env: &'static [&'static str],
    about: &'static str,
) -> Setting {
    Setting { support: Support::Moot, ..yes(name, kind, default, ini, env, about) }
}

/// A setting that taskbox does not follow, and why.
pub(super) const fn no(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    ini: &'static [(&'static str, &'static str)],
    env: &'static [&'static str],
    about: &'static str,
) -> Setting {
    Setting { support: Support::Refused, ..yes(name, kind, default, ini, env, about) }
}
