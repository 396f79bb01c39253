//! `find`: the files of folders that meet conditions.

use std::collections::VecDeque;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use data::pattern::Pattern;
use data::{Map, Value, fnmatch};

use super::edit::Content;
use super::stat::{checksum, mode_and_owner};
use crate::mode::FileMode;
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "find",
    summary: "Return a list of files based on specific criteria",
    args: &[
        Arg::list("paths", ArgType::Path)
            .required()
            .aliases(&["name", "path"])
            .help("The folders to look in."),
        Arg::list("patterns", ArgType::Str)
            .default(Default::List(&[]))
            .aliases(&["pattern"])
            .help("Patterns of names, of which one must match."),
        Arg::list("excludes", ArgType::Str)
            .aliases(&["exclude"])
            .help("Patterns of names that must not match."),
        Arg::str("contains").help("A regular expression that must match at the beginning of a line."),
        Arg::bool("read_whole_file")
            .default_bool(false)
            .help("Search `contains` in the whole content instead."),
        Arg::str("file_type")
            .choices(&["any", "directory", "file", "link"])
            .default_str("file")
            .help("What to return."),
        Arg::str("age").help("Older than this (`2d`), or younger (`-2d`)."),
        Arg::str("age_stamp")
            .choices(&["atime", "ctime", "mtime"])
            .default_str("mtime")
            .help("The time that `age` means."),
        Arg::str("size").help("Larger than this (`10m`), or smaller (`-10m`)."),
        Arg::bool("recurse").default_bool(false).help("Look in folders within, too."),
        Arg::bool("hidden").default_bool(false).help("Return names that begin with a dot, too."),
        Arg::bool("follow").default_bool(false).help("Look in folders that links lead to, too."),
        Arg::bool("get_checksum").default_bool(false).help("Return a checksum of each file."),
        Arg::str("checksum_algorithm")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .default_str("sha1")
            .aliases(&["checksum", "checksum_algo"])
            .help("The checksum's algorithm."),
        Arg::bool("use_regex").default_bool(false).help("`patterns` and `excludes` are regular expressions."),
        Arg::int("depth").help("How many levels to look down."),
        Arg::raw("mode").help("Permissions that must be set."),
        Arg::bool("exact_mode").default_bool(true).help("Exactly these permissions; otherwise any of them."),
        Arg::str("encoding").help("The encoding of the files that `contains` reads."),
        Arg::int("limit").help("Return no more than this many."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let mut search =
        Search { conditions: Conditions::new(args)?, files: Vec::new(), examined: 0, skipped: Map::new() };
    let mut warned = false;
    for path in args.strings("paths") {
        if !Path::new(path).is_dir() {
            let said = format!("'{path}' is not a directory");
            context.warn(format!("Skipped '{path}' path due to this access issue: {said}\n"));
            search.skipped.insert(path, said);
            warned = true;
            continue;
        }
        search.walk(Path::new(path), args, context)?;
    }
    let limited = args.int("limit").is_some_and(|limit| search.files.len() as i64 == limit);
    let msg = match (warned, limited) {
        (true, _) => "Not all paths examined, check warnings for details",
        (false, true) => "Limit of matches reached",
        (false, false) => "All paths examined",
    };
    Ok(Outcome::unchanged()
        .msg(msg)
        .with("matched", search.files.len())
        .with("examined", search.examined)
        .with("skipped_paths", search.skipped)
        .with("files", search.files))
}

struct Search {
    conditions: Conditions,
    files: Vec<Value>,
    examined: usize,
    skipped: Map,
}

impl Search {
    /// Level by level within a folder: first its files, then what is in its folders, as Python's `os.walk` goes.
    fn walk(&mut self, top: &Path, args: &Args, context: &Context) -> Result<(), Failure> {
        let limit = args.int("limit").and_then(|limit| usize::try_from(limit).ok());
        let depth =
            args.int("depth").filter(|depth| *depth != 0).and_then(|depth| usize::try_from(depth).ok());
        let mut waiting = VecDeque::from([(top.to_path_buf(), 1_usize)]);
        while let Some((folder, level)) = waiting.pop_front() {
            context.go_on()?;
            let (mut folders, entries) = match list(&folder) {
                Ok(found) => found,
                Err(error) => {
                    self.skipped.insert(folder.display().to_string(), error.to_string());
                    continue;
                }
            };
            self.examined += entries.len();
            if depth.is_some_and(|depth| level > depth) {
                continue;
            }
            for path in &entries {
                self.look_at(path, args)?;
                if limit == Some(self.files.len()) {
                    return Ok(());
                }
            }
            if args.bool("recurse") {
                folders.retain(|path| args.bool("follow") || !path.is_symlink());
                for path in folders.into_iter().rev() {
                    waiting.push_front((path, level + 1));
                }
            }
        }
        Ok(())
    }

    fn look_at(&mut self, path: &Path, args: &Args) -> Result<(), Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') && !args.bool("hidden") {
            return Ok(());
        }
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) => {
                self.skipped.insert(path.display().to_string(), error.to_string());
                return Ok(());
            }
        };
        if !self.conditions.meets(&name, path, &found)? {
            return Ok(());
        }
        let mut entry = Map::from([("path", path.display().to_string())]);
        entry.extend_from(&mode_and_owner(&found));
        if args.bool("get_checksum") && found.is_file() {
            entry.insert("checksum", checksum(path, args.str("checksum_algorithm")?)?);
        }
        self.files.push(Value::Map(entry));
        Ok(())
    }
}

