//! Facts about the user that the modules run as, and the environment they see.

use std::env;

use data::Map;

use super::Gather;
use crate::accounts;

/// `user_id`, `user_uid`, `user_gid`, `user_gecos`, `user_dir`, `user_shell` and the real and effective ids.
pub(super) fn login() -> Map {
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let effective = rustix::process::geteuid();
    // As Python's getpass.getuser(): the environment first, then the password database.
    let named = ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .iter()
        .find_map(|key| env::var(key).ok().filter(|name| !name.is_empty()));
    let by_uid = || accounts::user_by_id(uid.as_raw());
    let entry = named.as_deref().and_then(accounts::user).or_else(by_uid);
    let mut facts = Map::new();
    if let Some(name) = named.or_else(|| entry.as_ref().map(|user| user.name.clone())) {
        facts.insert("user_id", name);
    }
    if let Some(user) = entry {
        facts.insert("user_uid", user.uid);
        facts.insert("user_gid", user.gid);
        facts.insert("user_gecos", user.comment);
        facts.insert("user_dir", user.home);
        facts.insert("user_shell", user.shell);
    }
    facts.insert("real_user_id", uid.as_raw());
    facts.insert("effective_user_id", effective.as_raw());
    facts.insert("real_group_id", gid.as_raw());
    facts.insert("effective_group_id", gid.as_raw());
    facts
}

/// `env`: the agent's environment with the task's over it.
pub(super) fn environment(gather: &Gather) -> Map {
    let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
    let own = env::vars_os().map(|(key, value)| (text(key), text(value)));
    let all: Map = own.chain(gather.environment.iter().cloned()).collect();
    Map::from([("env", all)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tasks_environment_is_over_the_agents() {
        let gather = Gather { environment: vec![("PATH".into(), "/task".into())], ..Gather::for_test() };
        assert_eq!(environment(&gather).get("env").unwrap().get("PATH"), Some(&data::Value::from("/task")));
    }

    #[test]
    fn ids_are_the_processs_own() {
        assert_eq!(login().get("real_user_id"), Some(&data::Value::from(rustix::process::getuid().as_raw())));
    }
}
