//! `apt_repository`: package sources of apt in the one-line form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use data::{Map, Value, json};

use super::apt::update_lists;
use super::source_list::{self, Line, SourceList};
use crate::file_attributes::{Changes, FileAttributes};
use crate::mode::FileMode;
use crate::network::download;
use crate::process::{Command, find_program};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "apt_repository",
    summary: "Add and remove APT repositories",
    args: &[
        Arg::str("repo")
            .required()
            .help("The source: `deb http://... suite component`, or `ppa:owner/name`."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether it is to be there."),
        Arg::raw("mode").help("Permissions of a new file; the umask's if not given."),
        Arg::bool("update_cache")
            .default_bool(true)
            .aliases(&["update-cache"])
            .help("Fetch the package lists after a change; if that fails the change is taken back."),
        Arg::int("update_cache_retries").default_int(5).help("How often to try to fetch the lists."),
        Arg::int("update_cache_retry_max_delay")
            .default_int(12)
            .help("The longest pause between two tries, in seconds; pauses double."),
        Arg::str("filename")
            .help("The file below `sources.list.d`, without `.list`; made from the address if not given."),
        Arg::bool("install_python_apt")
            .default_bool(true)
            .help("Accepted for Ansible's sake: no Python is needed."),
        Arg::bool("validate_certs").default_bool(true).help("Refuse certificates that nobody trusts."),
        Arg::str("codename").help("The release for a `ppa:`; the host's own if not given."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    if find_program("apt-get", context).is_none() {
        return Err(Failure::new("Module apt_repository is not supported on target: it has no apt-get."));
    }
    run_in(Path::new("/etc/apt"), args, context)
}

fn run_in(apt: &Path, args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let repo = args.str("repo")?;
    if repo.is_empty() {
        return Err(Failure::new("Please set argument 'repo' to a non-empty value"));
    }
    let state = args.str("state")?;
    let before = SourceList::read(apt)?;
    let mut after = before.clone();
    let source = Source::new(repo, args, context)?;
    if state == "absent" {
        after.remove(&source.line);
    } else if !before.has(&source.line) {
        if let Some(ppa) = &source.ppa {
            ppa.trust(args.bool("validate_certs"), context)?;
        }
        let file = args.opt_str("filename").map(|name| format!("{name}.list"));
        after.add(&source.line, &file.unwrap_or(source.file));
    }
    let (old, new) = (before.texts(), after.texts());
    let changed = old != new;
    let added: Vec<&PathBuf> = new.keys().filter(|path| !old.contains_key(*path)).collect();
    let removed: Vec<&PathBuf> = old.keys().filter(|path| !new.contains_key(*path)).collect();
    if changed && !context.check {
        after.save()?;
        let done = set_mode(&added, args, context)
            .and_then(|()| if args.bool("update_cache") { update_lists(args, context) } else { Ok(()) });
        if let Err(failure) = done {
            revert(&before, &old, &added)?;
            return Err(failure);
        }
    }
    let paths = |paths: &[&PathBuf]| {
        paths.iter().map(|path| Value::from(path.display().to_string())).collect::<Value>()
    };
    let outcome = Outcome::new(changed)
        .with("repo", repo)
        .with("state", state)
        .with("sources_added", paths(&added))
        .with("sources_removed", paths(&removed));
    Ok(outcome.with("diff", diffs(&old, &new, &added, &removed, context.diff)))
}

/// The files that came and went; a list even when it is one, as Ansible's module gives it.
fn diffs(
    old: &BTreeMap<PathBuf, String>,
    new: &BTreeMap<PathBuf, String>,
    added: &[&PathBuf],
    removed: &[&PathBuf],
    wanted: bool,
) -> Value {
    let paths = added.iter().chain(removed).filter(|_| wanted);
    let diff = |path: &&PathBuf| {
        let text = |side: &BTreeMap<PathBuf, String>| side.get(*path).cloned().unwrap_or_default();
        let name = |side: &BTreeMap<PathBuf, String>| {
            if side.contains_key(*path) { path.display().to_string() } else { "/dev/null".to_owned() }
        };
        Diff::text(text(old), text(new)).headers(name(old), name(new)).to_value()
    };
    paths.map(diff).collect()
}

fn set_mode(added: &[&PathBuf], args: &Args, context: &mut Context) -> Result<(), Failure> {
    let Some(mode) = args.get("mode") else { return Ok(()) };
    let attributes = FileAttributes { mode: Some(FileMode::parse(mode)?), ..FileAttributes::default() };
    for path in added {
        attributes.apply(path, context, &mut Changes::default())?;
    }
    Ok(())
}

/// The files as they were.
fn revert(before: &SourceList, old: &BTreeMap<PathBuf, String>, added: &[&PathBuf]) -> Result<(), Failure> {
    for path in added {
        source_list::remove(path)?;
    }
    for (path, text) in old {
        source_list::write(path, text.as_bytes())?;
    }
    before.save()
}

/// The argument `repo`, understood.
struct Source {
    line: String,
    file: String,
    ppa: Option<Ppa>,
}

impl Source {
    fn new(repo: &str, args: &Args, context: &mut Context) -> Result<Self, Failure> {
        if let Some(name) = repo.strip_prefix("ppa:") {
            let codename = match args.opt_str("codename") {
                Some(name) => name.to_owned(),
                None => own_codename(context)?,
            };
            let (owner, ppa) = name.split_once('/').unwrap_or((name, "ppa"));
            let line = format!("deb https://ppa.launchpadcontent.net/{owner}/{ppa}/ubuntu {codename} main");
            let file = source_list::file_name(&format!("{repo}_{codename}"));
            return Ok(Self { line, file, ppa: Some(Ppa { owner: owner.to_owned(), name: ppa.to_owned() }) });
        }
        let line = Line::parse(repo);
        if !line.valid || !line.enabled || line.source.split(' ').count() < 3 {
            return Err(Failure::new(format!("Invalid repository string: {repo}")));
        }
        Ok(Self { file: source_list::file_name(&line.source), line: line.source, ppa: None })
    }
}

fn own_codename(context: &Context) -> Result<String, Failure> {
    let known = context.facts.get_str("ansible_distribution_release").map(str::to_owned);
    let read = || {
        let text = std::fs::read_to_string("/etc/os-release").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
        Some(line.trim_matches('"').to_owned())
    };
    known.or_else(read).ok_or_else(|| Failure::new("the host does not say its codename; set `codename`"))
}

/// A personal package archive of Launchpad.
struct Ppa {
    owner: String,
    name: String,
}

impl Ppa {
    /// Makes apt believe its key, asked of Launchpad.
    fn trust(&self, validate_certs: bool, context: &mut Context) -> Result<(), Failure> {
        let api = format!("https://api.launchpad.net/1.0/~{}/+archive/{}", self.owner, self.name);
        let failed = |said: &str| Failure::new(format!("failed to fetch PPA information, error was: {said}"));
        let bytes = download(&api, &[("Accept", "application/json")], validate_certs, context)
            .map_err(|failure| failed(&failure.msg))?;
        let about =
            json::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| failed(&error.to_string()))?;
        let key =
            about.as_map().and_then(|map: &Map| map.get_str("signing_key_fingerprint")).map(str::to_owned);
        let key = key.ok_or_else(|| failed("the answer names no signing key"))?;
        if context.check {
            return Ok(());
        }
        let program = find_program("apt-key", context).ok_or_else(|| {
            Failure::new(
                "Either apt-key or gpg binary is required, but neither could be found. The apt-key CLI has been deprecated and removed in modern \
                 Debian and derivatives, you might want to use \"deb822_repository\" instead.",
            )
        })?;
        let known = Command::new(&program).args(["export", &key]).plain_language().run(context)?;
        if known.ok() && !known.stderr_text().contains("nothing exported") {
            return Ok(());
        }
        let server = "hkp://keyserver.ubuntu.com:80";
        let words = ["adv", "--recv-keys", "--no-tty", "--keyserver", server, &key];
        Command::new(program).args(words).plain_language().run_ok(context).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn call(apt: &Path, repo: &str, more: &[(&'static str, Value)]) -> Result<Outcome, Failure> {
        let mut map = Map::from([("repo", Value::from(repo)), ("update_cache", false.into())]);
        for (name, value) in more {
            map.insert(*name, value.clone());
        }
        let args = SPEC.parse(&map, &|_| None).unwrap();
        run_in(apt, &args, &mut Context { diff: true, ..Context::local() })
    }

    #[test]
    fn a_source_comes_once_and_goes() {
        let apt = tempfile::tempdir().unwrap();
        let repo = "deb [trusted=yes]  http://example.org/debian stable main";
        let path = apt.path().join("sources.list.d/example_org_debian.list");
        let first = call(apt.path(), repo, &[("mode", "0600".into())]).unwrap();
        assert!(first.changed);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "deb [trusted=yes] http://example.org/debian stable main\n"
        );
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            first.fields.get("sources_added").and_then(Value::as_list).map(|list| list.len()),
            Some(1)
        );
        assert!(!call(apt.path(), repo, &[]).unwrap().changed);
        assert!(call(apt.path(), repo, &[("state", "absent".into())]).unwrap().changed);
        assert!(!path.exists());
        assert!(!call(apt.path(), repo, &[("state", "absent".into())]).unwrap().changed);
    }

    #[test]
    fn a_file_can_be_named_and_nonsense_is_refused() {
        let apt = tempfile::tempdir().unwrap();
        call(apt.path(), "deb http://e/ s main", &[("filename", "mine".into())]).unwrap();
        assert!(apt.path().join("sources.list.d/mine.list").exists());
        let failure = call(apt.path(), "http://e/ s main", &[]).unwrap_err();
        assert_eq!(failure.msg, "Invalid repository string: http://e/ s main");
    }

    #[test]
    fn a_ppa_is_an_address_with_the_hosts_release() {
        let args =
            SPEC.parse(&Map::from([("repo", "ppa:nginx/stable"), ("codename", "focal")]), &|_| None).unwrap();
        let source = Source::new("ppa:nginx/stable", &args, &mut Context::local()).unwrap();
        assert_eq!(source.line, "deb https://ppa.launchpadcontent.net/nginx/stable/ubuntu focal main");
        assert_eq!(source.file, "ppa_nginx_stable_focal.list");
    }
}
