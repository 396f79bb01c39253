//! `~/.ssh/config`, as far as people lean on it under Ansible: `Host` blocks with the well-known keys. A block with anything else makes
//! its hosts use the system's `ssh`.

use std::sync::OnceLock;

use super::ssh_args::{SshOptions, home_path};

/// What the configuration of the user who runs us says about a host (as typed: an address or a name).
pub(crate) fn of_user(host: &str) -> SshOptions {
    // Asked for every task of every host; read once a run.
    static TEXT: OnceLock<Option<String>> = OnceLock::new();
    let read = || home_path("~/.ssh/config").and_then(|path| std::fs::read_to_string(path).ok());
    TEXT.get_or_init(read).as_deref().map(|text| options_of(text, host)).unwrap_or_default()
}

/// What this configuration says about a host: the first value of each key counts (ssh_config(5)).
fn options_of(text: &str, host: &str) -> SshOptions {
    let mut found = SshOptions::default();
    let mut applies = true;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let split = line.find(|sign: char| sign == '=' || sign.is_whitespace()).unwrap_or(line.len());
        let value = line[split..].trim_start_matches(|sign: char| sign == '=' || sign.is_whitespace());
        match line[..split].to_ascii_lowercase().as_str() {
            "host" => {
                applies =
                    data::fits_ssh_patterns(value.split_whitespace().map(|word| word.trim_matches('"')), host)
            }
            // Whether these apply is for OpenSSH to say.
            "match" | "include" => {
                found.set_pair(line);
                applies = false;
            }
            _ if applies => found.set_pair(line),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str =
        "# mine\nHost web* !web9\n  HostName 10.0.0.5\n  Port=2200\n\nHost *\n  User deploy\n  Port 22\n";

    #[test]
    fn the_first_value_of_a_matching_block_counts() {
        let found = options_of(CONFIG, "web1");
        assert_eq!(
            (found.address.as_deref(), found.port, found.user.as_deref()),
            (Some("10.0.0.5"), Some(2200), Some("deploy"))
        );
        assert_eq!(found.beyond, None);
    }

    #[test]
    fn a_negated_pattern_takes_its_host_out() {
        let found = options_of(CONFIG, "web9");
        assert_eq!((found.address, found.port), (None, Some(22)));
    }

    #[test]
    fn a_jump_host_is_left_to_openssh_for_its_hosts_only() {
        let text = "Host inner\n ProxyJump bastion\n";
        assert!(options_of(text, "inner").beyond.is_some());
        assert!(options_of(text, "outer").beyond.is_none());
    }
}
