//! Settings that taskbox does not follow; whoever sets one is warned.

use super::super::setting::Kind::{Bool, Int, List, PathSpec, Text};
use super::super::setting::{Setting, no};

/// Settings that taskbox does not follow; whoever sets one is warned.
#[rustfmt::skip]
pub(super) const REFUSED: &[Setting] = &[
    no("BECOME_PLUGIN_PATH", PathSpec, Some("{home}/plugins/become:/usr/share/ansible/plugins/become"), &[("defaults", "become_plugins")], &["ANSIBLE_BECOME_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_ACTION_PLUGIN_PATH", PathSpec, Some("{home}/plugins/action:/usr/share/ansible/plugins/action"), &[("defaults", "action_plugins")], &["ANSIBLE_ACTION_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_CACHE_PLUGIN_PATH", PathSpec, Some("{home}/plugins/cache:/usr/share/ansible/plugins/cache"), &[("defaults", "cache_plugins")], &["ANSIBLE_CACHE_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_CALLBACK_PLUGIN_PATH", PathSpec, Some("{home}/plugins/callback:/usr/share/ansible/plugins/callback"), &[("defaults", "callback_plugins")], &["ANSIBLE_CALLBACK_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_CONNECTION_PLUGIN_PATH", PathSpec, Some("{home}/plugins/connection:/usr/share/ansible/plugins/connection"), &[("defaults", "connection_plugins")], &["ANSIBLE_CONNECTION_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_EXECUTABLE", Text, Some("/bin/sh"), &[("defaults", "executable")], &["ANSIBLE_EXECUTABLE"], "commands run by /bin/sh"),
    no("DEFAULT_FILTER_PLUGIN_PATH", PathSpec, Some("{home}/plugins/filter:/usr/share/ansible/plugins/filter"), &[("defaults", "filter_plugins")], &["ANSIBLE_FILTER_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_INVENTORY_PLUGIN_PATH", PathSpec, Some("{home}/plugins/inventory:/usr/share/ansible/plugins/inventory"), &[("defaults", "inventory_plugins")], &["ANSIBLE_INVENTORY_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_LOG_FILTER", List, Some(""), &[("defaults", "log_filter")], &["ANSIBLE_LOG_FILTER"], "the log gets what the screen gets"),
    no("DEFAULT_LOOKUP_PLUGIN_PATH", PathSpec, Some("{home}/plugins/lookup:/usr/share/ansible/plugins/lookup"), &[("defaults", "lookup_plugins")], &["ANSIBLE_LOOKUP_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_MODULE_UTILS_PATH", PathSpec, Some("{home}/plugins/module_utils:/usr/share/ansible/plugins/module_utils"), &[("defaults", "module_utils")], &["ANSIBLE_MODULE_UTILS"], "module_utils are taken from an ansible-core of this machine"),
    no("DEFAULT_SELINUX_SPECIAL_FS", List, Some("fuse,nfs,vboxsf,ramfs,9p,vfat"), &[("selinux", "special_context_filesystems")], &["ANSIBLE_SELINUX_SPECIAL_FS"], "the list is Ansible's default"),
    no("DEFAULT_STRATEGY_PLUGIN_PATH", PathSpec, Some("{home}/plugins/strategy:/usr/share/ansible/plugins/strategy"), &[("defaults", "strategy_plugins")], &["ANSIBLE_STRATEGY_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_TEST_PLUGIN_PATH", PathSpec, Some("{home}/plugins/test:/usr/share/ansible/plugins/test"), &[("defaults", "test_plugins")], &["ANSIBLE_TEST_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DEFAULT_VARS_PLUGIN_PATH", PathSpec, Some("{home}/plugins/vars:/usr/share/ansible/plugins/vars"), &[("defaults", "vars_plugins")], &["ANSIBLE_VARS_PLUGINS"], "plugins in Python cannot be loaded"),
    no("DOC_FRAGMENT_PLUGIN_PATH", PathSpec, Some("{home}/plugins/doc_fragments:/usr/share/ansible/plugins/doc_fragments"), &[("defaults", "doc_fragment_plugins")], &["ANSIBLE_DOC_FRAGMENT_PLUGINS"], "plugins in Python cannot be loaded"),
    no("fact_caching_redis_keyset", Text, None, &[("defaults", "fact_caching_redis_keyset_name")], &["ANSIBLE_CACHE_REDIS_KEYSET_NAME"], "facts are kept in memory for one run"),
    no("FACTS_MODULES", List, Some("smart"), &[("defaults", "facts_modules")], &["ANSIBLE_FACTS_MODULES"], "facts are gathered by `setup`"),
    no("gather_subset", List, None, &[("defaults", "gather_subset")], &["ANSIBLE_GATHER_SUBSET"], "Ansible 2.19 does not know it any more; write `gather_subset` into the play"),
    no("gather_timeout", Int, None, &[("defaults", "gather_timeout")], &["ANSIBLE_GATHER_TIMEOUT"], "write `gather_timeout` into the play"),
    no("INVALID_TASK_ATTRIBUTE_FAILED", Bool, Some("True"), &[("defaults", "invalid_task_attribute_failed")], &["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"], "an unknown keyword is an error"),
    no("MAX_FILE_SIZE_FOR_DIFF", Int, Some("104448"), &[("defaults", "max_diff_size")], &["ANSIBLE_MAX_DIFF_SIZE"], "the limit is Ansible's default"),
    no("PLAYBOOK_VARS_ROOT", Text, Some("top"), &[("defaults", "playbook_vars_root")], &["ANSIBLE_PLAYBOOK_VARS_ROOT"], "`group_vars` beside the first playbook counts").one_of(&["top", "bottom", "all"]),
    no("scp_extra_args", Text, Some(""), &[("ssh_connection", "scp_extra_args")], &["ANSIBLE_SCP_EXTRA_ARGS"], "files travel over the session itself"),
    no("sftp_extra_args", Text, Some(""), &[("ssh_connection", "sftp_extra_args")], &["ANSIBLE_SFTP_EXTRA_ARGS"], "files travel over the session itself"),
    no("SSH_AGENT", Text, Some("none"), &[("connection", "ssh_agent")], &["ANSIBLE_SSH_AGENT"], "no ssh-agent is started; a running one is used"),
    no("SSH_AGENT_EXECUTABLE", Text, Some("ssh-agent"), &[("connection", "ssh_agent_executable")], &["ANSIBLE_SSH_AGENT_EXECUTABLE"], "no ssh-agent is started; a running one is used"),
    no("SSH_AGENT_KEY_LIFETIME", Int, None, &[("connection", "ssh_agent_key_lifetime")], &["ANSIBLE_SSH_AGENT_KEY_LIFETIME"], "no ssh-agent is started; a running one is used"),
    no("VARIABLE_PRECEDENCE", List, Some("all_inventory,groups_inventory,all_plugins_inventory,all_plugins_play,groups_plugins_inventory,groups_plugins_play"), &[("defaults", "precedence")], &["ANSIBLE_PRECEDENCE"], "the order is Ansible's default"),
    no("VERBOSE_TO_STDERR", Bool, Some("False"), &[("defaults", "verbose_to_stderr")], &["ANSIBLE_VERBOSE_TO_STDERR"], "what `-v` adds stands among the results"),
    no("YAML_FILENAME_EXTENSIONS", List, Some(".yml,.yaml,.json"), &[("defaults", "yaml_valid_extensions")], &["ANSIBLE_YAML_FILENAME_EXT"], "the endings are Ansible's default"),
    no("result_format", Text, Some("json"), &[("defaults", "callback_result_format")], &["ANSIBLE_CALLBACK_RESULT_FORMAT"], "results are shown as JSON").one_of(&["json", "yaml"]),
];