/// The folders in a folder, and everything in it: files first, then folders.
fn list(folder: &Path) -> std::io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // As Python: a link to a folder counts as a folder.
        if path.is_dir() { folders.push(path) } else { files.push(path) }
    }
    files.sort();
    folders.sort();
    files.extend(folders.iter().cloned());
    Ok((folders, files))
}

/// What a file must be.
struct Conditions {
    kind: String,
    names: Names,
    excludes: Option<Names>,
    age: Option<i64>,
    stamp: String,
    size: Option<i64>,
    mode: Option<(FileMode, bool)>,
    contains: Option<(Pattern, bool)>,
}

enum Names {
    Shell(Vec<String>),
    Regex(Vec<Pattern>),
}

impl Names {
    fn new(patterns: &[&str], regex: bool) -> Result<Self, Failure> {
        let own = |text: &&str| (*text).to_string();
        if !regex {
            return Ok(Self::Shell(patterns.iter().map(own).collect()));
        }
        // Python's `match` looks at the beginning only.
        let compile = |text: &&str| Pattern::new(&format!(r"\A(?:{text})"));
        let compiled = patterns.iter().map(compile).collect::<Result<_, _>>();
        compiled
            .map(Self::Regex)
            .map_err(|error| Failure::new(format!("invalid regular expression: {error}")))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Shell(patterns) => patterns.iter().any(|pattern| fnmatch(pattern, name)),
            Self::Regex(patterns) => patterns.iter().any(|pattern| pattern.is_match(name).unwrap_or(false)),
        }
    }
}

