//! `deb822_repository`: package sources of apt in the newer form, one file a repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::Value;

use crate::file_attributes::{Changes, FileAttributes};
use crate::mode::FileMode;
use crate::network::download;
use crate::{Arg, ArgType, Args, Context, Default, Diff, Failure, ModuleSpec, Outcome, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "deb822_repository",
    summary: "Add and remove deb822 formatted repositories",
    args: &[
        Arg::str("name").required().help("The repository's name; the file's name is made from it."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the repository is to be there."),
        Arg::list("types", ArgType::Str)
            .default(Default::List(&["deb"]))
            .choices(&["deb", "deb-src"])
            .help("Whether it has packages, their sources, or both."),
        Arg::list("uris", ArgType::Str).help("Where it is."),
        Arg::list("suites", ArgType::Str).help("Its suites, such as `bookworm`."),
        Arg::list("components", ArgType::Str).help("Its components, such as `main`."),
        Arg::list("architectures", ArgType::Str).help("Architectures to look for."),
        Arg::str("signed_by").help(
            "The file of the key on the host, its fingerprint, or an address of it, or the key itself.",
        ),
        Arg::bool("enabled").help("Whether apt uses it."),
        Arg::bool("trusted").help("Whether it is believed without a signature."),
        Arg::bool("allow_downgrade_to_insecure").help("Whether its signature may go away."),
        Arg::bool("allow_insecure").help("Whether it may be unsigned."),
        Arg::bool("allow_weak").help("Whether its signature may be weak."),
        Arg::bool("by_hash").help("Whether lists are fetched by their digest."),
        Arg::bool("check_date").help("Whether its date is checked."),
        Arg::bool("check_valid_until").help("Whether its end of validity is checked."),
        Arg::int("date_max_future").help("How many seconds its date may lie in the future."),
        Arg::str("inrelease_path").help("Where its signed index is, if not at the usual place."),
        Arg::list("languages", ArgType::Str).help("Languages of descriptions to fetch."),
        Arg::bool("pdiffs").help("Whether lists are fetched as differences."),
        Arg::list("targets", ArgType::Str).help("Which lists are fetched."),
        Arg::raw("mode").default_str("0644").help("Permissions of the file."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    run_in(Path::new("/etc/apt"), args, context)
}

fn run_in(apt: &Path, args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let slug = slug(args.str("name")?);
    let path = apt.join("sources.list.d").join(format!("{slug}.sources"));
    let shown = path.display().to_string();
    let before = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::io("could not read", &path, &error)),
    };
    if args.str("state")? == "absent" {
        let keys = ["asc", "gpg"].map(|end| apt.join("keyrings").join(format!("{slug}.{end}")));
        let there: Vec<PathBuf> = keys.into_iter().chain([path]).filter(|path| path.exists()).collect();
        if !context.check {
            for path in &there {
                fs::remove_file(path).map_err(|error| Failure::io("could not remove", path, &error))?;
            }
        }
        let diff = Diff::text(before.unwrap_or_default(), "").headers(shown.clone(), "/dev/null");
        return Ok(Outcome::new(!there.is_empty())
            .with("repo", Value::Null)
            .with("dest", shown)
            .with("key_filename", apt.join("keyrings").join(format!("{slug}.gpg")).display().to_string())
            .with_diff(diff));
    }
    let key = match args.opt_str("signed_by").filter(|text| is_address(text)) {
        Some(url) => Some(Key::fetch(url, apt, &slug, context)?),
        None => None,
    };
    let key_file = key.as_ref().map(|key| key.path.display().to_string());
    let repo = render(args, key_file.as_deref());
    let mut changed = before.as_deref() != Some(&repo);
    if changed && !context.check {
        atomic_write::write(&path, repo.as_bytes(), false)?;
    }
    let mode = args.get("mode").map(FileMode::parse).transpose()?;
    changed |= FileAttributes { mode, ..FileAttributes::default() }.apply(
        &path,
        context,
        &mut Changes::default(),
    )?;
    if let Some(key) = key {
        changed |= key.put(context)?;
    }
    let given = args.opt_str("signed_by").filter(|text| Path::new(text).is_file()).map(str::to_owned);
    let diff = Diff::text(before.unwrap_or_default(), repo.clone()).headers(shown.clone(), shown.clone());
    Ok(Outcome::new(changed)
        .with("repo", repo)
        .with("dest", shown)
        .with("key_filename", key_file.or(given).map_or(Value::Null, Value::from))
        .with_diff(diff))
}

fn is_address(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && ["http://", "https://", "file://"].iter().any(|scheme| text.starts_with(scheme))
}

/// A key fetched from an address, and the file below `keyrings` that it goes to.
struct Key {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Key {
    fn fetch(url: &str, apt: &Path, slug: &str, context: &mut Context) -> Result<Self, Failure> {
        let bytes = download(url, &[], true, context)
            .map_err(|failure| Failure::new(format!("Could not fetch signed_by key: {}", failure.msg)))?;
        let armored = bytes.windows(ARMOR.len()).any(|part| part == ARMOR);
        let end = if armored { "asc" } else { "gpg" };
        Ok(Self { path: apt.join("keyrings").join(format!("{slug}.{end}")), bytes })
    }

    /// Writes the file with mode 0644 if it is not that already.
    fn put(&self, context: &mut Context) -> Result<bool, Failure> {
        let mut changed = false;
        if !fs::read(&self.path).is_ok_and(|there| there == self.bytes) {
            changed = true;
            if !context.check {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)
                        .map_err(|error| Failure::io("could not make", folder, &error))?;
                }
                atomic_write::write(&self.path, &self.bytes, false)?;
            }
        }
        let readable = FileAttributes {
            mode: Some(FileMode::parse(&Value::from("0644"))?),
            ..FileAttributes::default()
        };
        Ok(changed | readable.apply(&self.path, context, &mut Changes::default())?)
    }
}

