//! The `local` fact: files that the host's owner put into `facts.d`, programs or data.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use data::{Map, Value};

use super::{Gather, files};
use crate::Context;
use crate::process::Command;

/// `local`: one entry a `.fact` file; one that cannot be read is an entry that says why, and a warning.
pub(super) fn local(gather: &mut Gather) -> Map {
    let mut names: Vec<_> =
        files::names(&gather.fact_path).into_iter().filter(|name| name.ends_with(".fact")).collect();
    names.sort();
    let mut found = Map::new();
    for name in names.iter().filter(|name| !name.starts_with('.')) {
        let path = gather.fact_path.join(name);
        let fact = text_of(&path, gather).and_then(|text| parse(&text, &path));
        let fact = fact.unwrap_or_else(|words| {
            gather.warnings.push(words.clone());
            words.into()
        });
        found.insert(name.replace(".fact", "").as_str(), fact);
    }
    Map::from([("local", found)])
}

/// What an executable file prints, or what a plain file holds.
fn text_of(path: &Path, gather: &Gather) -> Result<String, String> {
    let shown = path.display();
    let mode = std::fs::metadata(path).map_err(|error| format!("Could not stat fact ({shown}): {error}"))?;
    if mode.permissions().mode() & 0o100 == 0 {
        return Ok(files::text(path));
    }
    let mut context = Context { environment: gather.environment.clone(), ..Context::local() };
    let output = Command::new(path).run(&mut context);
    let output = output.map_err(|failure| format!("Could not execute fact script ({shown}): {failure}"))?;
    if !output.ok() {
        let (code, words) = (output.code, output.stderr_text());
        return Err(format!("Failure executing fact script ({shown}), rc: {code}, err: {words}"));
    }
    let not_utf8 = |_| format!("error loading fact - output of running \"{shown}\" was not utf-8");
    String::from_utf8(output.stdout).map_err(not_utf8)
}

/// JSON, or else INI.
fn parse(text: &str, path: &Path) -> Result<Value, String> {
    if let Ok(read) = data::json::parse(text) {
        return Ok(read);
    }
    let wrong = || format!("error loading facts as JSON or ini - please check content: {}", path.display());
    let mut sections = parse_ini(text).ok_or_else(wrong)?;
    for (_, section) in sections.make_mut() {
        let Value::Map(options) = section else { continue };
        let plain = options.clone();
        for (name, value) in options.make_mut() {
            let text = value.as_str().unwrap_or_default();
            let read = interpolate(text, &plain, 0).map_err(|words| {
                format!(
                    "error loading facts as ini - please check content: {} ({name}: {words})",
                    path.display()
                )
            })?;
            *value = Value::from(read);
        }
    }
    Ok(Value::Map(sections))
}

