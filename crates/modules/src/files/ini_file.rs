//! `community.general.ini_file`: single options and sections of an INI file, everything else left as it is.

use std::fs;
use std::path::Path;

use crate::atomic_write::{AtomicFile, backup};
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, ArgType, Args, Context, Diff, Failure, ModuleSpec, Outcome, Rules};

use super::ini_section::{Edit, Section};
use super::{edit, lineinfile};

/// `value` and `values` say the same thing twice.
const ONE_OF_VALUES: Rules = Rules { mutually_exclusive: &[&["value", "values"]], ..Rules::NONE };

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "ini_file",
    collection: "community.general",
    summary: "Tweak settings in INI files",
    args: &[
        Arg::path("path").required().aliases(&["dest"]).help("The file; it is made if it is not there."),
        Arg::str("section").help("The section; not given: what stands before the first one."),
        Arg::list("section_has_values", ArgType::Dict)
            .options(
                &[
                    Arg::str("option").required().help("An option that the section must have."),
                    Arg::str("value").help("The value that it must have."),
                    Arg::list("values", ArgType::Str).help("Values of which it must have one."),
                ],
                ONE_OF_VALUES,
            )
            .help("Of several sections with this name, the first that has these options."),
        Arg::str("option").help("The option; not given: the section as a whole."),
        Arg::str("value").help("Its value."),
        Arg::list("values", ArgType::Str).help("Its values, one line each."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether the option or section is to be there."),
        Arg::bool("exclusive")
            .default_bool(true)
            .help("Whether other lines of the same option are removed or replaced."),
        Arg::bool("no_extra_spaces").default_bool(false).help("Write `a=b` instead of `a = b`."),
        Arg::bool("ignore_spaces")
            .default_bool(false)
            .help("Leave lines alone that differ in spaces around the `=` only."),
        Arg::bool("allow_no_value").default_bool(false).help("Write options without a value as bare names."),
        Arg::bool("modify_inactive_option")
            .default_bool(true)
            .help("Whether a line that is commented out may be replaced."),
        Arg::bool("create").default_bool(true).help("Whether a missing file is made."),
        Arg::bool("follow").default_bool(false).help("Change what a link points at instead of the link."),
    ],
    shared: file_attributes::ARGS,
    rules: ONE_OF_VALUES,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let path = args.path("path")?;
    let edit = Edit::from_args(args)?;
    let target =
        if args.bool("follow") { fs::canonicalize(&path).unwrap_or(path.clone()) } else { path.clone() };
    let before = read(&target, args, context)?;
    let mut section = Section::find(&before, args.opt_str("section"), edit.conditions());
    let mut changed = section.had_no_end;
    let mut msg = "OK";
    if let Some(said) = edit.apply(&mut section) {
        changed = true;
        msg = said;
    }
    let after = section.write();
    let header = format!("{} (content)", path.display());
    let mut outcome = Outcome::unchanged()
        .with("diff", Diff::text(before, after.clone()).headers(header.clone(), header).to_value())
        .with("path", path.display().to_string())
        .msg(msg);
    if changed && !context.check {
        if args.bool("backup") && target.exists() {
            outcome = outcome.with("backup_file", backup(&target, context)?);
        }
        let mut file = AtomicFile::begin_in_place_of_link(&target)?;
        file.fill(after.as_bytes())?;
        file.replace(args.bool("unsafe_writes"))?;
    }
    if !context.check && path.exists() {
        changed |= FileAttributes::from_args(args)?.apply(&path, context, &mut Changes::default())?;
    }
    outcome.changed = changed;
    Ok(outcome)
}

