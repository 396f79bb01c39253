//! `community.general.zypper`: packages on SUSE hosts.

mod xml;

use std::fs;
use std::path::Path;

use data::{Map, Value};

use crate::process::{self, Command, Output};
use crate::{Arg, ArgType, Args, Context, Diff, Failure, ModuleSpec, Outcome};
use xml::{Answer, Solvable};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "zypper",
    collection: "community.general",
    summary: "Manage packages on SUSE and openSUSE",
    args: &[
        Arg::list("name", ArgType::Str).required().aliases(&["pkg"]).help("Names, with a version (`apache=2.4`, `docker>=1.10`) if wanted, package files or their addresses; `*` with `latest` or `dist-upgrade` means all. `-name` removes, `+name` installs."),
        Arg::str("state").default_str("present").choices(&["absent", "installed", "latest", "present", "removed", "dist-upgrade"]).help("Whether the packages are to be there, in their newest version, or not."),
        Arg::str("type").default_str("package").choices(&["package", "patch", "pattern", "product", "srcpackage", "application"]).help("What the names are names of."),
        Arg::str("extra_args_precommand").help("More options for zypper, before its subcommand."),
        Arg::bool("disable_gpg_check").default_bool(false).help("Accept packages without a valid signature."),
        Arg::bool("auto_import_keys").default_bool(false).help("Trust new keys of repositories."),
        Arg::bool("disable_recommends").default_bool(true).help("Do not install recommended packages."),
        Arg::bool("force").default_bool(false).help("Install again what is installed; accept another vendor or architecture."),
        Arg::bool("force_resolution").default_bool(false).help("Remove packages that stand in the way."),
        Arg::bool("update_cache").aliases(&["refresh"]).default_bool(false).help("Look for new package lists first."),
        Arg::bool("oldpackage").default_bool(false).help("Accept an older version than the installed one."),
        Arg::str("extra_args").help("More options for the subcommand."),
        Arg::bool("allow_vendor_change").default_bool(false).help("With `dist-upgrade`: accept another vendor."),
        Arg::bool("replacefiles").default_bool(false).help("Install even if files of other packages are replaced."),
        Arg::bool("clean_deps").default_bool(false).help("With `absent`: remove dependencies that nothing needs any more."),
        Arg::bool("simple_errors").default_bool(false).help("Show zypper's messages only, not its whole answer."),
        Arg::bool("quiet").default_bool(true).help("Tell zypper to be quiet."),
        Arg::bool("skip_post_errors").default_bool(false).help("Try again when a package's own script failed."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// Exit codes after which the answer counts (zypper(8)): reboot needed, zypper itself was upgraded, a repository was skipped, a
/// package's script failed.
const ANSWERED: [i32; 5] = [0, 102, 103, 106, 107];
/// Nothing has this name.
const NOT_FOUND: i32 = 104;

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let zypper = Zypper { args, has_versions: false };
    let names: Vec<&str> = args.strings("name").into_iter().filter(|name| !name.is_empty()).collect();
    let state = args.str("state")?;
    if args.bool("update_cache") && !context.check {
        zypper.run("refresh", &[], true, context)?;
    }
    let done = match state {
        "latest" | "dist-upgrade" if names == ["*"] => {
            let subcommand = match (args.str("type")?, state) {
                ("patch", _) => "patch",
                (_, "dist-upgrade") => "dist-upgrade",
                _ => "update",
            };
            Some(zypper.run(subcommand, &[], true, context)?)
        }
        "dist-upgrade" => return Err(Failure::new("Can not dist-upgrade specific packages.")),
        "absent" | "removed" => zypper.remove(&names, context)?,
        _ => zypper.install(&names, state == "latest", context)?,
    };
    let given: Value = names.iter().map(|name| Value::from(*name)).collect();
    let outcome = |changed: bool| {
        Outcome::new(changed)
            .with("name", given.clone())
            .with("state", state)
            .with("update_cache", args.bool("update_cache"))
    };
    let diff = |packages: &[Solvable]| Diff { prepared: Some(summary(packages)), ..Diff::default() };
    let Some(done) = done else { return Ok(outcome(false).with("rc", 0).with_diff(diff(&[]))) };
    if !matches!(done.output.code, 0 | 102) {
        let shown = Failure::new("Zypper run failed.").with("rc", done.output.code).with("cmd", done.command);
        return Err(shown.with("stdout", done.shown).with("stderr", done.output.stderr_text()));
    }
    let changed = !done.answer.solvables.is_empty();
    let mut outcome = outcome(changed).with("rc", done.output.code).with("cmd", done.command);
    if changed {
        outcome = outcome.with("stdout", done.shown).with("stderr", done.output.stderr_text());
    }
    Ok(outcome.with_diff(diff(&done.answer.solvables)))
}

/// A name as the user gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    prefix: char,
    name: String,
    version: String,
}

