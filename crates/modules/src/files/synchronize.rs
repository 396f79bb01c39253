//! `ansible.posix.synchronize`: a tree of files made the same elsewhere.
//!
//! No rsync: the controller's action asks one side to list its tree (`_phase: list`), the other which of it is missing (`plan`), sends what is
//! (`put`), and has the rest set and removed (`finish`). Without a phase both sides are on this host.

use std::path::{Path, PathBuf};

use data::Value;

use super::sync_change::Target;
use super::sync_tree::{self, Entry, Options};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome, digest_of_file};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "synchronize",
    collection: "ansible.posix",
    summary: "Make a tree of files the same on another host",
    args: &[
        Arg::path("src").required().help("The tree; with a slash at its end only what is in it."),
        Arg::path("dest").required().help("The folder it goes to; its parent must be there."),
        Arg::str("mode")
            .choices(&["pull", "push"])
            .default_str("push")
            .help("From the controller to the host, or back."),
        Arg::bool("archive")
            .default_bool(true)
            .help("What `recursive`, `links`, `perms`, `times`, `owner` and `group` are when not given."),
        Arg::bool("checksum").default_bool(false).help("Compare contents instead of sizes and times."),
        Arg::bool("existing_only").default_bool(false).help("Make nothing that is not there yet."),
        Arg::bool("delete").default_bool(false).help("Remove what the source does not have."),
        Arg::bool("dirs").default_bool(false).help("Without `recursive`: folders, but not what is in them."),
        Arg::bool("recursive").help("Go into folders."),
        Arg::bool("links").help("Make links as links."),
        Arg::bool("copy_links").default_bool(false).help("Copy what links point at."),
        Arg::bool("perms").help("Keep permissions."),
        Arg::bool("times").help("Keep times."),
        Arg::bool("owner").help("Keep owners, where root writes."),
        Arg::bool("group").help("Keep groups."),
        Arg::list("rsync_opts", ArgType::Str)
            .default(Default::List(&[]))
            .help("Of rsync's options only `--exclude=PATTERN` is understood."),
        Arg::bool("compress").default_bool(true).help("Accepted for Ansible's sake: the connection decides."),
        Arg::bool("partial")
            .default_bool(false)
            .help("Accepted for Ansible's sake: files are whole or not there."),
        Arg::bool("delay_updates")
            .default_bool(true)
            .help("Accepted for Ansible's sake: files are replaced in one step."),
        Arg::int("rsync_timeout")
            .default_int(0)
            .help("Accepted for Ansible's sake: the connection has its own limits."),
        Arg::bool("set_remote_user")
            .default_bool(true)
            .help("Accepted for Ansible's sake: the task's connection is used."),
        Arg::bool("ssh_connection_multiplexing")
            .default_bool(false)
            .help("Accepted for Ansible's sake: the task's connection is used."),
        Arg::bool("use_ssh_args")
            .default_bool(false)
            .help("Accepted for Ansible's sake: the task's connection is used."),
        Arg::bool("verify_host")
            .default_bool(false)
            .help("Accepted for Ansible's sake: the task's connection checks it."),
        Arg::str("_phase").choices(&["list", "plan", "put", "finish"]).help("Set by the controller."),
        Arg::list("_entries", ArgType::Dict).help("Set by the controller: what the source has."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let options = Options::from_args(args)?;
    let src = args.str("src")?;
    let entries = || {
        args.list("_entries").iter().filter_map(Value::as_map).map(Entry::read).collect::<Result<Vec<_>, _>>()
    };
    let target =
        || -> Result<Target<'_>, Failure> { Target::new(args.path("dest")?, args.str("dest")?, &options) };
    match args.opt_str("_phase") {
        Some("list") => {
            let found = sync_tree::list(src, &options)?;
            Ok(Outcome::unchanged().with("entries", found.iter().map(Entry::write).collect::<Value>()))
        }
        Some("plan") => {
            let entries = entries()?;
            let plan = target()?.plan(&entries)?;
            let needed = plan.needed.iter().map(|path| Value::from(path.as_str())).collect::<Value>();
            Ok(report(&plan.lines).with("needed", needed).with("touched", list_of(&plan.touched)))
        }
        Some("put") => {
            let target = target()?;
            for entry in entries()? {
                context.go_on()?;
                target.put(&entry, |entry| open_blob(entry, context))?;
            }
            Ok(Outcome::unchanged())
        }
        Some(_) => {
            target()?.finish(&entries()?)?;
            Ok(Outcome::unchanged())
        }
        None => on_this_host(src, &options, &target()?, context),
    }
}

fn list_of(paths: &[String]) -> Value {
    paths.iter().map(|path| Value::from(path.as_str())).collect()
}

/// What the result says of the changes, in rsync's words.
fn report(lines: &[String]) -> Outcome {
    let msg: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Outcome::new(!lines.is_empty()).msg(msg).with("rc", 0).with("stdout_lines", list_of(lines))
}

fn open_blob(entry: &Entry, context: &Context) -> Result<Box<dyn std::io::Read>, Failure> {
    let hash = entry
        .hash
        .as_deref()
        .ok_or_else(|| Failure::new(format!("the content of {} was not named", entry.path)))?;
    let blob = context.blobs.get(hash).ok_or_else(|| Failure::need(hash))?;
    blob.open()
        .map_err(|error| Failure::new(format!("could not read the content of {}: {error}", entry.path)))
}

/// Both trees lie here, as when the task is delegated to the host itself.
fn on_this_host(
    src: &str,
    options: &Options,
    target: &Target<'_>,
    context: &Context,
) -> Result<Outcome, Failure> {
    let mut entries = sync_tree::list(src, options)?;
    let root = sync_tree::root(src);
    if options.checksum {
        hash(&mut entries, &root)?;
    }
    let plan = target.plan(&entries)?;
    if !context.check {
        for entry in entries.iter().filter(|entry| plan.touched.contains(&entry.path)) {
            context.go_on()?;
            target.put(entry, |entry| {
                let path = root.join(&entry.path);
                let file = std::fs::File::open(&path)
                    .map_err(|error| Failure::io("could not read", &path, &error))?;
                Ok(Box::new(file))
            })?;
        }
        target.finish(&entries)?;
    }
    Ok(report(&plan.lines))
}

/// Names the contents of all files.
fn hash(entries: &mut [Entry], root: &Path) -> Result<(), Failure> {
    for entry in entries.iter_mut().filter(|entry| entry.is_file()) {
        let path: PathBuf = root.join(&entry.path);
        let digest = digest_of_file::<sha2::Sha256>(&path)
            .map_err(|error| Failure::io("could not read", &path, &error))?;
        entry.hash = Some(digest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use data::Map;

    use super::*;
    use crate::{RunRequest, run_local};

    fn call(src: &str, dest: &Path, check: bool, more: &[(&'static str, Value)]) -> Map {
        let mut args = Map::from([("src", src), ("dest", dest.to_str().unwrap())]);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        run_local(&RunRequest { check, ..RunRequest::new("synchronize", args) })
    }

    fn changed(result: &Map) -> bool {
        assert_eq!(result.get("failed"), None, "{result:?}");
        result.get("changed") == Some(&Value::from(true))
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let src = folder.path().join("src");
        fs::create_dir_all(src.join("d")).unwrap();
        fs::write(src.join("d/f"), "hello").unwrap();
        fs::set_permissions(src.join("d/f"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(src.join("skip.log"), "x").unwrap();
        symlink("d/f", src.join("l")).unwrap();
        folder
    }

    #[test]
    fn a_tree_is_copied_once_and_follows_changes() {
        let folder = tree();
        let (src, dest) = (format!("{}/src/", folder.path().display()), folder.path().join("dest"));
        let checked = call(&src, &dest, true, &[]);
        assert!(changed(&checked) && !dest.exists());
        let first = call(&src, &dest, false, &[]);
        assert!(changed(&first));
        assert!(
            first.get_str("msg").unwrap().contains(">f+++++++++ d/f\n")
                || first.get_str("msg").unwrap().contains("<f+++++++++ d/f\n")
        );
        assert_eq!(fs::read(dest.join("d/f")).unwrap(), b"hello");
        assert_eq!(fs::metadata(dest.join("d/f")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_link(dest.join("l")).unwrap(), Path::new("d/f"));
        let again = call(&src, &dest, false, &[]);
        assert!(!changed(&again), "{again:?}");
        fs::write(folder.path().join("src/d/f"), "other!").unwrap();
        assert!(changed(&call(&src, &dest, false, &[])));
        assert_eq!(fs::read(dest.join("d/f")).unwrap(), b"other!");
    }

    #[test]
    fn strangers_go_only_when_told_and_excluded_ones_stay() {
        let folder = tree();
        let (src, dest) = (format!("{}/src/", folder.path().display()), folder.path().join("dest"));
        let exclude = ("rsync_opts", Value::from(vec![Value::from("--exclude=*.log")]));
        assert!(changed(&call(&src, &dest, false, std::slice::from_ref(&exclude))));
        assert!(!dest.join("skip.log").exists());
        fs::write(dest.join("stranger"), "x").unwrap();
        fs::write(dest.join("kept.log"), "x").unwrap();
        assert!(!changed(&call(
            &src,
            &dest,
            false,
            &[exclude.clone(), ("times", false.into()), ("checksum", true.into())]
        )));
        let gone = call(&src, &dest, false, &[exclude, ("delete", true.into())]);
        assert!(
            changed(&gone) && gone.get_str("msg").unwrap().contains("*deleting   stranger\n"),
            "{gone:?}"
        );
        assert!(!dest.join("stranger").exists() && dest.join("kept.log").exists());
    }

    #[test]
    fn without_a_slash_the_folder_itself_is_copied() {
        let folder = tree();
        let (src, dest) = (format!("{}/src", folder.path().display()), folder.path().join("dest"));
        assert!(changed(&call(&src, &dest, false, &[])));
        assert!(dest.join("src/d/f").exists());
        let one = format!("{}/src/d/f", folder.path().display());
        assert!(changed(&call(&one, &folder.path().join("copy"), false, &[])));
        assert_eq!(fs::read(folder.path().join("copy")).unwrap(), b"hello");
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let folder = tree();
        let src = format!("{}/src/", folder.path().display());
        let options = ("rsync_opts", Value::from(vec![Value::from("--bwlimit=5")]));
        let refused = call(&src, &folder.path().join("dest"), false, &[options]);
        assert!(refused.get_str("msg").unwrap().contains("--bwlimit=5"), "{refused:?}");
        let nowhere = call(&src, &folder.path().join("a/b/c"), false, &[]);
        assert!(nowhere.get_str("msg").unwrap().contains("is not there"), "{nowhere:?}");
        fs::write(folder.path().join("src/.rsync-filter"), "- x\n").unwrap();
        assert!(
            call(&src, &folder.path().join("dest"), false, &[])
                .get_str("msg")
                .unwrap()
                .contains(".rsync-filter")
        );
    }
}
