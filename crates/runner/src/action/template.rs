//! `template`: a file of the controller, rendered for the host.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::{Diagnose, Map, Text, Value};
use template::{FileOptions, Newline, Syntax};

use super::{ActionCall, copy};
use crate::connection::Content;
use crate::settings;
use crate::trouble::Trouble;

pub(super) const ARGS: &[&str] = &[
    "src",
    "dest",
    "owner",
    "group",
    "mode",
    "attributes",
    "attr",
    "selevel",
    "serole",
    "setype",
    "seuser",
    "unsafe_writes",
    "backup",
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "force",
    "follow",
    "output_encoding",
    "validate",
];

/// Arguments of the action that the module does not take.
const OF_ACTION: &[&str] = &[
    "src",
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "output_encoding",
];

/// Renders the file and sends it as `copy` does.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let (Some(src), Some(dest)) = (call.text("src"), call.text("dest")) else {
        return Err(Trouble::raised("src and dest are required"));
    };
    let (path, rendered) = render(call, &src, &dest)?;
    let mut args = call.args.clone();
    for name in OF_ACTION {
        args.remove(name);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let last = Path::new(&src).file_name().map_or(name, |last| last.to_string_lossy().into_owned());
    args.insert("dest", dest);
    args.insert("_original_basename", last);
    if args.get_str("mode") == Some("preserve") {
        let mode = std::fs::metadata(&path).map(|data| data.permissions().mode() & 0o7777).unwrap_or(0o644);
        args.insert("mode", format!("{mode:04o}"));
    }
    let encoding = call.text("output_encoding").filter(|name| !name.is_empty());
    let bytes = encoded(&rendered, encoding.as_deref().unwrap_or("utf-8"))?;
    copy::send_content(call, Content::from_bytes(bytes), args)
}

/// Renders a template of the controller with the syntax that the call's arguments ask for; gives its path too.
///
/// # Errors
/// It cannot be found or rendered.
pub(super) fn render(call: &ActionCall<'_>, src: &str, dest: &str) -> Result<(PathBuf, String), Trouble> {
    let path = call.file("templates", src)?;
    let source =
        call.job.shared.options.reader.read(&path).map_err(|error| Trouble::raised(error.to_string()))?;
    let mut scope = call.scope.clone();
    scope.local.extend_from(&template::template_vars(src, &path, Some(dest)));
    if !scope.has("ansible_managed") {
        let setting = settings::text("DEFAULT_MANAGED_STR", &call.job.shared.options);
        let managed = template::managed(setting.as_deref().unwrap_or(template::DEFAULT_MANAGED), &path);
        scope.local.insert("ansible_managed", Value::Str(managed));
    }
    let rendered = call
        .job
        .shared
        .engine
        .render_file(&source, &options(call, &path)?, &scope.context())
        .map_err(|error| Trouble::from_finding(error.to_string(), error.diagnostics()))?;
    Ok((path, rendered.to_string()))
}

/// The text in the encoding that the task asks for.
fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>, Trouble> {
    template::encode(text, encoding).map_err(Trouble::failed)
}

fn options(call: &ActionCall<'_>, path: &Path) -> Result<FileOptions, Trouble> {
    let mut syntax = Syntax::default();
    let pair = |start: &str, end: &str, default: (Arc<str>, Arc<str>)| -> (Arc<str>, Arc<str>) {
        (call.text(start).map_or(default.0, Arc::from), call.text(end).map_or(default.1, Arc::from))
    };
    syntax.block = pair("block_start_string", "block_end_string", syntax.block);
    syntax.variable = pair("variable_start_string", "variable_end_string", syntax.variable);
    syntax.comment = pair("comment_start_string", "comment_end_string", syntax.comment);
    syntax.trim_blocks = call.flag("trim_blocks").unwrap_or(true);
    syntax.lstrip_blocks = call.flag("lstrip_blocks").unwrap_or(false);
    syntax.keep_trailing_newline = true;
    syntax.newline = match call.text("newline_sequence").as_deref() {
        None | Some("\n" | "\\n") => Newline::Lf,
        Some("\r\n" | "\\r\\n") => Newline::CrLf,
        Some("\r" | "\\r") => Newline::Cr,
        Some(other) => {
            let shown = data::python::repr(&Value::Str(Text::plain(other)));
            return Err(Trouble::raised(format!(
                "newline_sequence needs to be one of: \\n, \\r or \\r\\n, not {shown}"
            )));
        }
    };
    Ok(FileOptions { syntax, dated: Some(path.to_path_buf()), ..FileOptions::default() })
}