impl Wanted {
    fn parse(text: &str, remove: bool) -> Self {
        let (prefix, rest) = match text.chars().next() {
            Some('+') => ('+', &text[1..]),
            Some('-' | '~') => ('-', &text[1..]),
            _ => (if remove { '-' } else { '+' }, text),
        };
        let at = rest.find(['<', '>', '=']).unwrap_or(rest.len());
        // A version is digits, dots and dashes only; anything else belongs to the name, as in Ansible.
        let is_version = rest[at..]
            .trim_start_matches(['<', '>', '='])
            .bytes()
            .all(|c| c.is_ascii_digit() || c == b'.' || c == b'-');
        let (name, version) = if is_version { rest.split_at(at) } else { (rest, "") };
        Self { prefix, name: name.to_owned(), version: version.to_owned() }
    }
}

fn parse_names(names: &[&str], remove: bool) -> (Vec<Wanted>, Vec<String>) {
    let (files, packages): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| name.contains("://") || name.ends_with(".rpm"));
    let packages = packages.into_iter().map(|name| Wanted::parse(name, remove)).collect();
    (packages, files.into_iter().map(str::to_owned).collect())
}

struct Done {
    command: Vec<Value>,
    output: Output,
    shown: String,
    answer: Answer,
}

struct Zypper<'a> {
    args: &'a Args,
    /// A name with a version may mean an older one.
    has_versions: bool,
}

