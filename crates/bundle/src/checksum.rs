//! Checksum files in all the shapes that projects publish: a bare hash, `hash  name` lists, BSD lines, lists for several architectures.

use crate::digest::is_sha256;

/// The SHA-256 that a checksum file promises for `file`: `None` if it promises nothing for it.
///
/// A file with one bare hash speaks of the file it lies beside.
pub fn promised(text: &str, file: &str) -> Option<String> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if let [only] = lines[..]
        && is_sha256(only)
    {
        return Some(only.to_ascii_lowercase());
    }
    lines.iter().find_map(|line| bsd(line, file).or_else(|| listed(line, file)))
}

/// `SHA256 (name) = hash`
fn bsd(line: &str, file: &str) -> Option<String> {
    let rest = line.strip_prefix("SHA256")?.trim_start().strip_prefix('(')?;
    let (name, hash) = rest.rsplit_once(')')?;
    let hash = hash.trim_start().strip_prefix('=')?.trim();
    (is_sha256(hash) && is_file(name, file)).then(|| hash.to_ascii_lowercase())
}

/// `hash  name`, `hash *name`, and `name  hash` or `name hash` as a few projects have it.
fn listed(line: &str, file: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let (hash, name) = if is_sha256(first) { (first, second) } else { (second, first) };
    let name = name.strip_prefix('*').unwrap_or(name).trim_end_matches(':');
    (is_sha256(hash) && is_file(name, file)).then(|| hash.to_ascii_lowercase())
}

/// Lists name files by path now and then: `./bin/x`, `release/x`.
fn is_file(name: &str, file: &str) -> bool {
    name.rsplit('/').next() == Some(file)
}

/// Whether a name is that of a checksum file, and of which file if of one only.
pub(crate) fn is_checksum_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".sha256", ".sha256sum", ".sha256sums"].iter().any(|end| lower.ends_with(end))
        || ["sha256sums", "sha256sums.txt", "sha256sum.txt", "checksums.txt", "checksums-bsd", "checksums"]
            .contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read() {
        let (one, two) = ("a".repeat(64), "b".repeat(64));
        for text in [
            format!("{one}\n"),
            one.to_uppercase(),
            format!("{two}  runc.arm64\n{one}  runc.amd64\n"),
            format!("{one} *runc.amd64\n"),
            format!("SHA256 (runc.arm64) = {two}\nSHA256 (runc.amd64) = {one}\n"),
            format!("# made by hand\n\n{one}  ./out/runc.amd64\n"),
            format!("runc.arm64: {two}\nrunc.amd64: {one}\n"),
        ] {
            assert_eq!(promised(&text, "runc.amd64"), Some(one.clone()), "{text}");
        }
        assert_eq!(promised(&format!("{one}  runc.amd64.asc\n"), "runc.amd64"), None);
        assert_eq!(promised("<!DOCTYPE html>\n<html></html>", "runc.amd64"), None);
        assert_eq!(promised("", "x"), None);
    }
}
