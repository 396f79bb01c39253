//! `community.general.modprobe`: kernel modules, loaded now and at boot.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{self, Command};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "modprobe",
    collection: "community.general",
    summary: "Load or unload kernel modules",
    args: &[
        Arg::str("name").required().help("The kernel module."),
        Arg::str("state").default_str("present").choices(&["absent", "present"]).help("Whether it is to be loaded."),
        Arg::str("params").default_str("").help("Parameters for loading it."),
        Arg::str("persistent")
            .default_str("disabled")
            .choices(&["absent", "disabled", "present"])
            .help("Whether it is loaded at boot: `present` and `absent` write or remove that, `disabled` leaves it as it is."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// Where systemd looks for modules to load and modprobe for their parameters.
struct Places {
    load: PathBuf,
    options: PathBuf,
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (name, state, params) = (args.str("name")?, args.str("state")?, args.str("params")?);
    let loaded = is_loaded(name);
    let mut changed = false;
    if loaded != (state == "present") {
        changed = true;
        act(name, state == "present", params, context)?;
    }
    let places =
        Places { load: PathBuf::from("/etc/modules-load.d"), options: PathBuf::from("/etc/modprobe.d") };
    changed |= match args.str("persistent")? {
        "present" => persist(&places, name, params, context.check)?,
        "absent" => forget(&places, name, context.check)?,
        _ => false,
    };
    Ok(Outcome::new(changed).with("name", name).with("params", params).with("state", state))
}

/// The kernel and its files write some names with a dash and some with an underscore.
fn same_name(a: &str, b: &str) -> bool {
    a.replace('-', "_") == b.replace('-', "_")
}

/// What shows that code is part of the kernel where it has no folder under `/sys/module` (only what has parameters has one) and where
/// the kernel's own list of such code is not installed (containers).
const TRACES: [(&str, &str); 4] = [
    ("br_netfilter", "/proc/sys/net/bridge"),
    ("ip_vs", "/proc/net/ip_vs"),
    ("ip_tables", "/proc/net/ip_tables_names"),
    ("nf_conntrack", "/proc/sys/net/netfilter/nf_conntrack_max"),
];

/// Whether the module is loaded or part of the kernel itself.
fn is_loaded(name: &str) -> bool {
    let built_in = Path::new("/sys/module").join(name.replace('-', "_")).exists();
    if built_in || TRACES.iter().any(|(module, path)| same_name(module, name) && Path::new(path).exists()) {
        return true;
    }
    let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
    if modules.lines().any(|line| same_name(line.split(' ').next().unwrap_or_default(), name)) {
        return true;
    }
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let builtin = ["/lib/modules", "/usr/lib/modules"]
        .iter()
        .find_map(|folder| fs::read_to_string(Path::new(folder).join(&release).join("modules.builtin")).ok());
    builtin.is_some_and(|list| {
        let file = |line: &str| {
            line.rsplit('/').next().unwrap_or_default().split(".ko").next().unwrap_or_default().to_owned()
        };
        list.lines().any(|line| same_name(&file(line), name))
    })
}

fn act(name: &str, load: bool, params: &str, context: &mut Context) -> Result<(), Failure> {
    let program = process::require_program("modprobe", context)?;
    let mut command = Command::new(program);
    if context.check {
        command = command.arg("--dry-run");
    }
    let command = if load { command.arg(name).args(words(params)) } else { command.arg("-r").arg(name) };
    let output = command.plain_language().run(context)?;
    if output.ok() {
        return Ok(());
    }
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    Err(Failure::new(stderr.as_str()).with("rc", output.code).with("stdout", stdout).with("stderr", stderr))
}

/// Words of a line, with quotes kept together (`a="b c"`).
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' | '\'' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Writes what is missing for boot; tells whether something was.
fn persist(places: &Places, name: &str, params: &str, check: bool) -> Result<bool, Failure> {
    let mut changed = false;
    if lines_of(&places.load, |line| same_name(line, name)).is_empty() {
        changed = true;
        write(&places.load.join(format!("{name}.conf")), &format!("{name}\n"), check)?;
    }
    let wanted: Vec<String> =
        words(params).into_iter().map(|param| format!("options {name} {param}\n")).collect();
    let known = |wanted: &str| lines_of(&places.options, |line| line == wanted.trim_end());
    if wanted.iter().any(|line| known(line).is_empty()) {
        changed = true;
        // Parameters in other files would be joined to ours.
        comment_out(&places.options, |line| is_option_of(line, name), check)?;
        write(&places.options.join(format!("{name}.conf")), &wanted.concat(), check)?;
    }
    Ok(changed)
}

/// Takes the module out of what is loaded at boot; tells whether it was there.
fn forget(places: &Places, name: &str, check: bool) -> Result<bool, Failure> {
    let loads = comment_out(&places.load, |line| same_name(line, name), check)?;
    let options = comment_out(&places.options, |line| is_option_of(line, name), check)?;
    Ok(loads || options)
}

fn is_option_of(line: &str, name: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("options") && words.next().is_some_and(|found| same_name(found, name))
}

fn configuration_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
    files.sort();
    files
}

/// Files with a line that is looked for.
fn lines_of(folder: &Path, is: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let has =
        |path: &PathBuf| fs::read_to_string(path).unwrap_or_default().lines().any(|line| is(line.trim()));
    configuration_files(folder).into_iter().filter(has).collect()
}

/// Puts a `#` before each such line; tells whether there was one.
fn comment_out(folder: &Path, is: impl Fn(&str) -> bool, check: bool) -> Result<bool, Failure> {
    let files = lines_of(folder, &is);
    for path in &files {
        let text = fs::read_to_string(path).map_err(|error| Failure::io("could not read", path, &error))?;
        let lines =
            text.lines().map(|line| if is(line.trim()) { format!("#{line}\n") } else { format!("{line}\n") });
        write(path, &lines.collect::<String>(), check)?;
    }
    Ok(!files.is_empty())
}

fn write(path: &Path, text: &str, check: bool) -> Result<(), Failure> {
    if check {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::io("could not make", folder, &error))?;
    }
    fs::write(path, text).map_err(|error| Failure::io("could not write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { load: folder.path().join("load"), options: folder.path().join("options") };
        (folder, places)
    }

    #[test]
    fn a_module_is_written_once() {
        let (_folder, places) = places();
        assert!(persist(&places, "br_netfilter", "", false).unwrap());
        assert!(!persist(&places, "br-netfilter", "", false).unwrap());
        assert_eq!(fs::read_to_string(places.load.join("br_netfilter.conf")).unwrap(), "br_netfilter\n");
        assert!(!places.options.exists());
    }

    #[test]
    fn parameters_go_to_modprobes_folder() {
        let (_folder, places) = places();
        assert!(persist(&places, "dummy", "numdummies=2 x=1", false).unwrap());
        assert!(!persist(&places, "dummy", "numdummies=2 x=1", false).unwrap());
        let text = fs::read_to_string(places.options.join("dummy.conf")).unwrap();
        assert_eq!(text, "options dummy numdummies=2\noptions dummy x=1\n");
    }

    #[test]
    fn check_mode_writes_nothing() {
        let (folder, places) = places();
        assert!(persist(&places, "dummy", "a=1", true).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_forgotten_stays_as_a_comment() {
        let (_folder, places) = places();
        persist(&places, "dummy", "a=1", false).unwrap();
        assert!(forget(&places, "dummy", false).unwrap());
        assert!(!forget(&places, "dummy", false).unwrap());
        assert_eq!(fs::read_to_string(places.load.join("dummy.conf")).unwrap(), "#dummy\n");
    }
}