impl Zypper<'_> {
    fn install(&self, names: &[&str], latest: bool, context: &mut Context) -> Result<Option<Done>, Failure> {
        let (mut packages, files) = parse_names(names, false);
        let zypper =
            Zypper { has_versions: packages.iter().any(|package| !package.version.is_empty()), ..*self };
        if !latest {
            let plain: Vec<&Wanted> = packages.iter().filter(|package| package.version.is_empty()).collect();
            let installed = zypper.installed(&plain, context)?;
            packages.retain(|package| (package.prefix == '+') != installed.contains(&package.name));
        }
        if packages.is_empty() && files.is_empty() {
            return Ok(None);
        }
        let mut words = vec!["--".to_owned()];
        words.extend(files);
        words.extend(
            packages.iter().map(|package| format!("{}{}{}", package.prefix, package.name, package.version)),
        );
        zypper.run("install", &words, true, context).map(Some)
    }

    fn remove(&self, names: &[&str], context: &mut Context) -> Result<Option<Done>, Failure> {
        let (mut packages, files) = parse_names(names, true);
        if packages.iter().any(|package| package.prefix == '+') {
            return Err(Failure::new("Can not combine '+' prefix with state=remove/absent."));
        }
        if !files.is_empty() {
            return Err(Failure::new("Can not remove via URL."));
        }
        if self.args.str("type")? == "patch" {
            return Err(Failure::new("Can not remove patches."));
        }
        let installed = self.installed(&packages.iter().collect::<Vec<_>>(), context)?;
        packages.retain(|package| installed.contains(&package.name));
        if packages.is_empty() {
            return Ok(None);
        }
        let words: Vec<String> =
            packages.iter().map(|package| format!("{}{}", package.name, package.version)).collect();
        self.run("remove", &words, true, context).map(Some)
    }

    /// The names among these that are installed.
    fn installed(&self, packages: &[&Wanted], context: &mut Context) -> Result<Vec<String>, Failure> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let options = ["--match-exact", "--details", "--installed-only"].map(str::to_owned).into_iter();
        let words: Vec<String> = options.chain(packages.iter().map(|package| package.name.clone())).collect();
        let done = self.run("search", &words, false, context)?;
        Ok(done.answer.solvables.into_iter().map(|found| found.name).collect())
    }

    fn run(
        &self,
        subcommand: &str,
        words: &[String],
        must_find: bool,
        context: &mut Context,
    ) -> Result<Done, Failure> {
        let zypper = process::require_program("zypper", context)?.display().to_string();
        let mut line = if is_transactional() {
            let update = process::require_program("transactional-update", context)?.display().to_string();
            let words = ["--continue", "--drop-if-no-change", "--quiet", "run"].map(str::to_owned);
            std::iter::once(update).chain(words).chain([zypper]).collect()
        } else {
            vec![zypper]
        };
        line.extend(self.words(subcommand, context.check)?);
        line.extend(words.iter().cloned());
        let (program, arguments) = line.split_first().ok_or_else(|| Failure::new("no program to run"))?;
        let mut found: Vec<Solvable> = Vec::new();
        let mut again = false;
        loop {
            let output = Command::new(program).args(arguments).plain_language().run(context)?;
            let shown = output.stdout_text();
            let fail = |msg: String, shown: &str| {
                let command: Value = line.iter().map(|word| Value::from(word.as_str())).collect();
                let failure = Failure::new(msg).with("rc", output.code).with("cmd", command);
                failure.with("stdout", shown).with("stderr", output.stderr_text())
            };
            let Some(mut answer) = xml::parse(&shown) else {
                let reason = shown.lines().next().unwrap_or_default();
                return Err(fail(format!("Failed to parse zypper xml output: {reason}"), &shown));
            };
            let whole = output.code == NOT_FOUND || answer.messages.is_empty();
            let shown =
                if self.args.bool("simple_errors") && !whole { answer.messages.join(" \n") } else { shown };
            if output.code == NOT_FOUND {
                if must_find {
                    let message = answer.messages.last().cloned().unwrap_or_default();
                    return Err(fail(message, &shown));
                }
                answer.solvables.clear();
            } else if !ANSWERED.contains(&output.code) {
                return Err(fail(
                    format!("Zypper run command failed with return code {}.", output.code),
                    &shown,
                ));
            }
            found.append(&mut answer.solvables);
            // After an upgrade of zypper itself, or a failed script that may be skipped, the rest is done by a second run.
            let skips = self.args.bool("skip_post_errors");
            if !again && (output.code == 103 || (output.code == 107 && skips)) {
                again = true;
                continue;
            }
            let command = line.iter().map(|word| Value::from(word.as_str())).collect();
            let answer = Answer { solvables: found, messages: answer.messages };
            return Ok(Done { command, output, shown, answer });
        }
    }

    /// The options, in the order in which Ansible's module gives them.
    fn words(&self, subcommand: &str, check: bool) -> Result<Vec<String>, Failure> {
        let args = self.args;
        let installs = matches!(subcommand, "install" | "update" | "patch" | "dist-upgrade");
        let refresh = subcommand == "refresh";
        let mut all: Vec<String> = Vec::new();
        let mut add = |condition: bool, word: &str| {
            if condition {
                all.push(word.to_owned());
            }
        };
        add(true, "--non-interactive");
        add(true, "--xmlout");
        add(args.bool("quiet"), "--quiet");
        for word in args.opt_str("extra_args_precommand").unwrap_or_default().split_whitespace() {
            add(true, word);
        }
        add((installs || refresh) && args.bool("disable_gpg_check"), "--no-gpg-checks");
        add(installs && args.bool("auto_import_keys"), "--gpg-auto-import-keys");
        add(subcommand == "search", "--disable-repositories");
        add(true, subcommand);
        if !matches!(subcommand, "patch" | "dist-upgrade" | "refresh") {
            add(true, "--type");
            add(true, args.str("type")?);
        }
        add(check && subcommand != "search", "--dry-run");
        if installs {
            add(true, "--auto-agree-with-licenses");
            for (name, word) in [
                ("disable_recommends", "--no-recommends"),
                ("force", "--force"),
                ("force_resolution", "--force-resolution"),
            ] {
                add(args.bool(name), word);
            }
            add(args.bool("oldpackage") || self.has_versions, "--oldpackage");
            add(args.bool("replacefiles"), "--replacefiles");
        }
        add(subcommand == "remove" && args.bool("clean_deps"), "--clean-deps");
        add(subcommand == "dist-upgrade" && args.bool("allow_vendor_change"), "--allow-vendor-change");
        for word in args.opt_str("extra_args").unwrap_or_default().split_whitespace() {
            add(true, word);
        }
        Ok(all)
    }
}

