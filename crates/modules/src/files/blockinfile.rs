//! `blockinfile`: a block of lines between two marker lines.

use std::path::Path;

use data::pattern::Pattern;

use super::edit::{self, Content, lines};
use super::lineinfile::make_parents;
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, Rules, file_attributes};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "blockinfile",
    summary: "Insert/update/remove a text block surrounded by marker lines",
    args: &[
        Arg::path("path").required().aliases(&["dest", "destfile", "name"]).help("The file."),
        Arg::str("state")
            .choices(&["absent", "present"])
            .default_str("present")
            .help("Whether the block shall be there."),
        Arg::str("marker")
            .default_str("# {mark} ANSIBLE MANAGED BLOCK")
            .help("The marker lines; `{mark}` becomes `marker_begin` and `marker_end`."),
        Arg::str("block").default_str("").aliases(&["content"]).help("The text; empty removes the block."),
        Arg::str("insertafter")
            .help("`EOF`, or a regular expression: a new block goes after the last match."),
        Arg::str("insertbefore")
            .help("`BOF`, or a regular expression: a new block goes before the last match."),
        Arg::bool("create").default_bool(false).help("Make the file if it is not there."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::str("validate").help("A command that must accept the new file, named `%s` in it."),
        Arg::str("marker_begin").default_str("BEGIN").help("The word in the first marker."),
        Arg::str("marker_end").default_str("END").help("The word in the last marker."),
        Arg::bool("append_newline").default_bool(false).help("An empty line after the block."),
        Arg::bool("prepend_newline").default_bool(false).help("An empty line before the block."),
    ],
    shared: file_attributes::ARGS,
    rules: Rules { mutually_exclusive: &[&["insertbefore", "insertafter"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let path = args.path("path")?;
    let before = edit::read(&path)?;
    let present = args.str("state")? == "present";
    if before.is_none() {
        if !args.bool("create") {
            return Err(Failure::new(format!("Path {} does not exist !", path.display())).with("rc", 257));
        }
        if !present {
            return Ok(Outcome::unchanged().msg(format!("File {} not present", path.display())));
        }
    }
    let content = Content::new(before.as_deref().unwrap_or_default());
    let block = Block::new(args, &content)?;
    let after = content.bytes(&block.apply(&content.text)?);
    let msg = match &before {
        Some(old) if *old == after => "",
        None => "File created",
        Some(_) if block.lines.is_empty() => "Block removed",
        Some(_) => "Block inserted",
    };
    finish(&path, before.as_deref(), &after, msg.to_string(), args, context)
}

fn finish(
    path: &Path,
    before: Option<&[u8]>,
    after: &[u8],
    mut msg: String,
    args: &Args,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let changed = !msg.is_empty();
    let mut saved = None;
    if changed && !context.check {
        if before.is_none() {
            make_parents(path)?;
        }
        saved = edit::write(path, after, args, context)?;
    }
    let old = before.unwrap_or_default();
    if context.check && before.is_none() {
        return Ok(Outcome::new(changed).msg(msg).with_diff(edit::content_diff(path, old, after)));
    }
    let (changed, changes) = edit::set_attributes(path, args, changed, &mut msg, context)?;
    let mut outcome = Outcome::new(changed).msg(msg);
    if let Some(name) = saved {
        outcome = outcome.with("backup_file", name);
    }
    outcome.diff.extend(edit::diffs(path, old, after, changes));
    Ok(outcome)
}

struct Block {
    /// Markers and text; none if the block shall not be there.
    lines: Vec<String>,
    begin: String,
    end: String,
    place: Place,
    empty_before: bool,
    empty_after: bool,
}

enum Place {
    Begin,
    End,
    After(Pattern, bool),
    Before(Pattern, bool),
}

impl Block {
    fn new(args: &Args, content: &Content) -> Result<Self, Failure> {
        let marker = content.like(args.str("marker")?);
        let mark = |word: &str| format!("{}\n", marker.replace("{mark}", &content.like(word)));
        let (begin, end) = (mark(args.str("marker_begin")?), mark(args.str("marker_end")?));
        let present = args.str("state")? == "present";
        let text = content.like(args.opt_str("block").unwrap_or_default());
        let mut all = Vec::new();
        if present && !text.is_empty() {
            all.push(begin.clone());
            all.extend(lines(&text));
            if let Some(last) = all.last_mut().filter(|last| !last.ends_with('\n')) {
                last.push('\n');
            }
            all.push(end.clone());
        }
        let place = match (args.opt_str("insertafter"), args.opt_str("insertbefore")) {
            (Some("EOF"), _) | (None, None) => Place::End,
            (None, Some("BOF")) => Place::Begin,
            (Some(text), _) => Place::After(compile(text, content)?, is_multiline(text)),
            (None, Some(text)) => Place::Before(compile(text, content)?, is_multiline(text)),
        };
        let (empty_before, empty_after) =
            (present && args.bool("prepend_newline"), present && args.bool("append_newline"));
        Ok(Self { lines: all, begin, end, place, empty_before, empty_after })
    }

    /// The text with the block in its place.
    fn apply(&self, text: &str) -> Result<String, Failure> {
        let mut all = lines(text);
        let mut at = match (self.last(&all, &self.begin), self.last(&all, &self.end)) {
            (Some(begin), Some(end)) => {
                let (first, last) = (begin.min(end), begin.max(end));
                all.drain(first..=last);
                first
            }
            _ => self.find_place(text, &all)?,
        };
        if let Some(previous) = at.checked_sub(1).and_then(|previous| all.get_mut(previous))
            && !previous.ends_with('\n')
        {
            previous.push('\n');
        }
        if self.empty_before && at != 0 && all[at - 1] != "\n" {
            all.insert(at, "\n".to_string());
            at += 1;
        }
        all.splice(at..at, self.lines.iter().cloned());
        let next = at + self.lines.len();
        if self.empty_after && all.get(next).is_some_and(|line| line != "\n") {
            all.insert(next, "\n".to_string());
        }
        Ok(all.concat())
    }

    fn last(&self, all: &[String], marker: &str) -> Option<usize> {
        all.iter().rposition(|line| line == marker)
    }

    /// Where a new block goes. A pattern with `(?m)` is searched in the whole text, others line by line, where the last match counts.
    fn find_place(&self, text: &str, all: &[String]) -> Result<usize, Failure> {
        let (pattern, whole, after) = match &self.place {
            Place::Begin => return Ok(0),
            Place::End => return Ok(all.len()),
            Place::After(pattern, whole) => (pattern, *whole, true),
            Place::Before(pattern, whole) => (pattern, *whole, false),
        };
        let wrong = |error: data::pattern::PatternError| Failure::new(error.to_string());
        let mut found = None;
        if whole {
            let hit = pattern.search(text).map_err(wrong)?;
            found = hit.and_then(|hit| hit.get(0)).map(|hit| {
                let end = if after { hit.end() } else { hit.start() };
                text[..end].matches('\n').count()
            });
        } else {
            for (at, line) in all.iter().enumerate() {
                if pattern.is_match(line).map_err(wrong)? {
                    found = Some(at);
                }
            }
        }
        Ok(found.map_or(all.len(), |at| (at + usize::from(after)).min(all.len())))
    }
}

fn compile(pattern: &str, content: &Content) -> Result<Pattern, Failure> {
    Pattern::new(&content.like(pattern))
        .map_err(|error| Failure::new(format!("invalid regular expression `{pattern}`: {error}")))
}

/// Whether the pattern begins with flags that hold `m`.
fn is_multiline(pattern: &str) -> bool {
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    flags
        .is_some_and(|(letters, _)| letters.contains('m') && letters.chars().all(|c| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use crate::files::edited::edited;

    /// Before, arguments, after, message.
    type Case<'a> = (String, &'a [(&'a str, &'a str)], String, &'a str);

    const BEGIN: &str = "# BEGIN ANSIBLE MANAGED BLOCK\n";
    const END: &str = "# END ANSIBLE MANAGED BLOCK\n";

    #[test]
    fn a_block_is_inserted_replaced_and_removed() {
        let x = format!("{BEGIN}x\n{END}");
        let y = format!("{BEGIN}y\n{END}");
        let cases: &[Case] = &[
            ("a\n".to_string(), &[("block", "x")], format!("a\n{x}"), "Block inserted"),
            ("a".to_string(), &[("block", "x\n")], format!("a\n{x}"), "Block inserted"),
            (format!("a\n{x}b\n"), &[("block", "y")], format!("a\n{y}b\n"), "Block inserted"),
            (format!("a\n{x}b\n"), &[("block", "x")], format!("a\n{x}b\n"), ""),
            (format!("a\n{x}b\n"), &[("state", "absent")], "a\nb\n".to_string(), "Block removed"),
            (format!("a\n{x}b\n"), &[("block", "")], "a\nb\n".to_string(), "Block removed"),
            (
                "a\nb\n".to_string(),
                &[("block", "x"), ("insertafter", "^a")],
                format!("a\n{x}b\n"),
                "Block inserted",
            ),
            (
                "a\nb\n".to_string(),
                &[("block", "x"), ("insertbefore", "^a")],
                format!("{x}a\nb\n"),
                "Block inserted",
            ),
            (
                "a\n".to_string(),
                &[("block", "x"), ("insertbefore", "BOF")],
                format!("{x}a\n"),
                "Block inserted",
            ),
            (
                "a\nb\n".to_string(),
                &[("block", "x"), ("insertafter", "^a"), ("append_newline", "yes")],
                format!("a\n{x}\nb\n"),
                "Block inserted",
            ),
            (
                "a\n".to_string(),
                &[("block", "x"), ("prepend_newline", "yes")],
                format!("a\n\n{x}"),
                "Block inserted",
            ),
        ];
        for (before, args, after, msg) in cases {
            assert_eq!(
                edited("blockinfile", before, args),
                (after.clone(), (*msg).to_string()),
                "{before:?} {args:?}"
            );
        }
    }

    #[test]
    fn markers_have_the_users_words() {
        let args: &[(&str, &str)] = &[
            ("block", "x"),
            ("marker", "<!-- {mark} a -->"),
            ("marker_begin", "open"),
            ("marker_end", "close"),
        ];
        assert_eq!(edited("blockinfile", "", args).0, "<!-- open a -->\nx\n<!-- close a -->\n");
    }
}
