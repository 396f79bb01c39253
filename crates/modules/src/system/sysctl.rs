//! `ansible.posix.sysctl`: kernel settings, in a file and in the running kernel. The kernel's files are read and written directly.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{
    Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules, atomic_write, boolean_word,
};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "sysctl",
    collection: "ansible.posix",
    summary: "Manage entries in sysctl.conf",
    args: &[
        Arg::str("name").required().aliases(&["key"]).help("The setting, with dots or slashes."),
        Arg::str("value").aliases(&["val"]).help("Its value."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the setting is to be in the file."),
        Arg::bool("ignoreerrors")
            .default_bool(false)
            .help("Pass over settings that the kernel does not know."),
        Arg::bool("reload")
            .default_bool(true)
            .help("Set all of the file's settings in the running kernel when something changed."),
        Arg::path("sysctl_file").default_str("/etc/sysctl.conf").help("The file."),
        Arg::bool("sysctl_set")
            .default_bool(false)
            .help("Compare with the running kernel's value too, and set it."),
    ],
    rules: Rules { required_if: &[RequiredIf::all("state", "present", &["value"])], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    run_at(Path::new("/proc/sys"), args, context)
}

fn run_at(kernel: &Path, args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let name = args.str("name")?.trim();
    let present = args.str("state")? == "present";
    let value = plain_value(args.opt_str("value").unwrap_or_default());
    for (what, blank) in [("name", name.is_empty()), ("value", present && value.is_empty())] {
        if blank {
            return Err(Failure::new(format!("{what} cannot be blank")));
        }
    }
    let path = args.path("sysctl_file")?;
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::io("Failed to open", &path, &error)),
    };
    let in_file = last_value(&before, name);
    let running = read(kernel, name);
    let runs_as_wanted = running.as_deref().is_some_and(|running| same_words(running, &value));
    let write_file = match &in_file {
        None => present,
        Some(_) if !present => true,
        Some(found) => *found != value,
    };
    let set_now = present && args.bool("sysctl_set") && !runs_as_wanted;
    let reload = args.bool("reload");
    let changed = write_file || set_now || (present && reload && !runs_as_wanted);
    let after =
        if write_file { rewritten(&before, name, present.then_some(value.as_str())) } else { before.clone() };
    if !context.check {
        let ignore = args.bool("ignoreerrors");
        if set_now && running.is_none() && !ignore {
            let shown = file_of(Path::new("/proc/sys"), name);
            return Err(Failure::new(format!(
                "setting {name} failed: sysctl: cannot stat {}: No such file or directory\n",
                shown.display()
            )));
        }
        if set_now && running.is_some() {
            set(kernel, name, &value, ignore)
                .map_err(|reason| Failure::new(format!("setting {name} failed: {reason}")))?;
        }
        if write_file {
            atomic_write::write(&path, after.as_bytes(), false)?;
        }
        if changed && reload {
            apply_all(kernel, &after, ignore)
                .map_err(|reason| Failure::new(format!("Failed to reload sysctl: {reason}")))?;
        }
    }
    let headers = path.display().to_string();
    Ok(Outcome::new(changed).with_diff(Diff::text(before, after).headers(headers.clone(), headers)))
}

/// Boolean words are 1 and 0.
fn plain_value(text: &str) -> String {
    match boolean_word(text) {
        Some(true) => "1".to_owned(),
        Some(false) => "0".to_owned(),
        None => text.trim().to_owned(),
    }
}

/// A line as name and value; `None` for comments and the like.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (name, value) = line.split_once('=').filter(|_| !line.starts_with(['#', ';']))?;
    Some((name.trim(), value.trim()))
}

fn last_value(text: &str, name: &str) -> Option<String> {
    let mut values = text.lines().filter_map(setting).filter(|(found, _)| *found == name);
    values.next_back().map(|(_, value)| value.to_owned())
}