/// Whether the root is a read-only snapshot that only `transactional-update` changes.
fn is_transactional() -> bool {
    Path::new("/usr/sbin/transactional-update").exists()
        && fs::read_to_string("/proc/mounts").unwrap_or_default().lines().any(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            matches!(fields.as_slice(), [_, "/", "btrfs", options, ..] if options.split(',').any(|option| option == "ro"))
        })
}

/// What a transaction does, one line a kind.
fn summary(packages: &[Solvable]) -> String {
    let of = |group: &'static str| packages.iter().filter(move |package| package.group == group);
    let upgraded = of("to-upgrade")
        .map(|package| format!("{} ({} => {})", package.name, package.old_version, package.version));
    let lines: Map = Map::from([
        ("installed", of("to-install").map(|package| package.name.clone()).collect::<Vec<_>>().join(", ")),
        ("removed", of("to-remove").map(|package| package.name.clone()).collect::<Vec<_>>().join(", ")),
        ("upgraded", upgraded.collect::<Vec<_>>().join(", ")),
    ]);
    let lines = lines
        .iter()
        .filter_map(|(kind, names)| Some((kind, names.as_str().filter(|names| !names.is_empty())?)));
    lines.map(|(kind, names)| format!("{kind}: {names}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(subcommand: &str, more: &[(&'static str, &str)], check: bool) -> String {
        let mut args = Map::from([("name", "x")]);
        for (name, value) in more {
            args.insert(*name, *value);
        }
        let args = SPEC.parse(&args, &|_| None).unwrap();
        Zypper { args: &args, has_versions: false }.words(subcommand, check).unwrap().join(" ")
    }

    #[test]
    fn options_are_those_of_ansibles_module() {
        assert_eq!(
            words("install", &[("force", "true"), ("disable_gpg_check", "true")], true),
            "--non-interactive --xmlout --quiet --no-gpg-checks install --type package --dry-run --auto-agree-with-licenses --no-recommends --force"
        );
        assert_eq!(
            words("search", &[], true),
            "--non-interactive --xmlout --quiet --disable-repositories search --type package"
        );
        assert_eq!(
            words("dist-upgrade", &[("allow_vendor_change", "true"), ("quiet", "false")], false),
            "--non-interactive --xmlout dist-upgrade --auto-agree-with-licenses --no-recommends --allow-vendor-change"
        );
    }

    #[test]
    fn names_carry_prefixes_and_versions() {
        let wanted =
            |prefix, name: &str, version: &str| Wanted { prefix, name: name.into(), version: version.into() };
        assert_eq!(Wanted::parse("docker>=1.10", false), wanted('+', "docker", ">=1.10"));
        assert_eq!(Wanted::parse("~exim", false), wanted('-', "exim", ""));
        assert_eq!(Wanted::parse("a-b", true), wanted('-', "a-b", ""));
    }
}
