//! `unarchive`: an archive of the controller, unpacked on the target.

use std::path::Path;

use data::Map;

use super::{ActionCall, copy};
use crate::Packed;
use crate::connection::Content;
use crate::trouble::Trouble;

/// Sends the archive, unless `remote_src` (or `copy: false`) says that the target has it.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let Some(src) = call.text("src") else { return Err(Trouble::raised("src and dest are required")) };
    let remote =
        call.flag("remote_src").unwrap_or(false) || call.flag("copy") == Some(false) || src.contains("://");
    let mut args = call.args.clone();
    for of_action in ["copy", "decrypt"] {
        args.remove(of_action);
    }
    if remote {
        args.insert("remote_src", true);
        return call.module("unarchive", args, Vec::new());
    }
    let path = match call.packed(&src)? {
        Some(Packed::File(file)) => return send(call, file.content, Path::new(&src), args),
        _ => call.file("files", &src)?,
    };
    let content = copy::content_of(call, &path)?;
    send(call, content, &path, args)
}

fn send(call: &ActionCall<'_>, content: Content, path: &Path, mut args: Map) -> Result<Map, Trouble> {
    args.insert("content_blob", content.hex());
    args.insert("_original_basename", path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    call.module("unarchive", args, vec![content])
}
