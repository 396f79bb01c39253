//! `user`: users of the host, by `useradd`, `usermod`, `userdel` and `chage`.

mod change;
mod home;
mod shadow;
mod ssh_key;

use data::Value;

use crate::process::{self, Command};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, accounts};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "user",
    summary: "Manage user accounts",
    args: &[
        Arg::str("name").required().aliases(&["user"]).help("The user's name."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the user is to be there."),
        Arg::int("uid").help("Its number."),
        Arg::bool("non_unique").default_bool(false).help("Allow a number that another user has; with `uid`."),
        Arg::str("group").help("Its primary group, by name or number."),
        Arg::list("groups", ArgType::Str).help("Its other groups; an empty list removes it from all."),
        Arg::bool("append")
            .default_bool(false)
            .help("Add `groups` to those it has, instead of replacing them."),
        Arg::str("comment").help("Its full name (GECOS)."),
        Arg::path("home").help("Its home folder."),
        Arg::bool("create_home")
            .default_bool(true)
            .aliases(&["createhome"])
            .help("Make the home folder if it is not there."),
        Arg::bool("move_home").default_bool(false).help("Move the old home folder when `home` changes."),
        Arg::str("skeleton").help("The folder that a new home is copied from."),
        Arg::path("shell").help("Its login shell."),
        Arg::str("password").no_log().help("The hash of its password, as in `/etc/shadow`."),
        Arg::str("update_password")
            .default_str("always")
            .choices(&["always", "on_create"])
            .help("Whether an existing user's password is set."),
        Arg::bool("password_lock").help("Whether its password is locked."),
        Arg::int("password_expire_max").help("Most days between changes of the password."),
        Arg::int("password_expire_min").help("Fewest days between changes of the password."),
        Arg::int("password_expire_warn").help("Days of warning before the password expires."),
        Arg::int("password_expire_account_disable")
            .help("Days after the password expired until the account is disabled."),
        Arg::float("expires").help("When the account expires, in seconds since 1970; negative: never."),
        Arg::bool("system")
            .default_bool(false)
            .help("Whether a new user gets a number of the system's range."),
        Arg::str("umask").help("The umask for a new home folder."),
        Arg::int("uid_min").help("Smallest number for a new user."),
        Arg::int("uid_max").help("Largest number for a new user."),
        Arg::str("seuser").help("Its SELinux user."),
        Arg::bool("force")
            .default_bool(false)
            .help("With `state: absent`: remove it even if it is logged in; with a key: replace it."),
        Arg::bool("remove").default_bool(false).help("With `state: absent`: remove its home folder too."),
        Arg::bool("local").help("Look only into the host's own files, not into directories."),
        Arg::bool("generate_ssh_key").help("Make an SSH key for it; an existing one is kept unless `force`."),
        Arg::int("ssh_key_bits").default_int(0).help("Bits of the key; 0: ssh-keygen's choice."),
        Arg::str("ssh_key_type").default_str("rsa").help("Kind of the key."),
        Arg::path("ssh_key_file").help("File of the key, in the home folder unless absolute."),
        Arg::str("ssh_key_comment").help("Comment of the key; not given: `ansible-generated on HOST`."),
        Arg::str("ssh_key_passphrase").no_log().help("Passphrase of the key."),
        Arg::str("login_class").help("For BSD; accepted and not used here."),
        Arg::bool("hidden").help("For macOS; accepted and not used here."),
        Arg::str("profile").help("For Solaris; accepted and not used here."),
        Arg::str("authorization").help("For Solaris; accepted and not used here."),
        Arg::str("role").help("For Solaris; accepted and not used here."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let name = args.str("name")?;
    check_arguments(args, context)?;
    let found = find(name, args);
    let mut outcome = Outcome::unchanged().with("name", name).with("state", args.str("state")?);
    if args.str("state")? == "absent" {
        return if found.is_some() { remove(name, args, outcome, context) } else { Ok(outcome) };
    }
    let command = match &found {
        None => Some(change::creation(name, args, context)?),
        Some(user) => change::modification(user, args, context)?,
    };
    outcome.changed = command.is_some();
    if found.is_none() && context.check {
        return Ok(Outcome::changed());
    }
    if let Some(command) = command {
        if found.is_none() {
            home::make_parents(args)?;
        }
        carry_out(name, &command, &mut outcome, context)?;
    }
    let fields: [(&str, Value); 2] = match found {
        None => [("system", args.bool("system").into()), ("create_home", args.bool("create_home").into())],
        Some(_) => [("append", args.bool("append").into()), ("move_home", args.bool("move_home").into())],
    };
    outcome.fields.extend_from(&fields.into_iter().collect());
    if args.has("password") {
        outcome.fields.insert("password", "NOT_LOGGING_PASSWORD");
    }
    finish(name, args, outcome, context)
}

/// What follows once the user is there: home folder, key, ages of the password.
fn finish(name: &str, args: &Args, mut outcome: Outcome, context: &mut Context) -> Result<Outcome, Failure> {
    let Some(user) = find(name, args) else {
        return Err(Failure::new(format!("failed to look up user name: {name}")));
    };
    for (key, value) in [
        ("uid", Value::from(user.uid)),
        ("group", user.gid.into()),
        ("comment", user.comment.as_str().into()),
        ("home", user.home.as_str().into()),
        ("shell", user.shell.as_str().into()),
    ] {
        outcome.fields.insert(key, value);
    }
    if args.has("groups") {
        outcome.fields.insert("groups", args.strings("groups").join(","));
    }
    if args.bool("create_home") {
        outcome.changed |= home::make(&user, args, context)?;
    }
    if args.bool("generate_ssh_key") {
        ssh_key::make(&user, args, &mut outcome, context)?;
    }
    if let Some(command) = shadow::age_change(name, args, context)? {
        outcome.changed = true;
        carry_out(name, &command, &mut outcome, context)?;
    }
    Ok(outcome)
}

fn check_arguments(args: &Args, context: &mut Context) -> Result<(), Failure> {
    if args.bool("local")
        && let Some(name) = ["umask", "uid_min", "uid_max"].into_iter().find(|name| args.has(name))
    {
        return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
    }
    if args.bool("append") && !args.has("groups") {
        context.warn(
            "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.\
             This will change to an error in Ansible 2.14.",
        );
    }
    if args.opt_str("password").is_some_and(|password| !shadow::looks_hashed(password)) {
        context.warn(
            "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.",
        );
    }
    Ok(())
}

fn find(name: &str, args: &Args) -> Option<accounts::User> {
    if args.bool("local") {
        accounts::users().into_iter().find(|user| user.name == name)
    } else {
        accounts::user(name)
    }
}

fn remove(name: &str, args: &Args, outcome: Outcome, context: &mut Context) -> Result<Outcome, Failure> {
    if context.check {
        return Ok(Outcome::changed());
    }
    let mut command = Command::new(process::require_program("userdel", context)?);
    for (argument, option) in [("force", "-f"), ("remove", "-r")] {
        if args.bool(argument) {
            command = command.arg(option);
        }
    }
    let mut outcome = Outcome { changed: true, ..outcome };
    carry_out(name, &command.arg(name), &mut outcome, context)?;
    Ok(outcome.with("force", args.bool("force")).with("remove", args.bool("remove")))
}

/// Runs a command that changes the user, except in check mode.
fn carry_out(
    name: &str,
    command: &Command,
    outcome: &mut Outcome,
    context: &mut Context,
) -> Result<(), Failure> {
    if context.check {
        return Ok(());
    }
    let output = command.clone().plain_language().run(context)?;
    if !output.ok() {
        return Err(Failure::new(output.stderr_text()).with("name", name).with("rc", output.code));
    }
    for (key, text) in [("stdout", output.stdout_text()), ("stderr", output.stderr_text())] {
        if !text.is_empty() {
            outcome.fields.insert(key, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use crate::{RunRequest, run_local};

    fn check(args: &[(&'static str, Value)]) -> Map {
        let args: Map = args.iter().cloned().collect();
        run_local(&RunRequest { check: true, ..RunRequest::new("user", args) })
    }

    #[test]
    fn a_user_that_is_right_is_left_alone() {
        let result = check(&[("name", "root".into()), ("uid", 0.into()), ("shell", Value::Null)]);
        assert_eq!(result.get("changed"), Some(&Value::from(false)), "{result:?}");
        assert_eq!(result.get_str("home"), Some("/root"));
    }

    #[test]
    fn check_mode_tells_what_would_change() {
        for (args, changed) in [
            (vec![("name", Value::from("no-such-user"))], true),
            (vec![("name", "no-such-user".into()), ("state", "absent".into())], false),
            (vec![("name", "daemon".into()), ("state", "absent".into())], true),
            (
                vec![("name", "daemon".into()), ("comment", "another".into()), ("create_home", false.into())],
                true,
            ),
        ] {
            assert_eq!(check(&args).get("changed"), Some(&Value::from(changed)), "{args:?}");
        }
    }

    #[test]
    fn an_unknown_group_is_named() {
        let result = check(&[("name", "daemon".into()), ("groups", "no-such-group".into())]);
        assert_eq!(result.get_str("msg"), Some("Group no-such-group does not exist"));
    }

    #[test]
    fn a_password_in_clear_is_warned_about() {
        let result = check(&[("name", "no-such-user".into()), ("password", "secret".into())]);
        let warnings = result.get("warnings").unwrap().as_list().unwrap();
        assert!(
            warnings[0].as_str().unwrap().starts_with("The input password appears not to have been hashed.")
        );
        assert!(!format!("{result:?}").contains("secret"));
    }
}
