//! `fetch`: a file of the target to the controller.

use std::path::{Path, PathBuf};

use data::{Map, Value};

use super::ActionCall;
use crate::connection::ConnectionError;
use crate::trouble::Trouble;

/// Writes the file to `dest/host/path`, or with `flat` to `dest`.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let (Some(src), Some(dest)) = (call.text("src"), call.text("dest")) else {
        return Err(Trouble::raised("src and dest are required"));
    };
    if call.keywords.check {
        return Ok(Map::from([
            ("skipped", Value::from(true)),
            ("msg", "check mode not (yet) supported for this module".into()),
        ]));
    }
    let path = local_path(call, &src, &dest);
    if call.flag("flat").unwrap_or(false) && path.is_dir() {
        let msg = "dest is an existing directory, use a trailing slash if you want to fetch src into that directory";
        return Err(Trouble::raised(msg));
    }
    let (connection, become_as) = call.connection()?;
    let mut bytes = Vec::new();
    if let Err(error) = connection.fetch(&src, become_as.as_ref(), &mut bytes) {
        return missing(call, &src, error);
    }
    let new = sha1(&bytes);
    let old = std::fs::read(&path).ok().map(|bytes| sha1(&bytes));
    let changed = old.as_deref() != Some(new.as_str());
    let mut result = Map::from([
        ("changed", Value::from(changed)),
        ("checksum", new.clone().into()),
        ("dest", path.display().to_string().into()),
        ("md5sum", md5(&bytes).into()),
    ]);
    if changed {
        write(&path, &bytes)?;
        result.insert("remote_checksum", new);
        result.insert("remote_md5sum", Value::Null);
    } else {
        result.insert("file", src);
    }
    Ok(result)
}

fn missing(call: &ActionCall<'_>, src: &str, error: ConnectionError) -> Result<Map, Trouble> {
    let ConnectionError::RemoteFile { missing, .. } = &error else { return Err(error.into()) };
    let msg = if *missing {
        "the remote file does not exist, not transferring, ignored".to_owned()
    } else if error.to_string().contains("s a directory") {
        "remote file is a directory, fetch cannot work on directories, not transferring, ignored".to_owned()
    } else {
        error.to_string()
    };
    if call.flag("fail_on_missing").unwrap_or(true) {
        return Err(Trouble::raised(msg));
    }
    Ok(Map::from([("changed", Value::from(false)), ("file", src.into()), ("msg", msg.into())]))
}

fn local_path(call: &ActionCall<'_>, src: &str, dest: &str) -> PathBuf {
    let base = if Path::new(dest).is_absolute() || dest.starts_with('~') {
        expand(dest)
    } else {
        call.scope.play.play.base_dir.join(dest)
    };
    if !call.flag("flat").unwrap_or(false) {
        return base.join(&**call.target()).join(src.trim_start_matches('/'));
    }
    if dest.ends_with('/') { base.join(Path::new(src).file_name().unwrap_or_default()) } else { base }
}

fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    if let Some(folder) = path.parent() {
        data::fs::create_folder(folder).map_err(|error| Trouble::raised(error.to_string()))?;
    }
    data::fs::write_atomic(path, bytes, None).map_err(|error| Trouble::raised(error.to_string()))
}

fn md5(bytes: &[u8]) -> String {
    use md5::Digest;
    modules::hex::encode(&md5::Md5::digest(bytes))
}

fn sha1(bytes: &[u8]) -> String {
    use sha1::Digest;
    modules::hex::encode(&sha1::Sha1::digest(bytes))
}
