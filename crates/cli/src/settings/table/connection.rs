//! How hosts are reached, and as whom.

use super::super::setting::Kind::{Bool, Int, List, Path, Text};
use super::super::setting::{Setting, yes};

/// How hosts are reached, and as whom.
#[rustfmt::skip]
pub(super) const CONNECTION: &[Setting] = &[
    yes("BECOME_PASSWORD_FILE", Path, None, &[("defaults", "become_password_file")], &["ANSIBLE_BECOME_PASSWORD_FILE"], "a file with the password that becoming needs"),
    yes("CONNECTION_PASSWORD_FILE", Path, None, &[("defaults", "connection_password_file")], &["ANSIBLE_CONNECTION_PASSWORD_FILE"], "a file with the login password"),
    yes("DEFAULT_ASK_PASS", Bool, Some("False"), &[("defaults", "ask_pass")], &["ANSIBLE_ASK_PASS"], "ask for the login password"),
    yes("DEFAULT_BECOME", Bool, Some("False"), &[("privilege_escalation", "become")], &["ANSIBLE_BECOME"], "become another user"),
    yes("DEFAULT_BECOME_ASK_PASS", Bool, Some("False"), &[("privilege_escalation", "become_ask_pass")], &["ANSIBLE_BECOME_ASK_PASS"], "ask for the password that becoming needs"),
    yes("DEFAULT_BECOME_EXE", Text, None, &[("privilege_escalation", "become_exe")], &["ANSIBLE_BECOME_EXE"], "the program for it"),
    yes("DEFAULT_BECOME_FLAGS", Text, Some(""), &[("privilege_escalation", "become_flags")], &["ANSIBLE_BECOME_FLAGS"], "further flags for it"),
    yes("DEFAULT_BECOME_METHOD", Text, Some("sudo"), &[("privilege_escalation", "become_method")], &["ANSIBLE_BECOME_METHOD"], "how to become another user"),
    yes("DEFAULT_BECOME_USER", Text, Some("root"), &[("privilege_escalation", "become_user")], &["ANSIBLE_BECOME_USER"], "the user to become"),
    yes("DEFAULT_PRIVATE_KEY_FILE", Path, None, &[("defaults", "private_key_file")], &["ANSIBLE_PRIVATE_KEY_FILE"], "the key to log in with"),
    yes("DEFAULT_REMOTE_PORT", Int, None, &[("defaults", "remote_port")], &["ANSIBLE_REMOTE_PORT"], "the port to connect to"),
    yes("DEFAULT_REMOTE_USER", Text, None, &[("defaults", "remote_user")], &["ANSIBLE_REMOTE_USER"], "the user to log in as"),
    yes("DEFAULT_TIMEOUT", Int, Some("10"), &[("defaults", "timeout")], &["ANSIBLE_TIMEOUT"], "seconds to wait for a connection"),
    yes("DEFAULT_TRANSPORT", Text, Some("ssh"), &[("defaults", "transport")], &["ANSIBLE_TRANSPORT"], "the kind of connection"),
    yes("HOST_KEY_CHECKING", Bool, Some("True"), &[("defaults", "host_key_checking")], &["ANSIBLE_HOST_KEY_CHECKING"], "whether the keys of hosts are checked"),
    yes("reconnection_retries", Int, Some("0"), &[("connection", "retries"), ("ssh_connection", "retries")], &["ANSIBLE_SSH_RETRIES"], "further tries after a fault of the network"),
    yes("ssh_args", Text, Some("-C -o ControlMaster=auto -o ControlPersist=60s"), &[("ssh_connection", "ssh_args")], &["ANSIBLE_SSH_ARGS"], "arguments for ssh, before all others"),
    yes("ssh_common_args", Text, Some(""), &[("ssh_connection", "ssh_common_args")], &["ANSIBLE_SSH_COMMON_ARGS"], "arguments for ssh"),
    yes("ssh_executable", Text, Some("ssh"), &[("ssh_connection", "ssh_executable")], &["ANSIBLE_SSH_EXECUTABLE"], "the system's ssh program"),
    yes("ssh_extra_args", Text, Some(""), &[("ssh_connection", "ssh_extra_args")], &["ANSIBLE_SSH_EXTRA_ARGS"], "arguments for ssh alone"),
    yes("ssh_host_key_checking", Bool, None, &[("ssh_connection", "host_key_checking")], &["ANSIBLE_SSH_HOST_KEY_CHECKING"], "whether the keys of hosts are checked, before HOST_KEY_CHECKING"),
    yes("sshpass_prompt", Text, Some(""), &[("ssh_connection", "sshpass_prompt")], &["ANSIBLE_SSHPASS_PROMPT"], "the only question of ssh that the password answers"),
    yes("su_exe", Text, None, &[("su_become_plugin", "executable")], &["ANSIBLE_SU_EXE"], "the su program"),
    yes("su_flags", Text, None, &[("su_become_plugin", "flags")], &["ANSIBLE_SU_FLAGS"], "flags for su"),
    yes("su_pass", Text, None, &[("su_become_plugin", "password")], &["ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS"], "the password for su"),
    yes("su_prompt_l10n", List, Some(""), &[("su_become_plugin", "localized_prompts")], &["ANSIBLE_SU_PROMPT_L10N"], "the words that su asks for a password with"),
    yes("su_user", Text, None, &[("su_become_plugin", "user")], &["ANSIBLE_SU_USER"], "the user to become by su"),
    yes("sudo_exe", Text, None, &[("sudo_become_plugin", "executable")], &["ANSIBLE_SUDO_EXE"], "the sudo program"),
    yes("sudo_flags", Text, None, &[("sudo_become_plugin", "flags")], &["ANSIBLE_SUDO_FLAGS"], "flags for sudo"),
    yes("sudo_pass", Text, None, &[("sudo_become_plugin", "password")], &["ANSIBLE_BECOME_PASS", "ANSIBLE_SUDO_PASS"], "the password for sudo"),
    yes("sudo_user", Text, None, &[("sudo_become_plugin", "user")], &["ANSIBLE_SUDO_USER"], "the user to become by sudo"),
];
