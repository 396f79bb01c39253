//! Keeps passwords out of what is shown: a source in which the values of secret names are stars, byte for byte, so that every place in
//! the original fits it.

use std::sync::Arc;

use data::{Diagnostic, Source};

/// Ends of names whose values are secret, in lower case.
const SECRET_ENDS: [&str; 11] = [
    "pass",
    "password",
    "passwd",
    "secret",
    "token",
    "admin_key",
    "private_key",
    "privatekey",
    "secret_id",
    "secret_key",
    "access_key",
];

/// The source to show in place of `source`: itself when nothing in it is secret.
pub(crate) fn masked(source: &Arc<Source>) -> Arc<Source> {
    let mut bytes = source.text().as_bytes().to_vec();
    let mut start = 0;
    let mut block = None;
    let mut found = false;
    for line in source.text().split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let is_blank = line.trim().is_empty();
        if block.is_some_and(|above| is_blank || indent > above) {
            stars(&mut bytes[start + indent..start + line.trim_end().len().max(indent)]);
        } else {
            block = None;
            for (from, to) in secret_values(line) {
                found = true;
                if line[from..to].starts_with(['|', '>']) {
                    block = Some(indent);
                } else {
                    stars(&mut bytes[start + from..start + to]);
                }
            }
        }
        start += line.len();
    }
    match String::from_utf8(bytes) {
        Ok(text) if found => Source::new(source.name(), text),
        _ => Arc::clone(source),
    }
}

/// Shows masked sources in place of the originals in all labels.
pub(crate) fn mask_findings(findings: &mut [Diagnostic]) {
    let mut done: Vec<(Arc<Source>, Arc<Source>)> = Vec::new();
    for label in findings.iter_mut().flat_map(|finding| &mut finding.labels) {
        let known = done.iter().find(|(original, _)| Arc::ptr_eq(original, &label.place.source));
        let shown = match known {
            Some((_, shown)) => Arc::clone(shown),
            None => {
                let shown = masked(&label.place.source);
                done.push((Arc::clone(&label.place.source), Arc::clone(&shown)));
                shown
            }
        };
        label.place.source = shown;
    }
}

fn stars(bytes: &mut [u8]) {
    bytes.fill(b'*');
}

/// The byte ranges of values that follow a secret name and `=` or `:`.
fn secret_values(line: &str) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(sign) = line[at..].find(['=', ':']).map(|found| at + found) {
        at = sign + 1;
        let before = line[..sign].trim_end().trim_end_matches(['"', '\'']);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = &before[before.trim_end_matches(is_word).len()..];
        if !is_secret_name(name) {
            continue;
        }
        let value = at + (line[at..].len() - line[at..].trim_start().len());
        let end =
            value + value_length(&line[value..], line.as_bytes()[sign] == b':', line[..sign].contains('{'));
        // A template names another variable; there is nothing to hide, and its place is worth showing.
        if end > value && !line[value..end].contains("{{") {
            values.push((value, end));
        }
        at = end.max(at);
    }
    values
}

/// How far a value goes: to its closing quote; else to the next blank (INI), the end of the line or of a flow mapping's entry (YAML).
fn value_length(rest: &str, is_yaml: bool, is_flow: bool) -> usize {
    let line = rest.trim_end();
    match line.chars().next() {
        Some(quote @ ('"' | '\'')) => line[1..].find(quote).map_or(line.len(), |close| close + 2),
        _ if is_yaml && is_flow => line.find([',', '}']).unwrap_or(line.len()),
        _ if is_yaml => line.len(),
        _ => line.find(char::is_whitespace).unwrap_or(line.len()),
    }
}

/// Whether values of this name are never shown.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_names_become_stars_of_the_same_length() {
        for (text, shown) in [
            ("h ansible_ssh_pass=abc#d ip=1", "h ansible_ssh_pass=***** ip=1"),
            ("h ansible_become_pass='a b' x=1", "h ansible_become_pass=***** x=1"),
            ("- {name: a, password: x1, port: 2}", "- {name: a, password: **, port: 2}"),
            ("ceph_rbd_admin_secret: a b\n", "ceph_rbd_admin_secret: ***\n"),
            ("\"sonar_server_token\": \"t\"", "\"sonar_server_token\": ***"),
            ("privateKey: |\n  -----\n  ä\n\nuser: root\n", "privateKey: |\n  *****\n  **\n\nuser: root\n"),
            ("ansible_ssh_pass={{vaulted}}", "ansible_ssh_pass={{vaulted}}"),
            ("ansible_ssh_private_key_file=~/.ssh/id", "ansible_ssh_private_key_file=~/.ssh/id"),
            ("kube_version: v1", "kube_version: v1"),
        ] {
            let masked = masked(&Source::new("x", text));
            assert_eq!((masked.text(), masked.text().len()), (shown, text.len()));
        }
    }
}
