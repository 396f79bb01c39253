//! Filters over paths: Python's `os.path` and `ntpath`.

use std::path::Path;

use crate::args::Bound;
use crate::eval::Eval;
use crate::lookups::files::matching_files;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("basename", &[], |_, value, _| {
        of(value, |path| path.rsplit('/').next().unwrap_or("").to_owned())
    }),
    Filter::new("dirname", &[], |_, value, _| of(value, dirname)),
    Filter::new("splitext", &[], |_, value, _| {
        let path = need(value)?;
        let (root, extension) = splitext(path);
        Ok(Val::tuple(vec![Val::from(root), Val::from(extension)]))
    }),
    Filter::new("expanduser", &[], |_, value, _| of(value, expanduser)),
    Filter::new("expandvars", &[], |_, value, _| of(value, expandvars)),
    Filter::new("normpath", &[], |_, value, _| of(value, normpath)),
    Filter::new("realpath", &[], |_, value, _| of(value, realpath)),
    Filter::new("relpath", &["start?"], relpath),
    Filter::new("path_join", &[], path_join),
    Filter::new("commonpath", &[], commonpath),
    Filter::new("fileglob", &[], |_, value, _| Ok(Val::list(matching_files(need(value)?)))),
    Filter::new("win_basename", &[], |_, value, _| of(value, |path| win_split(path).1.to_owned())),
    Filter::new("win_dirname", &[], |_, value, _| of(value, |path| win_split(path).0)),
    Filter::new("win_splitdrive", &[], |_, value, _| {
        let (drive, rest) = win_drive(need(value)?);
        Ok(Val::tuple(vec![Val::from(drive), Val::from(rest)]))
    }),
];

fn need(value: &Val) -> Res<&str> {
    match value.as_str() {
        Some(path) => Ok(path),
        None => fail(format!("expected str, bytes or os.PathLike object, not {}", value.type_name())),
    }
}

fn of(value: &Val, work: impl Fn(&str) -> String) -> Res<Val> {
    Ok(Val::from(work(need(value)?)))
}

fn dirname(path: &str) -> String {
    let head = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    if head.chars().all(|c| c == '/') { head.to_owned() } else { head.trim_end_matches('/').to_owned() }
}

fn splitext(path: &str) -> (&str, &str) {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let leading = path[name..].len() - path[name..].trim_start_matches('.').len();
    match path[name + leading..].rfind('.') {
        Some(dot) => path.split_at(name + leading + dot),
        None => (path, ""),
    }
}

fn expanduser(path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() {
        std::env::var("HOME").ok()
    } else {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields[0] == user)
            .and_then(|fields| fields.get(5).map(|home| (*home).to_owned()))
    };
    home.map_or_else(|| path.to_owned(), |home| format!("{}{rest}", home.trim_end_matches('/')))
}

/// `$name` and `${name}` of the environment; unknown names stay.
pub(crate) fn expandvars(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, used) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end =
                    after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..at + 1 + used]),
        }
        rest = &after[used..];
    }
    out + rest
}

/// Python's `os.path.normpath`.
pub(crate) fn normpath(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let root = if path.starts_with("//") && !path.starts_with("///") {
        "//"
    } else if path.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            other => parts.push(other),
        }
    }
    let joined = format!("{root}{}", parts.join("/"));
    if joined.is_empty() { ".".to_owned() } else { joined }
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        return normpath(path);
    }
    let here = std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default();
    normpath(&format!("{here}/{path}"))
}

fn realpath(path: &str) -> String {
    let path = absolute(path);
    let mut known = Path::new(&path);
    let mut missing = Vec::new();
    loop {
        if let Ok(real) = known.canonicalize() {
            let mut whole = real;
            whole.extend(missing.iter().rev());
            return normpath(&whole.display().to_string());
        }
        match (known.parent(), known.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                known = parent;
            }
            _ => return path,
        }
    }
}

fn relpath(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let path = need(value)?;
    if path.is_empty() {
        return fail("no path specified");
    }
    let start = args.text(ev, 0, ".")?;
    let (start, path) = (absolute(&start), absolute(path));
    let split =
        |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (split(&start), split(&path));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut parts = vec!["..".to_owned(); from.len() - same];
    parts.extend_from_slice(&to[same..]);
    Ok(Val::from(if parts.is_empty() { ".".to_owned() } else { parts.join("/") }))
}

fn path_join(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let parts = match value {
        Val::Str(_) => return Ok(value.clone()),
        Val::List(_) | Val::Tuple(_) => ev.items(value)?,
        other => {
            return fail(format!(
                "|path_join expects string or sequence, got {} instead.",
                other.type_name()
            ));
        }
    };
    let mut joined = String::new();
    for (at, part) in parts.iter().enumerate() {
        let part = need(part)?;
        if part.starts_with('/') {
            joined.clear();
        } else if at > 0 && !joined.is_empty() && !joined.ends_with('/') {
            joined.push('/');
        }
        joined.push_str(part);
    }
    if parts.is_empty() {
        fail("join() missing 1 required positional argument: 'a'")
    } else {
        Ok(Val::from(joined))
    }
}

fn commonpath(ev: &Eval<'_>, value: &Val, _: &Bound) -> Res<Val> {
    let (Val::List(_) | Val::Tuple(_)) = value else {
        return fail(format!("|commonpath expects sequence, got {} instead.", value.type_name()));
    };
    let items = ev.items(value)?;
    let paths = items.iter().map(need).collect::<Res<Vec<_>>>()?;
    let Some(first) = paths.first() else { return fail("commonpath() arg is an empty sequence") };
    let root = first.starts_with('/');
    if paths.iter().any(|path| path.starts_with('/') != root) {
        return fail("Can't mix absolute and relative paths");
    }
    let split = |path: &str| {
        path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut common = split(first);
    for path in &paths[1..] {
        let parts = split(path);
        let same = common.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        common.truncate(same);
    }
    Ok(Val::from(format!("{}{}", if root { "/" } else { "" }, common.join("/"))))
}

fn win_drive(path: &str) -> (&str, &str) {
    let is_slash = |c: char| matches!(c, '/' | '\\');
    if path.len() >= 2 && path.chars().take(2).all(is_slash) && !path[2..].starts_with(is_slash) {
        let host = path[2..].find(is_slash).map(|at| at + 2);
        let share = host.and_then(|host| path[host + 1..].find(is_slash).map(|at| at + host + 1));
        return match (host, share) {
            (Some(_), Some(share)) => path.split_at(share),
            (Some(_), None) => (path, ""),
            _ => ("", path),
        };
    }
    if path.chars().nth(1) == Some(':') {
        path.split_at(path.char_indices().nth(2).map_or(path.len(), |(at, _)| at))
    } else {
        ("", path)
    }
}

fn win_split(path: &str) -> (String, &str) {
    let (drive, rest) = win_drive(path);
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let at = rest.rfind(is_slash).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(at);
    let trimmed = head.trim_end_matches(is_slash);
    (format!("{drive}{}", if trimmed.is_empty() { head } else { trimmed }), tail)
}
