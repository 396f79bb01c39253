//! The command lines that make a user or bring one to what is asked.

use std::path::Path;

use jiff::Timestamp;

use super::shadow::{self, Shadow};
use crate::accounts::{self, Group, User};
use crate::process::{self, Command};
use crate::{Args, Context, Failure};

/// The group of this name or number.
fn group(name: &str) -> Result<Group, Failure> {
    let by_number = name.parse().ok().and_then(accounts::group_by_id);
    by_number
        .or_else(|| accounts::group(name))
        .ok_or_else(|| Failure::new(format!("Group {name} does not exist")))
}

/// The names in `groups`, checked; without the primary group of `user`.
fn other_groups(args: &Args, user: Option<&User>) -> Result<Option<Vec<String>>, Failure> {
    if !args.has("groups") {
        return Ok(None);
    }
    let mut names = Vec::new();
    for name in args.strings("groups").into_iter().map(str::trim).filter(|name| !name.is_empty()) {
        let found = group(name)?;
        if user.is_none_or(|user| user.gid != found.gid) && !names.contains(&found.name) {
            names.push(found.name);
        }
    }
    Ok(Some(names))
}

/// `useradd` with all that is asked.
pub(super) fn creation(name: &str, args: &Args, context: &Context) -> Result<Command, Failure> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
    if let Some(uid) = args.int("uid") {
        add("-u", &uid.to_string());
    }
    if let Some(seuser) = args.opt_str("seuser") {
        add("-Z", seuser);
    }
    if let Some(primary) = args.opt_str("group") {
        group(primary)?;
        add("-g", primary);
    }
    if let Some(groups) = other_groups(args, None)?.filter(|groups| !groups.is_empty()) {
        add("-G", &groups.join(","));
    }
    for (argument, option) in [("comment", "-c"), ("home", "-d"), ("shell", "-s")] {
        if let Some(value) = args.opt_str(argument) {
            add(option, value);
        }
    }
    if let Some(expires) = args.float("expires") {
        add("-e", &expiry_date(expires));
    }
    if let Some(days) = args.int("password_expire_account_disable") {
        add("-f", &days.to_string());
    }
    if let Some(password) = args.opt_str("password") {
        let lock = if args.bool("password_lock") { "!" } else { "" };
        add("-p", &format!("{lock}{password}"));
    }
    if args.bool("create_home") {
        if let Some(skeleton) = args.opt_str("skeleton") {
            add("-k", skeleton);
        }
        if let Some(umask) = args.opt_str("umask") {
            add("-K", &format!("UMASK={umask}"));
        }
    }
    for (argument, setting) in [("uid_min", "UID_MIN"), ("uid_max", "UID_MAX")] {
        if let Some(number) = args.int(argument) {
            add("-K", &format!("{setting}={number}"));
        }
    }
    words.push(if args.bool("create_home") { "-m" } else { "-M" }.to_owned());
    for (on, option) in [
        (args.has("uid") && args.bool("non_unique"), "-o"),
        (args.bool("system"), "-r"),
        // useradd would fail to make a group of that name.
        (!args.has("group") && accounts::group(name).is_some(), "-N"),
    ] {
        if on {
            words.push(option.to_owned());
        }
    }
    Ok(Command::new(process::require_program("useradd", context)?).args(words).arg(name))
}

