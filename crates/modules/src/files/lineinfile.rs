//! `lineinfile`: makes sure that a line is, or is not, in a file.

use std::path::Path;

use data::Value;
use data::pattern::{Captures, Pattern, expand};

use super::edit::{self, Content, lines};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "lineinfile",
    summary: "Manage lines in text files",
    args: &[
        Arg::path("path").required().aliases(&["dest", "destfile", "name"]).help("The file."),
        Arg::str("state")
            .choices(&["absent", "present"])
            .default_str("present")
            .help("Whether the line shall be there."),
        Arg::str("regexp")
            .aliases(&["regex"])
            .help("Which line to replace or remove: the last that matches."),
        Arg::str("search_string").help("As `regexp`, but plain text to be found within a line."),
        Arg::str("line").aliases(&["value"]).help("The line."),
        Arg::str("insertafter")
            .help("`EOF`, or a regular expression: a new line goes after the last that matches."),
        Arg::str("insertbefore")
            .help("`BOF`, or a regular expression: a new line goes before the last that matches."),
        Arg::bool("backrefs")
            .default_bool(false)
            .help("Fill groups of `regexp` into `line`; do nothing without a match."),
        Arg::bool("create").default_bool(false).help("Make the file if it is not there."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::bool("firstmatch").default_bool(false).help("Take the first match instead of the last."),
        Arg::str("validate").help("A command that must accept the new file, named `%s` in it."),
    ],
    shared: file_attributes::ARGS,
    rules: Rules {
        mutually_exclusive: &[
            &["insertbefore", "insertafter"],
            &["regexp", "search_string"],
            &["backrefs", "search_string"],
        ],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    warn_of_empty_patterns(args, context);
    let path = args.path("path")?;
    let before = edit::read(&path)?;
    if args.str("state")? == "absent" {
        return absent(&path, before, args, context);
    }
    if args.bool("backrefs") && !args.has("regexp") {
        return Err(Failure::new("regexp is required with backrefs=true"));
    }
    if !args.has("line") {
        return Err(Failure::new("line is required with state=present"));
    }
    present(&path, before, args, context)
}

fn warn_of_empty_patterns(args: &Args, context: &mut Context) {
    let (what, cure) = if args.opt_str("regexp") == Some("") {
        (
            "regular expression",
            " If this is desired, use '^' to match every line in the file and avoid this warning.",
        )
    } else if args.opt_str("search_string") == Some("") {
        ("search string", "")
    } else {
        return;
    };
    context.warn(format!(
        "The {what} is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the last line in the file rather than appending.{cure}"
    ));
}

fn compile(pattern: &str, content: &Content) -> Result<Pattern, Failure> {
    Pattern::new(&content.like(pattern))
        .map_err(|error| Failure::new(format!("invalid regular expression `{pattern}`: {error}")))
}

fn matches(pattern: &Pattern, line: &str) -> Result<bool, Failure> {
    pattern.is_match(line).map_err(|error| Failure::new(error.to_string()))
}

fn absent(
    path: &Path,
    before: Option<Vec<u8>>,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let Some(before) = before else { return Ok(Outcome::unchanged().msg("file not present")) };
    let content = Content::new(&before);
    let (line, search) = (args.opt_str("line"), args.opt_str("search_string"));
    if line.is_none() && search.is_none() && !args.has("regexp") {
        return Err(Failure::new("one of line, search_string, or regexp is required with state=absent"));
    }
    let pattern = args.opt_str("regexp").map(|text| compile(text, &content)).transpose()?;
    let (line, search) = (line.map(|text| content.like(text)), search.map(|text| content.like(text)));
    let all = lines(&content.text);
    let mut kept = Vec::with_capacity(all.len());
    for one in &all {
        let hit = match (&pattern, &search) {
            (Some(pattern), _) => matches(pattern, one)?,
            (None, Some(search)) => one.contains(search.as_str()),
            (None, None) => line.as_deref() == Some(one.trim_end_matches(['\r', '\n'])),
        };
        if !hit {
            kept.push(one.as_str());
        }
    }
    let found = all.len() - kept.len();
    let msg = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
    let after = content.bytes(&kept.concat());
    finish(path, Some(before), &after, msg, args, context).map(|outcome| outcome.with("found", found))
}

fn present(
    path: &Path,
    before: Option<Vec<u8>>,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    if before.is_none() && !args.bool("create") {
        return Err(Failure::new(format!("Destination {} does not exist !", path.display())).with("rc", 257));
    }
    let content = Content::new(before.as_deref().unwrap_or_default());
    let mut all = lines(&content.text);
    let msg = Editor::new(args, &content)?.edit(&mut all)?;
    let after = content.bytes(&all.concat());
    if before.is_none() && !context.check {
        make_parents(path)?;
    }
    finish(path, before, &after, msg.to_string(), args, context)
}

/// Makes the folders of a file that is to be created.
pub(super) fn make_parents(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("Error creating {} ({error})", folder.display())))
}

