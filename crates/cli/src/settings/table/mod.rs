//! Every setting of Ansible, each once, with whether taskbox follows it and why not. Settings of plugins whose work taskbox does itself
//! (ssh, sudo, su, the default output and others) stand here under lowercase names.

mod connection;
mod inventory;
mod moot;
mod output;
mod refused;
mod run;

use super::setting::Setting;

/// All settings, in no order that matters.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> + Clone {
    [run::RUN, connection::CONNECTION, inventory::INVENTORY, output::OUTPUT, moot::MOOT, refused::REFUSED]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_keys_and_variables_are_each_in_one_setting() {
        let mut seen = HashSet::new();
        for setting in all() {
            assert!(seen.insert(setting.name.to_owned()), "{}", setting.name);
            for (section, key) in setting.ini {
                assert!(seen.insert(format!("[{section}] {key}")), "[{section}] {key}");
            }
            // Ansible's plugins for becoming all read it.
            for variable in setting.env.iter().filter(|variable| **variable != "ANSIBLE_BECOME_PASS") {
                assert!(seen.insert(format!("${variable}")), "{variable}");
            }
        }
        assert!(seen.len() > 500, "{}", seen.len());
    }

    #[test]
    fn keys_are_lowercase_as_files_are_read() {
        for (section, key) in all().flat_map(|setting| setting.ini) {
            assert_eq!(*key, key.to_lowercase(), "[{section}]");
        }
    }
}
