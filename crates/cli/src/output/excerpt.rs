//! The lines of a file around a place, as ansible-core shows them under an error: `Origin:`, three lines, a caret with its column.

use std::path::Path;

use data::Place;

/// Lines before the one with the caret.
const BEFORE: usize = 2;
/// Where a line is cut.
const WIDTH: usize = 120;

/// `Origin: file:line:column` and the lines; a secret source is not quoted.
pub(crate) fn excerpt(place: &Place) -> String {
    let location = place.location();
    let mut out =
        format!("Origin: {}:{}:{}\n", absolute(place.source.name()), location.line, location.column);
    if place.source.is_secret() {
        return out + "\n(source not shown: content encrypted)\n";
    }
    let label = location.line.to_string().len();
    let room = WIDTH - label - 1;
    out.push('\n');
    for number in location.line.saturating_sub(BEFORE).max(1)..=location.line {
        let text = cut(&place.source.line(number).replace('\t', " "), room);
        let gap = if text.is_empty() { "" } else { " " };
        out.push_str(&format!("{number:>label$}{gap}{text}\n"));
    }
    if location.column <= room {
        out.push_str(&format!("{:label$} {}\n", "", caret(location.column, room)));
    }
    out
}

/// `^ column 7` under the column, or to its left where there is no room.
fn caret(column: usize, room: usize) -> String {
    let word = format!("column {column}");
    let before = column - 1;
    if before + 2 + word.len() > room {
        format!("{:>width$} ^", word, width = before.saturating_sub(1))
    } else {
        format!("{:before$}^ {word}", "")
    }
}

fn cut(line: &str, room: usize) -> String {
    if line.chars().count() <= room {
        return line.to_owned();
    }
    line.chars().take(room - 3).collect::<String>() + "..."
}

/// A file's path from the root, as Ansible prints it; descriptions such as `<extra vars>` stay as they are.
pub(crate) fn absolute(name: &str) -> String {
    if name.starts_with('<') {
        return name.to_owned();
    }
    std::path::absolute(Path::new(name)).map_or_else(|_| name.to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use data::{Source, Span};

    use super::*;

    #[test]
    fn the_caret_stands_under_its_column() {
        let source = Source::new("/site.yml", "- hosts: a\n\n  tasks:\n    - command: /bin/false\n");
        let place = Place::new(&source, Span::new(27, 30));
        assert_eq!(
            excerpt(&place),
            "Origin: /site.yml:4:7\n\n2\n3   tasks:\n4     - command: /bin/false\n        ^ column 7\n"
        );
    }

    #[test]
    fn a_secret_source_is_not_quoted() {
        let source = Source::secret("/vault.yml", "password: hunter2\n");
        let text = excerpt(&Place::new(&source, Span::new(0, 1)));
        assert!(!text.contains("hunter2") && text.contains("/vault.yml:1:1"));
    }
}