/// The file with this setting, or without it. As in Ansible, every setting is written once and without blanks around the sign.
fn rewritten(text: &str, name: &str, value: Option<&str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let Some((found, old)) = setting(line) else {
            lines.push(line.trim().to_owned());
            continue;
        };
        if seen.contains(&found) {
            continue;
        }
        seen.push(found);
        let value = if found == name { value } else { Some(old) };
        lines.extend(value.map(|value| format!("{found}={value}")));
    }
    if let Some(value) = value.filter(|_| !seen.contains(&name)) {
        lines.push(format!("{name}={value}"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// The kernel's file of a setting. Names are written with dots, where a slash stands for a dot inside a part, or with slashes and dots the
/// other way round; what comes first decides (sysctl(8)).
fn file_of(kernel: &Path, name: &str) -> PathBuf {
    let slashes_first = name.find(['.', '/']).is_some_and(|at| name[at..].starts_with('/'));
    let path: String = if slashes_first {
        name.to_owned()
    } else {
        let swapped = name.chars().map(|c| match c {
            '.' => '/',
            '/' => '.',
            c => c,
        });
        swapped.collect()
    };
    kernel.join(path.trim_start_matches('/'))
}

fn read(kernel: &Path, name: &str) -> Option<String> {
    fs::read_to_string(file_of(kernel, name)).ok().map(|text| text.trim_end().to_owned())
}

/// Sets one value; the words of the `sysctl` program if it cannot.
fn set(kernel: &Path, name: &str, value: &str, ignore: bool) -> Result<(), String> {
    match fs::OpenOptions::new()
        .write(true)
        .open(file_of(kernel, name))
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()))
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && ignore => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("sysctl: cannot stat {}: No such file or directory", file_of(kernel, name).display()))
        }
        Err(error) => {
            let words = error.to_string();
            Err(format!(
                "sysctl: setting key \"{name}\": {}",
                words.split(" (os error").next().unwrap_or(&words)
            ))
        }
    }
}

/// Sets all of a file's settings; those whose name begins with a dash may fail (sysctl.d(5)).
fn apply_all(kernel: &Path, text: &str, ignore: bool) -> Result<(), String> {
    let mut reasons = Vec::new();
    for (name, value) in text.lines().filter_map(setting) {
        let (name, may_fail) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        if let Err(reason) = set(kernel, name, value, ignore)
            && !may_fail
        {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons.join("\n")) }
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;

    /// A kernel of plain files, a sysctl file, and a call on both.
    struct Host(tempfile::TempDir);

    impl Host {
        fn new(file: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("sys/net/ipv4")).unwrap();
            fs::write(folder.path().join("sys/net/ipv4/ip_forward"), "0\n").unwrap();
            fs::write(folder.path().join("conf"), file).unwrap();
            Self(folder)
        }

        fn call(&self, args: &[(&'static str, Value)]) -> Result<bool, String> {
            let mut args: Map = args.iter().cloned().collect();
            args.insert("sysctl_file", self.0.path().join("conf").to_str().unwrap());
            let parsed = SPEC.parse(&args, &|_| None).unwrap();
            let outcome = run_at(&self.0.path().join("sys"), &parsed, &mut Context::local());
            outcome.map(|outcome| outcome.changed).map_err(|failure| failure.msg)
        }

        fn file(&self) -> String {
            fs::read_to_string(self.0.path().join("conf")).unwrap()
        }

        fn kernel(&self) -> String {
            fs::read_to_string(self.0.path().join("sys/net/ipv4/ip_forward")).unwrap()
        }
    }

    #[test]
    fn a_setting_is_written_and_set_once() {
        let host = Host::new("# head\nvm.x = 1\n");
        fs::create_dir(host.0.path().join("sys/vm")).unwrap();
        fs::write(host.0.path().join("sys/vm/x"), "1\n").unwrap();
        let args = [("name", Value::from("net.ipv4.ip_forward")), ("value", "yes".into())];
        assert_eq!(host.call(&args), Ok(true));
        assert_eq!(host.file(), "# head\nvm.x=1\nnet.ipv4.ip_forward=1\n");
        assert_eq!(host.kernel().trim(), "1");
        assert_eq!(host.call(&args), Ok(false));
    }

    #[test]
    fn what_the_kernel_lost_is_set_again() {
        let host = Host::new("net.ipv4.ip_forward=1\n");
        assert_eq!(host.call(&[("name", "net.ipv4.ip_forward".into()), ("value", "1".into())]), Ok(true));
        assert_eq!(host.kernel().trim(), "1");
    }

    #[test]
    fn an_unknown_setting_fails_unless_errors_are_ignored() {
        let host = Host::new("");
        let mut args = vec![("name", Value::from("no.such")), ("value", "1".into())];
        assert!(host.call(&args).unwrap_err().starts_with("Failed to reload sysctl: sysctl: cannot stat"));
        args.push(("ignoreerrors", true.into()));
        assert_eq!(host.call(&args), Ok(true));
    }

    #[test]
    fn a_setting_is_removed() {
        let host = Host::new("a=1\nb=2\n");
        let args = [("name", Value::from("a")), ("state", "absent".into()), ("reload", false.into())];
        assert_eq!(host.call(&args), Ok(true));
        assert_eq!(host.file(), "b=2\n");
        assert_eq!(host.call(&args), Ok(false));
    }

    #[test]
    fn names_are_paths_either_way() {
        let path = |name: &str| file_of(Path::new("/p"), name).display().to_string();
        assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter"), "/p/net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(path("net/ipv4/conf/eth0.1/rp_filter"), "/p/net/ipv4/conf/eth0.1/rp_filter");
    }
}
