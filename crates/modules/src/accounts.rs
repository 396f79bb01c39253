//! Users and groups of the host without NSS, which crashes static binaries: the files first, then the `getent` program, which sees
//! directories such as LDAP or SSSD too.

use std::fs;
use std::process::{Command, Stdio};

/// One line of `passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Full name and the like.
    pub comment: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// One line of `group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Group name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Names of members (those whose primary group it is are not listed).
    pub members: Vec<String>,
}

/// The user of this name.
pub fn user(name: &str) -> Option<User> {
    users().into_iter().find(|user| user.name == name).or_else(|| parse_user(&getent("passwd", name)?))
}

/// The user of this id.
pub fn user_by_id(uid: u32) -> Option<User> {
    users()
        .into_iter()
        .find(|user| user.uid == uid)
        .or_else(|| parse_user(&getent("passwd", &uid.to_string())?))
}

/// The group of this name.
pub fn group(name: &str) -> Option<Group> {
    groups().into_iter().find(|group| group.name == name).or_else(|| parse_group(&getent("group", name)?))
}

/// The group of this id.
pub fn group_by_id(gid: u32) -> Option<Group> {
    groups()
        .into_iter()
        .find(|group| group.gid == gid)
        .or_else(|| parse_group(&getent("group", &gid.to_string())?))
}

/// The user this process runs as.
pub fn current_user() -> Option<User> {
    user_by_id(rustix::process::geteuid().as_raw())
}

/// All users of `/etc/passwd`, in its order.
pub fn users() -> Vec<User> {
    lines("/etc/passwd").iter().filter_map(|line| parse_user(line)).collect()
}

/// All groups of `/etc/group`, in its order.
pub fn groups() -> Vec<Group> {
    lines("/etc/group").iter().filter_map(|line| parse_group(line)).collect()
}

/// The user's name, or its number if it has none.
pub fn user_name(uid: u32) -> String {
    user_by_id(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

/// The group's name, or its number if it has none.
pub fn group_name(gid: u32) -> String {
    group_by_id(gid).map_or_else(|| gid.to_string(), |group| group.name)
}

fn lines(path: &str) -> Vec<String> {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_string).collect()
}

/// One entry of a database by `getent`, if the program is there and knows the key.
fn getent(database: &str, key: &str) -> Option<String> {
    if key.is_empty() || key.starts_with('-') {
        return None;
    }
    let output = Command::new("getent")
        .args([database, key])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().filter(|_| output.status.success()).map(str::to_string)
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, comment, home, shell] = fields.as_slice() else { return None };
    Some(User {
        name: (*name).to_string(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        comment: (*comment).to_string(),
        home: (*home).to_string(),
        shell: (*shell).to_string(),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields.as_slice() else { return None };
    Some(Group {
        name: (*name).to_string(),
        gid: gid.parse().ok()?,
        members: members.split(',').filter(|member| !member.is_empty()).map(str::to_string).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_id() {
        let root = user("root").expect("every host has root");
        assert_eq!(root.uid, 0);
        assert_eq!(user_by_id(0).map(|user| user.name), Some("root".to_string()));
        assert_eq!(group_name(0), "root");
    }

    #[test]
    fn a_number_without_a_name_stays_a_number() {
        assert_eq!(user_name(3_999_999_999), "3999999999");
    }

    #[test]
    fn broken_lines_are_passed_over() {
        assert_eq!(parse_user("+@nis"), None);
        assert_eq!(parse_user("x:x:notanumber:0:::"), None);
        assert_eq!(parse_group("g:x:5:a,b").map(|group| group.members.len()), Some(2));
    }
}
