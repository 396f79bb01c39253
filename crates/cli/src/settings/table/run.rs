//! What runs, and how.

use super::super::setting::Kind::{Bool, Int, List, Path, PathSpec, Text};
use super::super::setting::{Setting, yes};

/// What runs, and how.
#[rustfmt::skip]
pub(super) const RUN: &[Setting] = &[
    yes("ALLOW_BROKEN_CONDITIONALS", Bool, Some("False"), &[("defaults", "allow_broken_conditionals")], &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"], "conditions that are neither true nor false count by what they hold"),
    yes("ANSIBLE_HOME", Path, Some("~/.ansible"), &[("defaults", "home")], &["ANSIBLE_HOME"], "the folder for what is kept between runs"),
    yes("ANY_ERRORS_FATAL", Bool, Some("False"), &[("defaults", "any_errors_fatal")], &["ANSIBLE_ANY_ERRORS_FATAL"], "a failure on one host ends the play on all"),
    yes("CACHE_PLUGIN", Text, Some("memory"), &[("defaults", "fact_caching")], &["ANSIBLE_CACHE_PLUGIN"], "where facts are kept"),
    yes("CACHE_PLUGIN_CONNECTION", Text, None, &[("defaults", "fact_caching_connection")], &["ANSIBLE_CACHE_PLUGIN_CONNECTION"], "the folder of `jsonfile`"),
    yes("CACHE_PLUGIN_PREFIX", Text, Some("ansible_facts"), &[("defaults", "fact_caching_prefix")], &["ANSIBLE_CACHE_PLUGIN_PREFIX"], "what the names of its files begin with"),
    yes("CACHE_PLUGIN_TIMEOUT", Int, Some("86400"), &[("defaults", "fact_caching_timeout")], &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"], "the seconds after which kept facts are too old; 0 for never"),
    yes("COLLECTIONS_PATHS", PathSpec, Some("{home}/collections:/usr/share/ansible/collections"), &[("defaults", "collections_path")], &["ANSIBLE_COLLECTIONS_PATH"], "folders whose `ansible_collections` hold roles"),
    yes("DEFAULT_FORCE_HANDLERS", Bool, Some("False"), &[("defaults", "force_handlers")], &["ANSIBLE_FORCE_HANDLERS"], "handlers run although a task failed"),
    yes("DEFAULT_FORKS", Int, Some("50"), &[("defaults", "forks")], &["ANSIBLE_FORKS"], "how many hosts are worked on at a time"),
    yes("DEFAULT_GATHERING", Text, Some("implicit"), &[("defaults", "gathering")], &["ANSIBLE_GATHERING"], "when facts are gathered").one_of(&["implicit", "explicit", "smart"]),
    yes("DEFAULT_HASH_BEHAVIOUR", Text, Some("replace"), &[("defaults", "hash_behaviour")], &["ANSIBLE_HASH_BEHAVIOUR"], "whether dictionaries of the same name are replaced or merged").one_of(&["replace", "merge"]),
    yes("DEFAULT_MANAGED_STR", Text, Some("Ansible managed"), &[("defaults", "ansible_managed")], &[], "the text of `ansible_managed` in template files"),
    yes("DEFAULT_MODULE_ARGS", Text, None, &[("defaults", "module_args")], &["ANSIBLE_MODULE_ARGS"], "the arguments of an ad hoc run"),
    yes("DEFAULT_MODULE_NAME", Text, Some("command"), &[("defaults", "module_name")], &[], "the module of an ad hoc run"),
    yes("DEFAULT_MODULE_PATH", PathSpec, Some("{home}/plugins/modules:/usr/share/ansible/plugins/modules"), &[("defaults", "library")], &["ANSIBLE_LIBRARY"], "folders of modules that are not built in"),
    yes("DEFAULT_NO_LOG", Bool, Some("False"), &[("defaults", "no_log")], &["ANSIBLE_NO_LOG"], "tasks that say nothing else hide their results"),
    yes("DEFAULT_POLL_INTERVAL", Int, Some("15"), &[("defaults", "poll_interval")], &["ANSIBLE_POLL_INTERVAL"], "seconds between looks at what runs in the background"),
    yes("INJECT_FACTS_AS_VARS", Bool, Some("True"), &[("defaults", "inject_facts_as_vars")], &["ANSIBLE_INJECT_FACT_VARS"], "facts are variables of their own too"),
    yes("DEFAULT_PRIVATE_ROLE_VARS", Bool, Some("False"), &[("defaults", "private_role_vars")], &["ANSIBLE_PRIVATE_ROLE_VARS"], "roles of a play's list do not show their variables to the play"),
    yes("DEFAULT_ROLES_PATH", PathSpec, Some("{home}/roles:/usr/share/ansible/roles:/etc/ansible/roles"), &[("defaults", "roles_path")], &["ANSIBLE_ROLES_PATH"], "folders of roles"),
    yes("DEFAULT_STRATEGY", Text, Some("linear"), &[("defaults", "strategy")], &["ANSIBLE_STRATEGY"], "the strategy of plays that name none"),
    yes("DUPLICATE_YAML_DICT_KEY", Text, Some("warn"), &[("defaults", "duplicate_dict_key")], &["ANSIBLE_DUPLICATE_YAML_DICT_KEY"], "what a key is that a mapping has twice").one_of(&["error", "warn", "ignore"]),
    yes("ENABLE_TASK_DEBUGGER", Bool, Some("False"), &[("defaults", "enable_task_debugger")], &["ANSIBLE_ENABLE_TASK_DEBUGGER"], "failed tasks open the debugger"),
    yes("ERROR_ON_MISSING_HANDLER", Bool, Some("True"), &[("defaults", "error_on_missing_handler")], &["ANSIBLE_ERROR_ON_MISSING_HANDLER"], "a notified handler that does not exist is an error"),
    yes("MODULE_STRICT_UTF8_RESPONSE", Bool, Some("True"), &[("defaults", "module_strict_utf8_response")], &["ANSIBLE_MODULE_STRICT_UTF8_RESPONSE"], "text in JSON that cannot be UTF-8 is an error, else `?` stands for it"),
    yes("PLAYBOOK_DIR", Path, None, &[("defaults", "playbook_dir")], &["ANSIBLE_PLAYBOOK_DIR"], "the folder that stands for the playbook's in commands without one"),
    yes("PLUGIN_FILTERS_CFG", Path, None, &[("defaults", "plugin_filters_cfg")], &[], "a YAML file whose `module_rejectlist` names modules that no task may use"),
    yes("TAGS_RUN", List, Some(""), &[("tags", "run")], &["ANSIBLE_RUN_TAGS"], "tags to run, as `--tags`"),
    yes("TAGS_SKIP", List, Some(""), &[("tags", "skip")], &["ANSIBLE_SKIP_TAGS"], "tags to skip, as `--skip-tags`"),
    yes("TASK_DEBUGGER_IGNORE_ERRORS", Bool, Some("True"), &[("defaults", "task_debugger_ignore_errors")], &["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"], "failures that are ignored open the debugger too"),
    yes("TASK_TIMEOUT", Int, Some("0"), &[("defaults", "task_timeout")], &["ANSIBLE_TASK_TIMEOUT"], "seconds that a task may take"),
];