/// How a key in text form begins.
const ARMOR: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// The name of the file: lower case, dashes for blanks, nothing else but letters, digits and dashes.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            '_' | ' ' | '\t' | '\n' if slug.ends_with('-') => {}
            '_' | ' ' | '\t' | '\n' => slug.push('-'),
            c if c.is_ascii_alphanumeric() || c == '-' => slug.push(c),
            _ => {}
        }
    }
    slug
}

/// The file's text: one field a line, in the order of the arguments' names.
fn render(args: &Args, key_file: Option<&str>) -> String {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for arg in SPEC.args.iter().filter(|arg| !matches!(arg.name, "mode" | "state")) {
        let text = match args.get(arg.name) {
            None => continue,
            Some(_) if arg.name == "signed_by" && key_file.is_some() => {
                key_file.unwrap_or_default().to_owned()
            }
            Some(Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::List(_)) => args.strings(arg.name).join(" "),
            Some(other) => other.as_str().unwrap_or_default().to_owned(),
        };
        fields.push((arg.name, text));
    }
    fields.sort();
    fields.iter().map(|(name, text)| format!("{}: {}\n", field_name(name), folded(text))).collect()
}

fn field_name(name: &str) -> String {
    match name {
        "name" => return "X-Repolib-Name".to_owned(),
        "uris" => return "URIs".to_owned(),
        _ => {}
    }
    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect::<Vec<_>>().join("-")
}

/// Text of several lines goes on in indented ones, where a dot stands for an empty one.
fn folded(text: &str) -> String {
    if !text.contains('\n') {
        return text.to_owned();
    }
    let lines = text.trim().lines().map(str::trim).map(|line| if line.is_empty() { "." } else { line });
    lines.map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;

    fn call(apt: &Path, more: &[(&'static str, &str)]) -> (bool, String) {
        let mut args =
            Map::from([("name", "My Repo_1"), ("uris", "https://example.org/debian"), ("suites", "stable")]);
        for (name, value) in more {
            args.insert(*name, *value);
        }
        let args = SPEC.parse(&args, &|_| None).unwrap();
        let outcome = run_in(apt, &args, &mut Context::local()).unwrap();
        (
            outcome.changed,
            fs::read_to_string(apt.join("sources.list.d/my-repo-1.sources")).unwrap_or_default(),
        )
    }

    #[test]
    fn a_repository_is_written_once_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        let args = [("components", "main,contrib"), ("check_valid_until", "no"), ("signed_by", "/k.asc")];
        let (changed, text) = call(folder.path(), &args);
        assert!(changed);
        assert_eq!(
            text,
            "Check-Valid-Until: no\nComponents: main contrib\nX-Repolib-Name: My Repo_1\nSigned-By: /k.asc\nSuites: stable\nTypes: deb\n\
             URIs: https://example.org/debian\n"
        );
        assert!(!call(folder.path(), &args).0);
        assert_eq!(call(folder.path(), &[("state", "absent")]), (true, String::new()));
        assert!(!call(folder.path(), &[("state", "absent")]).0);
    }

    #[test]
    fn a_key_in_the_text_is_folded() {
        assert_eq!(folded("-----BEGIN\n\nabc\n"), "\n    -----BEGIN\n    .\n    abc");
    }
}