/// The text of the file with plain line ends and without a byte order mark; empty if it may be made.
fn read(path: &Path, args: &Args, context: &Context) -> Result<String, Failure> {
    if let Some(bytes) = edit::read(path)? {
        let text = String::from_utf8(bytes)
            .map_err(|error| Failure::new(format!("{} is not UTF-8: {error}", path.display())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        return Ok(text.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if !args.bool("create") {
        let said = format!("Destination {} does not exist!", path.display());
        return Err(Failure::new(said).with("rc", 257));
    }
    if !context.check {
        lineinfile::make_parents(path)?;
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;

    fn call(path: &Path, args: &[(&'static str, Value)]) -> (bool, String, String) {
        let mut map: Map = args.iter().cloned().collect();
        map.insert("path", path.to_str().unwrap());
        let result = crate::run_local(&crate::RunRequest::new("community.general.ini_file", map));
        let changed = result.get("changed") == Some(&Value::from(true));
        let msg = result.get_str("msg").unwrap_or_default().to_owned();
        (changed, msg, fs::read_to_string(path).unwrap_or_default())
    }

    fn values(list: &[&str]) -> Value {
        list.iter().map(|text| Value::from(*text)).collect()
    }

    #[test]
    fn a_file_is_made_and_left_alone_the_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.ini");
        let args = [("section", "s".into()), ("option", "o".into()), ("value", "v".into())];
        let made = call(&path, &args);
        assert_eq!(made, (true, "section and option added".to_owned(), "\n[s]\no = v\n".to_owned()));
        assert!(!call(&path, &args).0);
    }

    #[test]
    fn options_are_replaced_added_and_removed_in_their_section() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        type Case<'a> = (&'a str, Vec<(&'static str, Value)>, &'a str, &'a str);
        let cases: Vec<Case> = vec![
            (
                "[a]\n#x = 1\n[b]\nx=1\n",
                vec![("value", "2".into())],
                "[a]\nx = 2\n[b]\nx=1\n",
                "option changed",
            ),
            (
                "[a]\n#x = 1\n[b]\n",
                vec![("value", "2".into()), ("modify_inactive_option", false.into())],
                "[a]\nx = 2\n#x = 1\n[b]\n",
                "option added",
            ),
            (
                "[a]\ny = 1\n\n# end\n",
                vec![("value", "2".into())],
                "[a]\ny = 1\nx = 2\n\n# end\n",
                "option added",
            ),
            ("[a]\nx = 1\nx = 2\n", vec![("value", "2".into())], "[a]\nx = 2\n", "option changed"),
            (
                "[a]\nx = 1\n",
                vec![("values", values(&["2", "1", "3"])), ("exclusive", false.into())],
                "[a]\nx = 1\nx = 2\nx = 3\n",
                "option added",
            ),
            ("[a]\nx=1\n", vec![("value", "1".into()), ("ignore_spaces", true.into())], "[a]\nx=1\n", "OK"),
            (
                "[a]\nx=1\n",
                vec![("value", "2".into()), ("no_extra_spaces", true.into())],
                "[a]\nx=2\n",
                "option changed",
            ),
            ("[a]\nx\n", vec![("allow_no_value", true.into())], "[a]\nx\n", "OK"),
            ("[a]\nx = 1\n", vec![("allow_no_value", true.into())], "[a]\nx\n", "option changed"),
            ("[a]\nx = 1\n#x = 2\n", vec![("state", "absent".into())], "[a]\n#x = 2\n", "option changed"),
            (
                "[a]\nx = 1\nx = 2\n",
                vec![("state", "absent".into()), ("exclusive", false.into()), ("value", "2".into())],
                "[a]\nx = 1\n",
                "option changed",
            ),
        ];
        for (before, more, after, msg) in cases {
            fs::write(&path, before).unwrap();
            let mut args = vec![("section", "a".into()), ("option", "x".into())];
            args.extend(more);
            let (changed, said, text) = call(&path, &args);
            assert_eq!((text.as_str(), said.as_str()), (after, msg), "{before:?}");
            assert_eq!(changed, msg != "OK", "{before:?}");
        }
    }

    #[test]
    fn whole_sections_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "top = 1\n[a]\nx = 1\n[b]\n").unwrap();
        let gone = call(&path, &[("section", "a".into()), ("state", "absent".into())]);
        assert_eq!(gone, (true, "section removed".to_owned(), "top = 1\n[b]\n".to_owned()));
        assert!(!call(&path, &[("section", "a".into()), ("state", "absent".into())]).0);
        let (_, msg, text) = call(&path, &[("section", "c".into()), ("allow_no_value", true.into())]);
        assert_eq!((msg.as_str(), text.as_str()), ("only section added", "top = 1\n[b]\n[c]\n"));
        let (_, _, text) = call(&path, &[("option", "top".into()), ("value", "2".into())]);
        assert_eq!(text, "top = 2\n[b]\n[c]\n");
    }

    #[test]
    fn of_sections_with_one_name_the_one_with_the_values_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "[Peer]\nip = 1\n[Peer]\nip = 2\n").unwrap();
        let wanted = |value: &str| {
            let condition = Map::from([("option", "ip"), ("value", value)]);
            ("section_has_values", Value::from(vec![Value::Map(condition)]))
        };
        let common = [("section", Value::from("Peer")), ("option", "key".into()), ("value", "k".into())];
        let args: Vec<_> = common.iter().cloned().chain([wanted("2")]).collect();
        assert_eq!(call(&path, &args).2, "[Peer]\nip = 1\n[Peer]\nip = 2\nkey = k\n");
        let args: Vec<_> = common.iter().cloned().chain([wanted("3")]).collect();
        assert!(call(&path, &args).2.ends_with("key = k\n[Peer]\nip = 3\nkey = k\n"));
    }

    #[test]
    fn a_link_is_followed_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("f"), folder.path().join("l"));
        fs::write(&file, "[a]\nx = 1\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let args = [("section", "a".into()), ("option", "x".into()), ("value", "2".into())];
        let following: Vec<_> = args.iter().cloned().chain([("follow", true.into())]).collect();
        call(&link, &following);
        assert!(link.is_symlink() && fs::read_to_string(&file).unwrap() == "[a]\nx = 2\n");
        fs::write(&file, "[a]\nx = 1\n").unwrap();
        call(&link, &args);
        assert!(!link.is_symlink() && fs::read_to_string(&file).unwrap() == "[a]\nx = 1\n");
    }
}
