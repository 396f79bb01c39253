//! `replace`: all matches of a regular expression in a file.

use data::pattern::{Pattern, PatternFlags};

use super::edit::{self, Content};
use crate::{Arg, Args, Context, Diff, Failure, ModuleSpec, Outcome, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "replace",
    summary: "Replace all instances of a particular string in a file using a back-referenced regular expression",
    args: &[
        Arg::path("path").required().aliases(&["dest", "destfile", "name"]).help("The file."),
        Arg::str("regexp").required().help("What to replace; `^` and `$` match at every line."),
        Arg::str("replace").default_str("").help("What to put there; `\\1` and `\\g<name>` are groups."),
        Arg::str("after").help("Only what follows the first match of this."),
        Arg::str("before").help("Only what stands before the first match of this."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::str("validate").help("A command that must accept the new file, named `%s` in it."),
        Arg::str("encoding")
            .default_str("utf-8")
            .help("The file's encoding; bytes that are not UTF-8 are kept as they are."),
    ],
    shared: file_attributes::ARGS,
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let path = args.path("path")?;
    let before = edit::read(&path)?
        .ok_or_else(|| Failure::new(format!("Path {} does not exist !", path.display())).with("rc", 257))?;
    let content = Content::new(&before);
    let (start, end) = match section_pattern(args) {
        None => (0, content.text.len()),
        Some(pattern) => match find_section(&pattern, &content)? {
            Some(range) => range,
            None => {
                let msg = format!("Pattern for before/after params did not match the given file: {pattern}");
                return Ok(Outcome::unchanged().msg(msg).with("rc", 0));
            }
        },
    };
    let flags = PatternFlags { multiline: true, ..PatternFlags::default() };
    let pattern = Pattern::with_flags(&content.like(args.str("regexp")?), flags)
        .map_err(|error| Failure::new(format!("invalid regular expression: {error}")))?;
    // As Python, which reads the replacement before it looks for anything to replace.
    data::pattern::check_replacement(args.str("replace")?)
        .map_err(|error| Failure::new(format!("Unable to process replace due to error: {error}")))?;
    let section = &content.text[start..end];
    let (replaced, count) = pattern
        .replace(section, &content.like(args.str("replace")?), 0)
        .map_err(|error| Failure::new(format!("Unable to process replace due to error: {error}")))?;
    let mut outcome = Outcome::unchanged().with("rc", 0);
    let (mut msg, changed) = (String::new(), count > 0 && section != replaced);
    if changed {
        msg = format!("{count} replacements made");
        let after = content.bytes(&format!("{}{replaced}{}", &content.text[..start], &content.text[end..]));
        let name = path.display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        outcome = outcome.with_diff(Diff::text(text(&before), text(&after)).headers(name.clone(), name));
        if !context.check
            && let Some(saved) = edit::write(&path, &after, args, context)?
        {
            outcome = outcome.with("backup_file", saved);
        }
    }
    let (changed, _) = edit::set_attributes(&path, args, changed, &mut msg, context)?;
    outcome.changed = changed;
    Ok(outcome.msg(msg))
}

/// The pattern of the part between `after` and `before`, if either is given.
fn section_pattern(args: &Args) -> Option<String> {
    let given = |name: &str| args.opt_str(name).filter(|text| !text.is_empty());
    match (given("after"), given("before")) {
        (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
        (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
        (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        (None, None) => None,
    }
}

fn find_section(pattern: &str, content: &Content) -> Result<Option<(usize, usize)>, Failure> {
    let flags = PatternFlags { dot_all: true, ..PatternFlags::default() };
    let wrong =
        |error: data::pattern::PatternError| Failure::new(format!("invalid regular expression: {error}"));
    let compiled = Pattern::with_flags(&content.like(pattern), flags).map_err(wrong)?;
    let found = compiled.search(&content.text).map_err(wrong)?;
    Ok(found.and_then(|found| found.name("subsection").map(|part| (part.start(), part.end()))))
}

#[cfg(test)]
mod tests {
    use crate::files::edited::edited;

    /// Before, arguments, after, message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn matches_are_replaced_within_the_section() {
        let cases: &[Case] = &[
            ("a a\n", &[("regexp", "a"), ("replace", "b")], "b b\n", "2 replacements made"),
            (
                "x=1\ny=2\n",
                &[("regexp", r"^(\w)=(\d)$"), ("replace", r"\2=\1")],
                "1=x\n2=y\n",
                "2 replacements made",
            ),
            ("a\n", &[("regexp", "b"), ("replace", "c")], "a\n", ""),
            ("a\n", &[("regexp", "a"), ("replace", "a")], "a\n", ""),
            (
                "a\n[x]\na\n[y]\na\n",
                &[("regexp", "a"), ("replace", "b"), ("after", r"\[x\]"), ("before", r"\[y\]")],
                "a\n[x]\nb\n[y]\na\n",
                "1 replacements made",
            ),
            (
                "a\nEND\na\n",
                &[("regexp", "a"), ("replace", "b"), ("before", "END")],
                "b\nEND\na\n",
                "1 replacements made",
            ),
            (
                "a\n",
                &[("regexp", "a"), ("after", "zz")],
                "a\n",
                "Pattern for before/after params did not match the given file: zz(?P<subsection>.*)",
            ),
        ];
        for (before, args, after, msg) in cases {
            assert_eq!(
                edited("replace", before, args),
                ((*after).to_string(), (*msg).to_string()),
                "{before:?} {args:?}"
            );
        }
    }
}
