//! The lab as an operator would write it down: `hosts.ini` (as root, and as a user with sudo), `known_hosts`, `ssh_config`.

use std::fmt::Write;
use std::path::Path;

use super::spec::Kind;
use super::state::{LabHost, LabState};

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// `root` with its password.
    Root,
    /// `ops`, who may become root with a password.
    Sudo,
}

/// The text of a `hosts.ini` in the form of the installer's sample. `known_hosts` is an absolute path.
pub(crate) fn hosts_ini(state: &LabState, login: Login, known_hosts: &Path) -> String {
    let hosts = state.hosts();
    let mut text = String::from(
        "; The hosts of the lab. Written by `taskbox lab`; the passwords open nothing else.\n[all]\n",
    );
    for host in &hosts {
        line(&mut text, &host_line(host, login, state));
    }
    // Host keys are checked against the file that was read inside the hosts.
    line(&mut text, "\n[all:vars]");
    line(&mut text, &format!("ansible_ssh_common_args=\"-o {}\"", known_hosts_option(known_hosts)));
    group(&mut text, "kube-master", &hosts, &[Kind::Master]);
    group(&mut text, "kube-node", &hosts, &[Kind::Node]);
    group(&mut text, "etcd", &hosts, &[Kind::Master]);
    if state.counts.lbs > 0 {
        group(&mut text, "loadbalancer", &hosts, &[Kind::Lb]);
    }
    text.push_str("\n[k8s-cluster:children]\nkube-node\nkube-master\n");
    text
}

/// The option for OpenSSH, which takes a space in the value for the end of a path unless it is quoted for it.
fn known_hosts_option(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) {
        format!("'UserKnownHostsFile=\\\"{path}\\\"'")
    } else {
        format!("UserKnownHostsFile={path}")
    }
}

fn host_line(host: &LabHost, login: Login, state: &LabState) -> String {
    let place = format!("{:<8} ansible_host={address} ip={address}", host.name, address = host.address);
    match login {
        Login::Root => format!("{place} ansible_user=root ansible_ssh_pass={}", state.root_password),
        Login::Sudo => format!(
            "{place} ansible_user=ops ansible_ssh_pass={password} ansible_become=yes ansible_become_pass={password}",
            password = state.ops_password
        ),
    }
}

fn group(text: &mut String, name: &str, hosts: &[LabHost], kinds: &[Kind]) {
    line(text, &format!("\n[{name}]"));
    for host in hosts.iter().filter(|host| kinds.contains(&host.kind)) {
        line(text, &host.name);
    }
}

/// The text of a `known_hosts`: each host's keys under its name and its address.
pub(crate) fn known_hosts(keys: &[(LabHost, Vec<String>)]) -> String {
    let mut text = String::new();
    for (host, keys) in keys {
        for key in keys {
            line(&mut text, &format!("{},{} {key}", host.name, host.address));
        }
    }
    text
}

/// The text of a configuration for OpenSSH: `ssh -F ssh_config master1` logs in as root with the lab's key.
pub(crate) fn ssh_config(state: &LabState, folder: &Path) -> String {
    let mut text = String::new();
    for host in state.hosts() {
        line(&mut text, &format!("Host {}\n    HostName {}", host.name, host.address));
    }
    let _ = write!(
        text,
        "Host *\n    User root\n    IdentityFile \"{0}/id_ed25519\"\n    IdentitiesOnly yes\n    \
         UserKnownHostsFile \"{0}/known_hosts\"\n    StrictHostKeyChecking yes\n    LogLevel ERROR\n",
        folder.display()
    );
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::spec::Counts;
    use super::super::state::tests::example;
    use super::*;

    #[test]
    fn hosts_ini_has_the_form_of_the_sample() {
        let state = example(Counts { masters: 1, nodes: 1, lbs: 1 });
        assert_eq!(
            hosts_ini(&state, Login::Root, Path::new("/p/known_hosts")),
            "; The hosts of the lab. Written by `taskbox lab`; the passwords open nothing else.\n\
             [all]\n\
             master1  ansible_host=172.30.0.11 ip=172.30.0.11 ansible_user=root ansible_ssh_pass=rootsecret\n\
             node1    ansible_host=172.30.0.101 ip=172.30.0.101 ansible_user=root ansible_ssh_pass=rootsecret\n\
             lb1      ansible_host=172.30.0.21 ip=172.30.0.21 ansible_user=root ansible_ssh_pass=rootsecret\n\
             \n[all:vars]\n\
             ansible_ssh_common_args=\"-o UserKnownHostsFile=/p/known_hosts\"\n\
             \n[kube-master]\nmaster1\n\
             \n[kube-node]\nnode1\n\
             \n[etcd]\nmaster1\n\
             \n[loadbalancer]\nlb1\n\
             \n[k8s-cluster:children]\nkube-node\nkube-master\n"
        );
    }

    #[test]
    fn a_path_with_spaces_stays_one_path() {
        let text = hosts_ini(&example(Counts::default()), Login::Root, Path::new("/my project/known_hosts"));
        let wanted = r#"ansible_ssh_common_args="-o 'UserKnownHostsFile=\"/my project/known_hosts\"'""#;
        assert!(text.lines().any(|line| line == wanted), "{text}");
    }

    #[test]
    fn the_sudo_form_gives_both_passwords_and_no_root() {
        let text = hosts_ini(&example(Counts { masters: 1, nodes: 0, lbs: 0 }), Login::Sudo, Path::new("/k"));
        assert!(text.contains(
            "ansible_user=ops ansible_ssh_pass=opssecret ansible_become=yes ansible_become_pass=opssecret"
        ));
        assert!(!text.contains("rootsecret") && !text.contains("[loadbalancer]"));
    }

    #[test]
    fn host_keys_are_known_by_name_and_address() {
        let host = example(Counts::default()).host("lb2").expect("there");
        let text = known_hosts(&[(host, vec!["ssh-ed25519 AAAA".into(), "ecdsa-sha2-nistp256 BBBB".into()])]);
        assert_eq!(text, "lb2,172.30.0.22 ssh-ed25519 AAAA\nlb2,172.30.0.22 ecdsa-sha2-nistp256 BBBB\n");
    }
}