/// Writes if something changed, sets attributes, and reports. An empty message means that the content stayed.
fn finish(
    path: &Path,
    before: Option<Vec<u8>>,
    after: &[u8],
    mut msg: String,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let changed = !msg.is_empty();
    let mut saved = None;
    if changed && !context.check {
        saved = edit::write(path, after, args, context)?;
    } else if changed && args.bool("backup") && before.is_some() {
        saved = Some(String::new());
    }
    let old = before.as_deref().unwrap_or_default();
    let backup = Value::from(saved.unwrap_or_default());
    if context.check && before.is_none() {
        let outcome = Outcome::new(changed).with("msg", msg).with("backup", backup);
        return Ok(outcome.with_diff(edit::content_diff(path, old, after)));
    }
    let (changed, changes) = edit::set_attributes(path, args, changed, &mut msg, context)?;
    let mut outcome = Outcome::new(changed).with("msg", msg).with("backup", backup);
    outcome.diff.extend(edit::diffs(path, old, after, changes));
    Ok(outcome)
}

/// Where a new line goes if no line is replaced.
enum Insert {
    Begin,
    End,
    After(Pattern),
    Before(Pattern),
}

/// The arguments, ready to be applied to lines.
struct Editor {
    line: String,
    regexp: Option<Pattern>,
    search: Option<String>,
    insert: Insert,
    backrefs: bool,
    first: bool,
}

/// What stands where before the edit.
#[derive(Default)]
struct Found {
    /// The line to replace, and whether `regexp` or `search_string` found it (not only the very line itself).
    replace: Option<(usize, bool)>,
    /// The text that `regexp` gives for it, with groups filled in.
    expanded: Option<String>,
    /// The place that `insertafter` or `insertbefore` names.
    insert: Option<usize>,
}

impl Editor {
    fn new(args: &Args, content: &Content) -> Result<Self, Failure> {
        let insert = match (args.opt_str("insertafter"), args.opt_str("insertbefore")) {
            (Some("BOF"), _) | (_, Some("BOF")) => Insert::Begin,
            (Some("EOF"), _) | (None, None) => Insert::End,
            (Some(pattern), _) => Insert::After(compile(pattern, content)?),
            (None, Some(pattern)) => Insert::Before(compile(pattern, content)?),
        };
        Ok(Self {
            line: content.like(args.str("line")?),
            regexp: args.opt_str("regexp").map(|text| compile(text, content)).transpose()?,
            search: args.opt_str("search_string").map(|text| content.like(text)),
            insert,
            backrefs: args.bool("backrefs"),
            first: args.bool("firstmatch"),
        })
    }

