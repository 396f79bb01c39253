//! Inventories and vaults.

use super::super::setting::Kind::{Bool, List, Path, PathList, Text};
use super::super::setting::{Setting, yes};

/// Inventories and vaults.
#[rustfmt::skip]
pub(super) const INVENTORY: &[Setting] = &[
    yes("DEFAULT_ASK_VAULT_PASS", Bool, Some("False"), &[("defaults", "ask_vault_pass")], &["ANSIBLE_ASK_VAULT_PASS"], "ask for the vault password"),
    yes("always_show_stderr", Bool, Some("True"), &[("inventory_plugin_script", "always_show_stderr")], &["ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR"], "show what inventory scripts write to their standard error"),
    yes("DEFAULT_HOST_LIST", PathList, Some("/etc/ansible/hosts"), &[("defaults", "inventory")], &["ANSIBLE_INVENTORY"], "inventories, where none is given"),
    yes("DEFAULT_VAULT_ENCRYPT_IDENTITY", Text, None, &[("defaults", "vault_encrypt_identity")], &["ANSIBLE_VAULT_ENCRYPT_IDENTITY"], "the label whose password encrypts"),
    yes("DEFAULT_VAULT_ID_MATCH", Bool, Some("False"), &[("defaults", "vault_id_match")], &["ANSIBLE_VAULT_ID_MATCH"], "try only passwords whose label is the text's"),
    yes("DEFAULT_VAULT_IDENTITY", Text, Some("default"), &[("defaults", "vault_identity")], &["ANSIBLE_VAULT_IDENTITY"], "the label of passwords that are given without one"),
    yes("DEFAULT_VAULT_IDENTITY_LIST", List, Some(""), &[("defaults", "vault_identity_list")], &["ANSIBLE_VAULT_IDENTITY_LIST"], "vault passwords, as `--vault-id`"),
    yes("DEFAULT_VAULT_PASSWORD_FILE", Path, None, &[("defaults", "vault_password_file")], &["ANSIBLE_VAULT_PASSWORD_FILE"], "a file with the vault password, or a program that prints it"),
    yes("EDITOR", Text, Some("vi"), &[("defaults", "editor")], &["ANSIBLE_EDITOR", "EDITOR"], "the editor of `vault create` and `vault edit`"),
    yes("INVENTORY_ANY_UNPARSED_IS_FAILED", Bool, Some("False"), &[("inventory", "any_unparsed_is_failed")], &["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"], "an inventory that cannot be read is an error"),
    yes("INVENTORY_ENABLED", List, Some("host_list,script,auto,yaml,ini,toml"), &[("inventory", "enable_plugins")], &["ANSIBLE_INVENTORY_ENABLED"], "the formats of inventories that are tried"),
    yes("INVENTORY_EXPORT", Bool, Some("False"), &[("inventory", "export")], &["ANSIBLE_INVENTORY_EXPORT"], "show variables where they are defined, as `--export`"),
    yes("INVENTORY_IGNORE_EXTS", List, Some(".pyc,.pyo,.swp,.bak,~,.rpm,.md,.txt,.rst,.orig,.cfg,.retry"), &[("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")], &["ANSIBLE_INVENTORY_IGNORE"], "files of inventory folders that are left out, by their endings"),
    yes("INVENTORY_IGNORE_PATTERNS", List, Some(""), &[("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")], &["ANSIBLE_INVENTORY_IGNORE_REGEX"], "files of inventory folders that are left out, by patterns"),
    yes("INVENTORY_UNPARSED_IS_FAILED", Bool, Some("False"), &[("inventory", "unparsed_is_failed")], &["ANSIBLE_INVENTORY_UNPARSED_FAILED"], "it is an error when no inventory can be read"),
    yes("INVENTORY_UNPARSED_WARNING", Bool, Some("True"), &[("inventory", "inventory_unparsed_warning")], &["ANSIBLE_INVENTORY_UNPARSED_WARNING"], "warn when no inventory can be read"),
    yes("LOCALHOST_WARNING", Bool, Some("True"), &[("defaults", "localhost_warning")], &["ANSIBLE_LOCALHOST_WARNING"], "warn when only the implicit localhost is there"),
    yes("TRANSFORM_INVALID_GROUP_CHARS", Text, Some("never"), &[("defaults", "force_valid_group_names")], &["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"], "what becomes of groups whose names no variable could have").one_of(&["always", "never", "ignore", "silently"]),
    yes("use_extra_vars", Bool, Some("False"), &[("inventory_plugins", "use_extra_vars")], &["ANSIBLE_INVENTORY_USE_EXTRA_VARS"], "whether inventory plugins see the variables of the command line"),
    yes("VAULT_ENCRYPT_SALT", Text, None, &[("defaults", "vault_encrypt_salt")], &["ANSIBLE_VAULT_ENCRYPT_SALT"], "a fixed salt, for the same ciphertext each time"),
    yes("HOST_PATTERN_MISMATCH", Text, Some("warning"), &[("inventory", "host_pattern_mismatch")], &["ANSIBLE_HOST_PATTERN_MISMATCH"], "what a host pattern is that matches nothing").one_of(&["error", "warning", "ignore"]),
];
