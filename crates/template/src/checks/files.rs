//! Tests of paths on the machine that runs taskbox, and of URLs.

use std::path::PathBuf;

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::split_url;
use crate::registry::Test;
use crate::val::{Res, Val, fail};

pub(crate) const TESTS: &[Test] = &[
    Test::new("directory", &[], |_, value, _| Ok(path(value)?.is_dir())),
    Test::new("is_dir", &[], |_, value, _| Ok(path(value)?.is_dir())),
    Test::new("file", &[], |_, value, _| Ok(path(value)?.is_file())),
    Test::new("is_file", &[], |_, value, _| Ok(path(value)?.is_file())),
    Test::new("link", &[], |_, value, _| Ok(named(value)?.is_symlink())),
    Test::new("is_link", &[], |_, value, _| Ok(named(value)?.is_symlink())),
    Test::new("exists", &[], |_, value, _| Ok(path(value)?.exists())),
    Test::new("link_exists", &[], |_, value, _| Ok(path(value)?.symlink_metadata().is_ok())),
    Test::new("abs", &[], |_, value, _| Ok(named(value)?.is_absolute())),
    Test::new("is_abs", &[], |_, value, _| Ok(named(value)?.is_absolute())),
    Test::new("same_file", &["other"], same_file),
    Test::new("is_same_file", &["other"], same_file),
    Test::new("mount", &[], |_, value, _| Ok(is_mount(named(value)?))),
    Test::new("is_mount", &[], |_, value, _| Ok(is_mount(named(value)?))),
    Test::new("vaulted_file", &[], |_, value, _| match std::fs::read(path(value)?) {
        Ok(content) => Ok(content.starts_with(b"$ANSIBLE_VAULT;")),
        Err(error) => fail(format!("Cannot test if the file is a vault: {error}")),
    }),
    Test::new("uri", &["schemes?"], |ev, value, args| is_uri(ev, value, args, false)),
    Test::new("url", &["schemes?"], |ev, value, args| is_uri(ev, value, args, true)),
    Test::new("urn", &[], |_, value, _| match value {
        Val::Str(text) => Ok(split_url(text).get("scheme").and_then(Val::as_str) == Some("urn")),
        _ => Ok(false),
    }),
];

/// A path given as text.
fn named(value: &Val) -> Res<PathBuf> {
    match value.as_str() {
        Some(path) => Ok(PathBuf::from(path)),
        None => fail(format!("expected str, bytes or os.PathLike object, not {}", value.type_name())),
    }
}

fn path(value: &Val) -> Res<PathBuf> {
    match value {
        Val::Str(path) => Ok(PathBuf::from(path.as_str())),
        // Python takes a number as an open file.
        Val::Int(_) | Val::Bool(_) => {
            Ok(PathBuf::from(format!("/proc/self/fd/{}", value.as_int().unwrap_or(-1))))
        }
        _ => fail(format!("expected str, bytes or os.PathLike object, not {}", value.type_name())),
    }
}

fn same_file(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<bool> {
    let other = args.val(0);
    match (path(value)?.canonicalize(), path(&other)?.canonicalize()) {
        (Ok(a), Ok(b)) => Ok(a == b),
        (Err(error), _) | (_, Err(error)) => fail(error.to_string()),
    }
}

fn is_mount(path: PathBuf) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(here) = path.symlink_metadata() else { return false };
    if here.is_symlink() {
        return false;
    }
    match path.join("..").metadata() {
        Ok(parent) => parent.dev() != here.dev() || parent.ino() == here.ino(),
        Err(_) => false,
    }
}

fn is_uri(ev: &Eval<'_>, value: &Val, args: &Bound, needs_host: bool) -> Res<bool> {
    // Python's urlparse takes everything empty for an empty address.
    let url = match value {
        Val::Str(url) => url.as_str(),
        other if !other.truth()? => "",
        _ => return Ok(false),
    };
    let parts = split_url(url);
    let part = |name: &str| parts.get(name).and_then(Val::as_str).unwrap_or("");
    let known = match args.given(0) {
        None => true,
        Some(schemes) => ev.items(schemes)?.iter().any(|scheme| scheme.as_str() == Some(part("scheme"))),
    };
    Ok(known && (!needs_host || !part("netloc").is_empty() || part("scheme") == "file"))
}