/// `%(name)s` as another option of the section and `%%` as a percent sign, as Python's `ConfigParser` reads values.
fn interpolate(text: &str, options: &Map, depth: usize) -> Result<String, String> {
    if depth > 10 {
        return Err("values name each other in a circle".to_owned());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let named = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
        let (name, after) =
            named.ok_or_else(|| format!("'%' must be followed by '%' or '(', found: '%{after}'"))?;
        let value = options.get_str(&name.to_lowercase());
        let value = value.ok_or_else(|| format!("there is no option {name} for the value to name"))?;
        out.push_str(&interpolate(value, options, depth + 1)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Sections of options as Python's `ConfigParser` reads them: names in lower case, `=` or `:`, indented lines go on with the value,
/// options of `[DEFAULT]` are in every section. `None` if it is not INI.
fn parse_ini(text: &str) -> Option<Map> {
    let (mut sections, mut section) = (Vec::<(String, Vec<(String, String)>)>::new(), None);
    let mut goes_on = false;
    for line in text.lines() {
        let word = line.trim();
        if word.is_empty() || word.starts_with(['#', ';']) {
            continue;
        }
        if goes_on && line.starts_with([' ', '\t']) {
            let index: usize = section?;
            let (_, value) = sections.get_mut(index)?.1.last_mut()?;
            *value = format!("{value}\n{word}").trim_start().to_owned();
            continue;
        }
        if let Some(name) = word.strip_prefix('[').and_then(|rest| Some(rest.rsplit_once(']')?.0)) {
            if sections.iter().any(|(known, _)| known == name) {
                return None;
            }
            section = Some(sections.len());
            goes_on = false;
            sections.push((name.to_owned(), Vec::new()));
            continue;
        }
        let at = word.find(['=', ':'])?;
        let (key, value) = (word[..at].trim().to_lowercase(), word[at + 1..].trim().to_owned());
        let options = &mut sections.get_mut(section?)?.1;
        if key.is_empty() || options.iter().any(|(known, _)| *known == key) {
            return None;
        }
        options.push((key, value));
        goes_on = true;
    }
    let defaults: Vec<_> =
        sections.iter().filter(|(name, _)| name == "DEFAULT").flat_map(|(_, own)| own.clone()).collect();
    let named = sections.into_iter().filter(|(name, _)| name != "DEFAULT").map(|(name, own)| {
        let missing = defaults.iter().filter(|(key, _)| !own.iter().any(|(known, _)| known == key)).cloned();
        let all: Vec<_> = own.iter().cloned().chain(missing).collect();
        (name, all.into_iter().collect::<Map>())
    });
    Some(named.collect())
}

/// The folder that Ansible looks in unless told otherwise.
pub(super) fn default_folder() -> PathBuf {
    PathBuf::from("/etc/ansible/facts.d")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn gathered(files: &[(&str, &str, u32)]) -> (Map, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, mode) in files {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        let mut gather = Gather { fact_path: folder.path().to_owned(), ..Gather::for_test() };
        let facts = local(&mut gather);
        (facts.get("local").unwrap().as_map().unwrap().clone(), gather.warnings)
    }

    #[test]
    fn json_ini_and_programs_are_read() {
        let (facts, warnings) = gathered(&[
            ("a.fact", "{\"x\": [1, 2]}", 0o644),
            ("b.fact", "[Main]\nKey = v\n  more\nother: 2\n", 0o644),
            ("c.fact", "#!/bin/sh\necho '{\"p\": true}'\n", 0o755),
            ("ignored.txt", "x", 0o644),
        ]);
        assert_eq!(facts.len(), 3);
        assert_eq!(facts.get("a").unwrap().get("x").unwrap().as_list().unwrap().len(), 2);
        assert_eq!(facts.get("b").unwrap().get("Main").unwrap().get("key"), Some(&Value::from("v\nmore")));
        assert_eq!(facts.get("c").unwrap().get("p"), Some(&Value::from(true)));
        assert!(warnings.is_empty());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let (facts, warnings) =
            gathered(&[("bad.fact", "no section\n", 0o644), ("fails.fact", "#!/bin/sh\nexit 3\n", 0o755)]);
        assert!(facts.get_str("bad").unwrap().contains("please check content"));
        assert!(facts.get_str("fails").unwrap().contains("rc: 3"));
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn percent_signs_name_other_options() {
        let read = |text: &str| parse(text, Path::new("x.fact"));
        let found = read("[s]\na = 1%%\nb = %(a)s!\n").unwrap();
        assert_eq!(found.get("s").unwrap().get("b"), Some(&Value::from("1%!")));
        assert!(read("[s]\na = a % b\n").unwrap_err().starts_with("error loading facts as ini"));
        assert!(read("[s]\na = %(b)s\nb = %(a)s\n").is_err());
    }

    #[test]
    fn defaults_are_in_every_section() {
        let found = parse_ini("[DEFAULT]\na=1\n[s]\nb=2\n").unwrap();
        assert_eq!(found.get("s").unwrap().get("a"), Some(&Value::from("1")));
        assert_eq!(found.get("DEFAULT"), None);
    }
}