impl Conditions {
    fn new(args: &Args) -> Result<Self, Failure> {
        let regex = args.bool("use_regex");
        let mut patterns = args.strings("patterns");
        if patterns.is_empty() {
            patterns = vec![if regex { ".*" } else { "*" }];
        }
        let excludes =
            args.has("excludes").then(|| Names::new(&args.strings("excludes"), regex)).transpose()?;
        let mode = args.get("mode").map(|mode| match mode {
            Value::Str(_) => FileMode::parse(mode),
            other => {
                let kind = other.kind().python_name();
                let said = format!(
                    "argument 'mode' is not a string and conversion is not allowed, value is of type {kind}"
                );
                Err(Failure::new(said))
            }
        });
        let contains = args.opt_str("contains").map(|text| {
            let whole = args.bool("read_whole_file");
            let pattern = if whole { text.to_string() } else { format!(r"\A(?:{text})") };
            Pattern::new(&pattern).map(|pattern| (pattern, whole))
        });
        if let Some(limit) = args.int("limit").filter(|limit| *limit <= 0) {
            return Err(Failure::new(format!("limit cannot be {limit} (use None for unlimited)")));
        }
        Ok(Self {
            kind: args.str("file_type")?.to_string(),
            names: Names::new(&patterns, regex)?,
            excludes,
            age: amount(args, "age", &[("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604_800)])?,
            stamp: args.str("age_stamp")?.to_string(),
            size: amount(
                args,
                "size",
                &[("b", 1), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)],
            )?,
            mode: mode.transpose()?.map(|mode| (mode, args.bool("exact_mode"))),
            contains: contains.transpose().map_err(|error| Failure::new(error.to_string()))?,
        })
    }

    fn meets(&self, name: &str, path: &Path, found: &Metadata) -> Result<bool, Failure> {
        let kind = match self.kind.as_str() {
            "any" => true,
            "directory" => found.is_dir(),
            "link" => found.is_symlink(),
            _ => found.is_file(),
        };
        let named =
            self.names.matches(name) && !self.excludes.as_ref().is_some_and(|names| names.matches(name));
        // Size matters for files only.
        let sized = !found.is_file() || beyond(self.size, i64::try_from(found.len()).unwrap_or(i64::MAX));
        Ok(kind
            && named
            && sized
            && self.is_of_age(found)
            && self.has_mode(found)
            && self.holds(path, found)?)
    }

    fn is_of_age(&self, found: &Metadata) -> bool {
        let stamp = match self.stamp.as_str() {
            "atime" => found.atime(),
            "ctime" => found.ctime(),
            _ => found.mtime(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        beyond(self.age, i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(stamp))
    }

    fn has_mode(&self, found: &Metadata) -> bool {
        let Some((mode, exact)) = &self.mode else { return true };
        let (wanted, has) = (mode.bits(0, false, 0), found.mode() & 0o7777);
        if *exact { has == wanted } else { has & wanted != 0 }
    }

    fn holds(&self, path: &Path, found: &Metadata) -> Result<bool, Failure> {
        let Some((pattern, whole)) =
            self.contains.as_ref().filter(|_| found.is_file() && self.kind == "file")
        else {
            return Ok(true);
        };
        let Ok(bytes) = fs::read(path) else { return Ok(false) };
        let content = Content::new(&bytes);
        let matches = |text: &str| pattern.is_match(text).map_err(|error| Failure::new(error.to_string()));
        if *whole {
            return matches(&content.text);
        }
        for line in content.text.split_inclusive('\n') {
            if matches(line)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// At least this much, or at most that much if it is negative.
fn beyond(bound: Option<i64>, value: i64) -> bool {
    match bound {
        None => true,
        Some(least) if least >= 0 => value >= least,
        Some(most) => value <= most.saturating_abs(),
    }
}

/// A number with a unit, such as `-2d`.
fn amount(args: &Args, name: &str, units: &[(&str, i64)]) -> Result<Option<i64>, Failure> {
    let Some(text) = args.opt_str(name) else { return Ok(None) };
    let wrong = || Failure::new(format!("failed to process {name}")).with(name, text);
    let lower = text.to_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &lower[digits.len()..];
    let factor = match unit {
        "" => 1,
        _ => units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(wrong)?,
    };
    Ok(Some(digits.parse::<i64>().map_err(|_| wrong())?.saturating_mul(factor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(folder: &Path, args: &[(&str, Value)]) -> Vec<String> {
        let mut map: Map = args.iter().cloned().collect();
        map.insert("paths", folder.to_str().unwrap());
        let result = crate::run_local(&crate::RunRequest::new("find", map));
        let files = result.get("files").and_then(Value::as_list).unwrap_or_else(|| panic!("{result:?}"));
        let names = files.iter().map(|file| file.get("path").and_then(Value::as_str).unwrap());
        names
            .map(|path| {
                path.strip_prefix(folder.to_str().unwrap()).unwrap().trim_start_matches('/').to_string()
            })
            .collect()
    }

    #[test]
    fn conditions_choose_files() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::create_dir_all(base.join("sub/deep")).unwrap();
        for (name, content) in [
            ("a.txt", "x=1\n"),
            ("b.log", "y=2\n"),
            (".c.txt", ""),
            ("sub/d.txt", "long enough"),
            ("sub/deep/e.txt", ""),
        ] {
            fs::write(base.join(name), content).unwrap();
        }
        let yes = || Value::from(true);
        assert_eq!(find(base, &[]), ["a.txt", "b.log"]);
        assert_eq!(
            find(base, &[("patterns", "*.txt".into()), ("recurse", yes())]),
            ["a.txt", "sub/d.txt", "sub/deep/e.txt"]
        );
        assert_eq!(find(base, &[("patterns", "*.txt".into()), ("hidden", yes())]), [".c.txt", "a.txt"]);
        assert_eq!(find(base, &[("excludes", "*.txt".into())]), ["b.log"]);
        assert_eq!(find(base, &[("contains", "y=".into())]), ["b.log"]);
        assert_eq!(find(base, &[("size", "5".into()), ("recurse", yes())]), ["sub/d.txt"]);
        assert_eq!(find(base, &[("file_type", "directory".into())]), ["sub"]);
        assert_eq!(
            find(base, &[("recurse", yes()), ("depth", 2.into()), ("patterns", "[de].txt".into())]),
            ["sub/d.txt"]
        );
        assert_eq!(find(base, &[("patterns", r"^[ab]\.".into()), ("use_regex", yes())]), ["a.txt", "b.log"]);
        assert_eq!(find(base, &[("age", "1d".into())]), Vec::<String>::new());
        assert_eq!(find(base, &[("age", "-1d".into()), ("limit", 1.into())]), ["a.txt"]);
    }

    #[test]
    fn amounts_have_units() {
        let args = |text: &str| Args::default().with("age", text);
        let units: &[(&str, i64)] = &[("d", 86400)];
        assert_eq!(amount(&args("-2d"), "age", units).unwrap(), Some(-172_800));
        assert!(amount(&args("2x"), "age", units).is_err());
    }
}