    /// Changes the lines; gives Ansible's word for what was done, empty for nothing.
    fn edit(&self, all: &mut Vec<String>) -> Result<&'static str, Failure> {
        let found = self.find(all)?;
        if let Some((at, _)) = found.replace {
            let mut new = found.expanded.unwrap_or_else(|| self.line.clone());
            if !new.ends_with('\n') {
                new.push('\n');
            }
            if all[at] == new {
                return Ok("");
            }
            all[at] = new;
            return Ok("line replaced");
        }
        if self.backrefs {
            return Ok("");
        }
        let with_end = format!("{}\n", self.line);
        match (&self.insert, found.insert) {
            (Insert::Begin, _) => all.insert(0, with_end),
            (Insert::After(_), Some(at)) => {
                let next = all.get(at).or_else(|| all.last()).map(|next| next.trim_end_matches(['\r', '\n']));
                if next == Some(self.line.as_str()) {
                    return Ok("");
                }
                if at == all.len() {
                    end_last(all);
                }
                all.insert(at, with_end);
            }
            (Insert::Before(_), Some(at)) => all.insert(at, with_end),
            (Insert::End | Insert::After(_) | Insert::Before(_), _) => {
                end_last(all);
                all.push(with_end);
            }
        }
        Ok("line added")
    }

    fn find(&self, all: &[String]) -> Result<Found, Failure> {
        let mut found = Found::default();
        for (at, one) in all.iter().enumerate() {
            if let Some(expanded) = self.hit(one)? {
                found.replace = Some((at, true));
                found.expanded = expanded;
                if self.first {
                    break;
                }
            }
        }
        if found.replace.is_some() {
            return Ok(found);
        }
        for (at, one) in all.iter().enumerate() {
            if one.trim_end_matches(['\r', '\n']) == self.line {
                found.replace = Some((at, false));
                continue;
            }
            found.insert = match &self.insert {
                Insert::After(pattern) if matches(pattern, one)? => Some(at + 1),
                Insert::Before(pattern) if matches(pattern, one)? => Some(at),
                _ => continue,
            };
            if self.first {
                break;
            }
        }
        Ok(found)
    }

    /// Whether `regexp` or `search_string` finds a line; inside, the line's new text if groups are to be filled in.
    fn hit(&self, one: &str) -> Result<Option<Option<String>>, Failure> {
        let wrong = |error: data::pattern::PatternError| Failure::new(error.to_string());
        if let Some(pattern) = &self.regexp {
            let Some(found) = pattern.search(one).map_err(wrong)? else { return Ok(None) };
            return if self.backrefs {
                self.fill(&found).map(|text| Some(Some(text)))
            } else {
                Ok(Some(None))
            };
        }
        Ok(self.search.as_ref().filter(|search| one.contains(search.as_str())).map(|_| None))
    }

    fn fill(&self, found: &Captures) -> Result<String, Failure> {
        expand(&self.line, found).map_err(|error| Failure::new(error.to_string()))
    }
}

/// A last line without a newline gets one before another line follows.
fn end_last(all: &mut [String]) {
    if let Some(last) = all.last_mut().filter(|last| !last.ends_with(['\n', '\r'])) {
        last.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use crate::files::edited::edited;

    /// Before, arguments, after, message.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn lines_are_added_replaced_and_found() {
        let cases: &[Case] = &[
            ("a\n", &[("line", "b")], "a\nb\n", "line added"),
            ("a", &[("line", "b")], "a\nb\n", "line added"),
            ("", &[("line", "b")], "b\n", "line added"),
            ("a\nb\n", &[("line", "a")], "a\nb\n", ""),
            ("a=1\nb=2\na=3\n", &[("line", "a=9"), ("regexp", "^a=")], "a=1\nb=2\na=9\n", "line replaced"),
            (
                "a=1\na=3\n",
                &[("line", "a=9"), ("regexp", "^a="), ("firstmatch", "yes")],
                "a=9\na=3\n",
                "line replaced",
            ),
            (
                "a=1\n",
                &[("line", r"a=\1!"), ("regexp", r"^a=(\d)$"), ("backrefs", "yes")],
                "a=1!\n",
                "line replaced",
            ),
            ("b\n", &[("line", r"\1"), ("regexp", "(a)"), ("backrefs", "yes")], "b\n", ""),
            ("a\nb\n", &[("line", "x"), ("insertafter", "^a")], "a\nx\nb\n", "line added"),
            ("a\nb\n", &[("line", "x"), ("insertbefore", "^b")], "a\nx\nb\n", "line added"),
            ("a\nb\n", &[("line", "x"), ("insertbefore", "BOF")], "x\na\nb\n", "line added"),
            ("a\nb", &[("line", "x"), ("insertafter", "^b")], "a\nb\nx\n", "line added"),
            ("a\nb\n", &[("line", "x"), ("insertafter", "^zz")], "a\nb\nx\n", "line added"),
            ("a b\n", &[("line", "x"), ("search_string", "b")], "x\n", "line replaced"),
            ("a\nb\na\n", &[("regexp", "^a$"), ("state", "absent")], "b\n", "2 line(s) removed"),
            ("a\nb\n", &[("line", "b"), ("state", "absent")], "a\n", "1 line(s) removed"),
        ];
        for (before, args, after, msg) in cases {
            assert_eq!(
                edited("lineinfile", before, args),
                ((*after).to_string(), (*msg).to_string()),
                "{before:?} {args:?}"
            );
        }
    }

    #[test]
    fn the_second_time_nothing_changes() {
        let args: &[(&str, &str)] = &[("line", "x"), ("insertafter", "^b")];
        let (once, _) = edited("lineinfile", "a\nb\nc\n", args);
        assert_eq!(edited("lineinfile", &once, args), (once.clone(), String::new()));
    }
}
