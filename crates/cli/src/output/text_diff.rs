//! A result's `diff` as Ansible shows it: unified, with some lines of context.

use data::{Map, Value, json, python};

use super::color::Ink;
use super::sequence::{Step, steps};
use super::visible;

/// The text of a result's `diff` with `context` lines around each change (one entry or a list of them); empty when there is nothing to show.
pub(crate) fn diff_text(diff: &Value, color: bool, context: usize) -> String {
    let entries = match diff {
        Value::List(entries) => entries.iter().collect(),
        other => vec![other],
    };
    entries.into_iter().filter_map(Value::as_map).map(|entry| entry_text(entry, color, context)).collect()
}

fn entry_text(entry: &Map, color: bool, context: usize) -> String {
    let mut out = String::new();
    for (key, text) in [
        ("dst_binary", "destination file appears to be binary"),
        ("src_binary", "source file appears to be binary"),
    ] {
        if entry.contains_key(key) {
            out.push_str(&format!("diff skipped: {text}\n"));
        }
    }
    for (key, side) in [("dst_larger", "destination"), ("src_larger", "source")] {
        if let Some(limit) = entry.get(key) {
            out.push_str(&format!("diff skipped: {side} file size is greater than {}\n", python::str(limit)));
        }
    }
    if let (Some(before), Some(after)) = (entry.get("before"), entry.get("after")) {
        let header = |key: &str, name: &str| match entry.get(key) {
            Some(header) => format!("{name}: {}", python::str(header)),
            None => name.to_owned(),
        };
        let lines = unified(
            &side(before),
            &side(after),
            &header("before_header", "before"),
            &header("after_header", "after"),
            context,
        );
        for line in &lines {
            out.push_str(&painted(&visible(line), color));
        }
        if !lines.is_empty() {
            out.push('\n');
        }
    }
    if let Some(prepared) = entry.get("prepared") {
        out.push_str(&visible(&python::str(prepared)));
    }
    out
}

/// One side as text: dictionaries as JSON, `None` as nothing.
fn side(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Map(_) => json::write(value, &json::JsonStyle::indented(4).sorted()) + "\n",
        other => python::str(other),
    }
}

fn painted(line: &str, color: bool) -> String {
    let ink = match line.as_bytes().first() {
        Some(b'+') => Ink::DiffAdd,
        Some(b'-') => Ink::DiffRemove,
        _ if line.starts_with("@@") => Ink::DiffLines,
        _ => return line.to_owned(),
    };
    if color { ink.paint(line) } else { line.to_owned() }
}

/// Lines with their line breaks, as Python's `splitlines(True)` cuts text.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let breaks =
            ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
        let end = match rest.find(breaks) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + rest[at..].chars().next().map_or(0, char::len_utf8),
            None => rest.len(),
        };
        let (line, more) = rest.split_at(end);
        lines.push(line);
        rest = more;
    }
    lines
}

fn unified(before: &str, after: &str, before_name: &str, after_name: &str, context: usize) -> Vec<String> {
    let (before_marked, after_marked) = (marked(before), marked(after));
    let (a, b) = (split_marked(&before_marked, before), split_marked(&after_marked, after));
    let mut lines = Vec::new();
    for group in groups(steps(&a, &b), context) {
        if lines.is_empty() {
            lines.push(format!("--- {before_name}\n"));
            lines.push(format!("+++ {after_name}\n"));
        }
        let (first, last) = (group[0], group[group.len() - 1]);
        lines.push(format!("@@ -{} +{} @@\n", range(first.a.0, last.a.1), range(first.b.0, last.b.1)));
        for step in group {
            if step.equal {
                lines.extend(a[step.a.0..step.a.1].iter().map(|line| format!(" {line}")));
            } else {
                lines.extend(a[step.a.0..step.a.1].iter().map(|line| format!("-{line}")));
                lines.extend(b[step.b.0..step.b.1].iter().map(|line| format!("+{line}")));
            }
        }
    }
    lines
}

/// The text with a remark where its last line has no line break.
fn marked(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n\\ No newline at end of file\n")
    }
}

/// The lines of a marked text; the remark belongs to the last of them.
fn split_marked<'a>(marked: &'a str, text: &str) -> Vec<&'a str> {
    let mut lines = split_lines(&marked[..text.len()]);
    if let Some(last) = lines.pop() {
        lines.push(&marked[text.len() - last.len()..]);
    }
    lines
}

/// Steps in groups with a few equal lines around each change.
fn groups(mut steps: Vec<Step>, context: usize) -> Vec<Vec<Step>> {
    if steps.iter().all(|step| step.equal) {
        return Vec::new();
    }
    if let Some(first) = steps.first_mut().filter(|step| step.equal) {
        first.a.0 = first.a.0.max(first.a.1.saturating_sub(context));
        first.b.0 = first.b.0.max(first.b.1.saturating_sub(context));
    }
    if let Some(last) = steps.last_mut().filter(|step| step.equal) {
        last.a.1 = last.a.1.min(last.a.0 + context);
        last.b.1 = last.b.1.min(last.b.0 + context);
    }
    let mut groups = vec![Vec::new()];
    for mut step in steps {
        if step.equal && step.a.1 - step.a.0 > 2 * context {
            let tail = Step { a: (step.a.0, step.a.0 + context), b: (step.b.0, step.b.0 + context), ..step };
            if let Some(group) = groups.last_mut() {
                group.push(tail);
            }
            groups.push(Vec::new());
            step.a.0 = step.a.1 - context;
            step.b.0 = step.b.1 - context;
        }
        if let Some(group) = groups.last_mut() {
            group.push(step);
        }
    }
    groups.retain(|group| group.iter().any(|step| !step.equal));
    groups
}

/// `start,count` as unified diffs count: from 1, without a count of one, and the line before where there is none.
fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(before: &str, after: &str) -> String {
        diff_text(
            &Value::from(Map::from([("before", before), ("after", after), ("after_header", "/etc/x")])),
            false,
            3,
        )
    }

    #[test]
    fn a_new_file_shows_all_its_lines() {
        assert_eq!(diff("", "one\ntwo\n"), "--- before\n+++ after: /etc/x\n@@ -0,0 +1,2 @@\n+one\n+two\n\n");
        assert_eq!(diff("same\n", "same\n"), "");
    }

    #[test]
    fn a_missing_line_break_at_the_end_is_remarked() {
        assert_eq!(
            diff("a\nb", "a\nc\n"),
            "--- before\n+++ after: /etc/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\n"
        );
    }

    #[test]
    fn far_changes_stand_in_hunks_of_their_own() {
        let before: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let after =
            before.replace("\n5\n", "\nfive\n").replace("\n25\n", "\n").replace("\n30\n", "\n30\n31\n");
        assert_eq!(
            diff(&before, &after),
            "--- before\n+++ after: /etc/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
             @@ -22,9 +22,9 @@\n 22\n 23\n 24\n-25\n 26\n 27\n 28\n 29\n 30\n+31\n\n"
        );
    }

    #[test]
    fn dictionaries_are_compared_as_json() {
        let entry = Map::from([
            ("before", Value::from(Map::from([("mode", "0644")]))),
            ("after", Value::from(Map::from([("mode", "0600")]))),
        ]);
        let text = diff_text(&Value::from(vec![Value::from(entry)]), false, 3);
        assert_eq!(
            text,
            "--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    \"mode\": \"0644\"\n+    \"mode\": \"0600\"\n }\n\n"
        );
    }
}
