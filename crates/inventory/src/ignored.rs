//! Files of an inventory folder that are no inventories: hidden ones, folders of variables, and those with some endings.

use fancy_regex::Regex;

/// Endings that Ansible leaves out unless it is told otherwise.
const ENDINGS: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];

/// What is left out of inventory folders.
#[derive(Clone, Debug)]
pub struct Ignored {
    endings: Vec<String>,
    patterns: Vec<Regex>,
}

impl Default for Ignored {
    fn default() -> Self {
        Self { endings: ENDINGS.map(str::to_owned).to_vec(), patterns: Vec::new() }
    }
}

impl Ignored {
    /// Names with these endings (`inventory_ignore_extensions`), and those in which one of these patterns is found
    /// (`inventory_ignore_patterns`).
    ///
    /// # Errors
    /// The first pattern that is no regular expression, with the reason.
    pub fn new(endings: Vec<String>, patterns: &[String]) -> Result<Self, (String, String)> {
        let compile =
            |pattern: &String| Regex::new(pattern).map_err(|error| (pattern.clone(), error.to_string()));
        let patterns = patterns.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { endings, patterns })
    }

    /// Whether a file or folder of this name is left out.
    pub(crate) fn holds(&self, name: &str) -> bool {
        name.starts_with('.')
            || matches!(name, "group_vars" | "host_vars" | "vars_plugins")
            || self.endings.iter().any(|ending| name.ends_with(ending.as_str()))
            || self.patterns.iter().any(|pattern| pattern.is_match(name).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_and_patterns_are_those_of_the_settings() {
        let usual = Ignored::default();
        let own = Ignored::new(vec![".ini".to_owned()], &["^old".to_owned()]).unwrap();
        for (name, by_default, by_own) in [
            ("hosts.ini", false, true),
            ("hosts.bak", true, false),
            ("old-hosts", false, true),
            (".hosts", true, true),
            ("group_vars", true, true),
        ] {
            assert_eq!((usual.holds(name), own.holds(name)), (by_default, by_own), "{name}");
        }
        assert_eq!(Ignored::new(Vec::new(), &["(".to_owned()]).unwrap_err().0, "(");
    }
}
