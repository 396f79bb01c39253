//! What `zypper --xmlout` says: the packages of a search or of a transaction, and messages.

/// One `<solvable>` element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Solvable {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) old_version: String,
    /// The element it stands in: `solvable-list`, `to-install`, `to-upgrade`, `to-remove` ...
    pub(super) group: String,
}

/// All that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) solvables: Vec<Solvable>,
    pub(super) messages: Vec<String>,
}

/// Reads an answer; `None` if the text is no XML of zypper's.
pub(super) fn parse(text: &str) -> Option<Answer> {
    let mut answer = Answer::default();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = &text[text.find("<stream")?..];
    while let Some(start) = rest.find('<') {
        let words = &rest[..start];
        if open.last() == Some(&"message") {
            answer.messages.push(unescape(words));
        }
        let end = start + rest[start..].find('>')?;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop()? != name.trim() {
                return None;
            }
            continue;
        }
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if name == "solvable" {
            let attribute = |key: &str| attribute(tag, key).unwrap_or_default();
            answer.solvables.push(Solvable {
                name: attribute("name"),
                version: attribute("edition"),
                old_version: attribute("edition-old"),
                group: open.last().copied().unwrap_or_default().to_owned(),
            });
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.is_empty().then_some(answer)
}

fn attribute(tag: &str, key: &str) -> Option<String> {
    let start = tag.find(&format!(" {key}=\""))? + key.len() + 3;
    let end = start + tag[start..].find('"')?;
    Some(unescape(&tag[start..end]))
}

fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (name, letter)| text.replace(name, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_no_answer() {
        assert!(parse("<?xml version='1.0'?>\n<stream>\n<install-summary><to-install>").is_none());
        assert!(parse("zypper: command line error").is_none());
    }
}