/// `usermod` with what differs; `None` if nothing does.
pub(super) fn modification(user: &User, args: &Args, context: &Context) -> Result<Option<Command>, Failure> {
    let shadow = shadow::read(&user.name);
    let mut words: Vec<String> = Vec::new();
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
    if let Some(uid) = args.int("uid").filter(|uid| *uid != i64::from(user.uid)) {
        add("-u", &uid.to_string());
    }
    if let Some(primary) = args.opt_str("group") {
        let wanted = group(primary)?.gid;
        if wanted != user.gid {
            add("-g", &wanted.to_string());
        }
    }
    if let Some(groups) = group_change(user, args)? {
        words.extend(args.bool("append").then(|| "-a".to_owned()));
        words.extend(["-G".to_owned(), groups]);
    }
    for (argument, option, current) in
        [("comment", "-c", &user.comment), ("home", "-d", &user.home), ("shell", "-s", &user.shell)]
    {
        if let Some(value) = args.opt_str(argument).filter(|value| value != current) {
            words.extend([option.to_owned(), value.to_owned()]);
            if argument == "home" && args.bool("move_home") {
                words.push("-m".to_owned());
            }
        }
    }
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
    if let Some(expires) = args.float("expires").filter(|expires| expiry_differs(*expires, &shadow)) {
        add("-e", &expiry_date(expires));
    }
    let days = args.int("password_expire_account_disable");
    if let Some(days) =
        days.filter(|days| shadow.inactive != Some(*days) && !(shadow.inactive.is_none() && *days < 0))
    {
        add("-f", &days.to_string());
    }
    words.extend(password_change(args, &shadow));
    if args.has("uid") && args.bool("non_unique") && words.iter().any(|word| word == "-u") {
        words.push("-o".to_owned());
    }
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(Command::new(process::require_program("usermod", context)?).args(words).arg(&user.name)))
}

/// The groups to set or, with `append`, to add; `None` if they are right.
fn group_change(user: &User, args: &Args) -> Result<Option<String>, Failure> {
    let Some(wanted) = other_groups(args, Some(user))? else { return Ok(None) };
    let is_member = |group: &Group| group.members.contains(&user.name) && group.gid != user.gid;
    let current: Vec<String> =
        accounts::groups().into_iter().filter(is_member).map(|group| group.name).collect();
    let missing = wanted.iter().any(|name| !current.contains(name));
    let extra = current.iter().any(|name| !wanted.contains(name));
    let differs = missing || (extra && !args.bool("append"));
    Ok(differs.then(|| wanted.join(",")))
}

/// Options that set, lock or unlock the password.
fn password_change(args: &Args, shadow: &Shadow) -> Vec<String> {
    let locked = shadow.password.starts_with('!');
    let bare = |text: &str| text.trim_start_matches('!').to_owned();
    let new = args.opt_str("password").filter(|_| args.opt_str("update_password") == Some("always"));
    if let Some(password) = new.filter(|password| bare(password) != bare(&shadow.password)) {
        let lock = if args.bool("password_lock") { "!" } else { "" };
        return vec!["-p".to_owned(), format!("{lock}{password}")];
    }
    match args.opt_bool("password_lock") {
        Some(true) if !locked => vec!["-L".to_owned()],
        Some(false) if locked => vec!["-U".to_owned()],
        _ => Vec::new(),
    }
}

/// The day as useradd wants it; empty for an account that never expires.
fn expiry_date(seconds: f64) -> String {
    match Timestamp::from_second(seconds as i64) {
        Ok(time) if seconds >= 0.0 => time.strftime("%Y-%m-%d").to_string(),
        _ => String::new(),
    }
}

fn expiry_differs(seconds: f64, shadow: &Shadow) -> bool {
    if seconds < 0.0 {
        shadow.expires.is_some_and(|day| day >= 0)
    } else {
        shadow.expires != Some((seconds / 86400.0).floor() as i64)
    }
}

/// Whether the parent folder of a home that is asked for is missing.
pub(super) fn lacks_parent(args: &Args) -> bool {
    let home = args.opt_str("home").filter(|_| args.bool("create_home"));
    home.and_then(|home| Path::new(home).parent()).is_some_and(|parent| !parent.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_compared_by_day() {
        let on = |day| Shadow { expires: day, ..Shadow::default() };
        for (seconds, shadow, differs) in [
            (86400.0 * 20000.0 + 5.0, on(Some(20000)), false),
            (86400.0 * 20000.0, on(Some(20001)), true),
            (86400.0, on(None), true),
            (-1.0, on(None), false),
            (-1.0, on(Some(5)), true),
        ] {
            assert_eq!(expiry_differs(seconds, &shadow), differs, "{seconds}");
        }
        assert_eq!(expiry_date(0.0), "1970-01-01");
        assert_eq!(expiry_date(-1.0), "");
    }
}
