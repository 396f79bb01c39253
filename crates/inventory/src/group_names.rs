//! Names of groups that no variable could have: `force_valid_group_names`.

use std::borrow::Cow;

/// What becomes of such names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupNames {
    /// They are kept, and warned of.
    #[default]
    Never,
    /// They are kept.
    Ignore,
    /// Their characters are replaced by `_`, with a warning.
    Always,
    /// Their characters are replaced by `_`.
    Silently,
}

impl GroupNames {
    /// Ansible's word for it; another is the default.
    pub fn named(word: &str) -> Self {
        match word {
            "ignore" => Self::Ignore,
            "always" => Self::Always,
            "silently" => Self::Silently,
            _ => Self::Never,
        }
    }

    /// The name that a group gets.
    pub(crate) fn safe(self, name: &str) -> Cow<'_, str> {
        if matches!(self, Self::Never | Self::Ignore) || is_valid(name) {
            return Cow::Borrowed(name);
        }
        let replaced = name.char_indices().map(|(at, c)| if is_right(at, c) { c } else { '_' });
        Cow::Owned(replaced.collect())
    }

    /// The warning after a source was read, if there is one to give: with the first of these names that is affected.
    pub(crate) fn warning(self) -> Option<&'static str> {
        match self {
            Self::Never => Some(
                "Invalid characters were found in group names but not replaced, use -vvvv to see details",
            ),
            Self::Always => Some(
                "Invalid characters were found in group names and automatically replaced, use -vvvv to see details",
            ),
            Self::Ignore | Self::Silently => None,
        }
    }
}

/// Letters, digits and underscores, no digit first.
pub(crate) fn is_valid(name: &str) -> bool {
    name.char_indices().all(|(at, c)| is_right(at, c))
}

fn is_right(at: usize, c: char) -> bool {
    c == '_' || if at == 0 { c.is_alphabetic() } else { c.is_alphanumeric() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_name_can_have_is_replaced() {
        for (name, safe) in [("web", "web"), ("web-1.x", "web_1_x"), ("1st", "_st"), ("käse", "käse")] {
            assert_eq!(GroupNames::Always.safe(name), safe);
            assert_eq!(GroupNames::Never.safe(name), name);
        }
    }
}
