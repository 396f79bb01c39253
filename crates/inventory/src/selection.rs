//! Which formats of sources are tried.

/// `enable_plugins`: the formats that are tried.
#[derive(Clone, Debug)]
pub struct Enabled(Vec<String>);

impl Default for Enabled {
    fn default() -> Self {
        Self(["host_list", "script", "auto", "yaml", "ini", "toml"].map(str::to_owned).into())
    }
}

impl Enabled {
    /// These, with or without the collection `ansible.builtin`.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let short = |name: String| name.strip_prefix("ansible.builtin.").map_or(name.clone(), str::to_owned);
        Self(names.into_iter().map(short).collect())
    }

    /// Whether a format is tried.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Whether a file may configure this plugin: it is enabled itself, or any of them is.
    pub(crate) fn has_plugin(&self, name: &str) -> bool {
        self.has("auto") || self.has(name.strip_prefix("ansible.builtin.").unwrap_or(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_enabled_by_name_or_by_auto() {
        assert!(Enabled::default().has_plugin("constructed") && !Enabled::default().has("constructed"));
        let only = Enabled::new(["ansible.builtin.constructed".to_owned()]);
        assert!(only.has_plugin("constructed") && !only.has("ini") && !only.has_plugin("generator"));
    }
}
