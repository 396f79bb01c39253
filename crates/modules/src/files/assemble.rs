//! `assemble`: a file from fragments in a folder of the host. Fragments of the controller come as the content of `copy`.

use std::fs;
use std::path::Path;

use data::Map;
use data::pattern::Pattern;
use sha1::{Digest, Sha1};

use super::edit;
use crate::atomic_write::backup;
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, hex, sha1_of_file};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "assemble",
    summary: "Assemble configuration files from fragments",
    args: &[
        Arg::path("src").required().help("The folder of fragments."),
        Arg::str("delimiter").help("Text between two fragments."),
        Arg::path("dest").required().help("The file to make."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::bool("remote_src").default_bool(true).help("`src` is on the host itself."),
        Arg::str("regexp").help("Only fragments whose name matches this regular expression."),
        Arg::bool("ignore_hidden")
            .default_bool(false)
            .help("Leave out fragments whose name begins with a dot."),
        Arg::str("validate").help("A command that must accept the new file, named `%s` in it."),
        Arg::bool("decrypt").default_bool(true).help("Decrypt vaulted fragments; done by the controller."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (source, dest) = (args.path("src")?, args.path("dest")?);
    if !source.exists() {
        return Err(Failure::new(format!("Source ({}) does not exist", source.display())));
    }
    if !source.is_dir() {
        return Err(Failure::new(format!("Source ({}) is not a directory", source.display())));
    }
    let bytes = assemble(&source, args)?;
    let sum = hex::encode(&Sha1::digest(&bytes));
    let mut result = Map::from([
        ("src", source.display().to_string()),
        ("dest", dest.display().to_string()),
        ("md5sum", hex::encode(&md5::Md5::digest(&bytes))),
        ("checksum", sum.clone()),
    ]);
    let old = fs::read(&dest).ok();
    let changed = sha1_of_file(&dest).ok() != Some(sum);
    let mut outcome = Outcome::new(changed);
    if changed {
        let name = dest.display().to_string();
        let diff = Diff::content(old.as_deref().unwrap_or_default(), &bytes);
        outcome.diff.push(diff.headers(name, source.display().to_string()));
        if !context.check {
            if args.bool("backup") && old.is_some() {
                result.insert("backup_file", backup(&dest, context)?);
            }
            // The backup is made already.
            edit::write(&dest, &bytes, &args.clone().with("backup", false), context)?;
        }
    }
    outcome.changed |= FileAttributes::from_args(args)?.apply(&dest, context, &mut Changes::default())?;
    outcome.fields = result;
    Ok(outcome.msg("OK"))
}

/// The fragments in the order of their names, each beginning on a line of its own.
fn assemble(source: &Path, args: &Args) -> Result<Vec<u8>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        let text = args.opt_str("regexp").unwrap_or_default();
        Failure::new(format!("Invalid Regexp ({error}) in \"{text}\""))
    };
    let pattern = args.opt_str("regexp").map(Pattern::new).transpose().map_err(|error| wrong(&error))?;
    let delimiter = args.opt_str("delimiter").map(|text| unescape(text).into_bytes());
    let entries = fs::read_dir(source).map_err(|error| Failure::io("could not read", source, &error))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut all = Vec::new();
    let mut first = true;
    for name in names {
        let path = source.join(&name);
        let wanted = match &pattern {
            Some(pattern) => pattern.is_match(&name).map_err(|error| wrong(&error))?,
            None => true,
        };
        if !wanted || !path.is_file() || (args.bool("ignore_hidden") && name.starts_with('.')) {
            continue;
        }
        if !first && all.last() != Some(&b'\n') {
            all.push(b'\n');
        }
        if let Some(delimiter) = delimiter.as_deref().filter(|delimiter| !first && !delimiter.is_empty()) {
            all.extend_from_slice(delimiter);
            if delimiter.last() != Some(&b'\n') {
                all.push(b'\n');
            }
        }
        all.extend(fs::read(&path).map_err(|error| Failure::io("could not read", &path, &error))?);
        first = false;
    }
    Ok(all)
}

/// `\n` and `\t` written out.
fn unescape(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::Value;

    #[test]
    fn fragments_are_joined_in_order_once() {
        let folder = tempfile::tempdir().unwrap();
        let parts = folder.path().join("parts");
        fs::create_dir(&parts).unwrap();
        for (name, text) in [("10-a", "a"), ("20-b", "b\n"), (".hid", "h\n"), ("30-c.bak", "c\n")] {
            fs::write(parts.join(name), text).unwrap();
        }
        let dest = folder.path().join("dest");
        let args = Map::from([
            ("src", Value::from(parts.to_str().unwrap())),
            ("dest", dest.to_str().unwrap().into()),
            ("delimiter", "--\\n".into()),
            ("regexp", "[ab]$".into()),
            ("ignore_hidden", true.into()),
        ]);
        for changed in [true, false] {
            let result = crate::run_local(&crate::RunRequest::new("assemble", args.clone()));
            assert_eq!(result.get("changed"), Some(&Value::from(changed)), "{result:?}");
        }
        assert_eq!(fs::read_to_string(&dest).unwrap(), "a\n--\nb\n");
    }
}
