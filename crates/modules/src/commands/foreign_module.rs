//! `taskbox.core.foreign_module`: runs a module that is no part of taskbox, as Ansible runs it on a target. The controller sends the file, what
//! it imports, and how it wants its arguments.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use data::json::{self, JsonStyle};
use data::{Map, Value};
use tempfile::TempDir;

use crate::process::{self, Command, Output, quote};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "foreign_module",
    collection: "taskbox.core",
    summary: "Run a module that is no part of taskbox, for the engine's own use",
    args: &[
        Arg::str("module").required().help("The module's name."),
        Arg::str("style").required().choices(&["python", "json_file", "pairs_file", "inside"]).help(
            "How it gets its arguments: as Ansible's Python library reads them, in a JSON file, in a file of `key=value` pairs, or in its own text.",
        ),
        Arg::str("content_blob").required().help("SHA-256 of its file."),
        Arg::str("library_blob").help("SHA-256 of an archive of what it imports."),
        Arg::str("package").help("Its name in that archive; not given: it is run from its own file."),
        Arg::list("interpreter", ArgType::Str).help("The program that runs it and that program's arguments; `python` means the host's. Not given: it runs itself."),
        Arg::new("arguments", ArgType::Dict).required().help("Its arguments."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// Where hosts have a Python that runs modules, after `/usr/bin/python3`.
const PYTHONS: [&str; 6] =
    ["/usr/bin/python3", "/usr/libexec/platform-python", "python3", "/usr/bin/python", "python", "python2"];

/// Sets a module's arguments where Ansible's library looks for them, and runs it with its imports from the archive.
const LOADER: &str = "\
import runpy, sys
sys.dont_write_bytecode = True
library, arguments, package, file = sys.argv[1:5]
sys.path.insert(0, library)
import ansible.module_utils.basic as basic
with open(arguments, 'rb') as stream:
    basic._ANSIBLE_ARGS = stream.read()
basic._ANSIBLE_PROFILE = 'legacy'
sys.argv = [file]
start = dict(_module_fqn=package or file, _modlib_path=library)
if package:
    runpy.run_module(package, init_globals=start, run_name='__main__', alter_sys=True)
else:
    runpy.run_path(file, init_globals=start, run_name='__main__')
";

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let style = args.str("style")?;
    let blobs = ["content_blob", "library_blob"].map(|name| args.opt_str(name));
    // Both are asked for before anything is written.
    for sha256 in blobs.iter().flatten() {
        context.blobs.get(sha256).ok_or_else(|| Failure::need(sha256))?;
    }
    let interpreter = interpreter(args, context)?;
    let folder = tempfile::Builder::new().prefix("module-").tempdir_in(&context.tmpdir);
    let folder = folder.map_err(|error| Failure::io("could not write into", &context.tmpdir, &error))?;
    let given = arguments(args, &folder, context);
    let file = folder.path().join(file_name(args.str("module")?));
    let mut content = read_blob(args.str("content_blob")?, context)?;
    if style == "inside" {
        content = with_arguments(&content, &given);
    }
    data::program::write(|| write(&file, &content, 0o700))?;
    let command = match style {
        "python" => {
            let library = folder.path().join("library.zip");
            write(&library, &read_blob(args.str("library_blob")?, context)?, 0o600)?;
            let both = Value::Map(Map::from([("ANSIBLE_MODULE_ARGS", given)]));
            let data = argument_file(&folder, json::write(&both, &JsonStyle::default()))?;
            let words = [
                path(&library),
                path(&data),
                args.opt_str("package").unwrap_or_default().to_owned(),
                path(&file),
            ];
            program(&interpreter, None).arg("-c").arg(LOADER).args(words)
        }
        "json_file" => {
            let data = argument_file(&folder, json::write(&Value::Map(given), &JsonStyle::default()))?;
            program(&interpreter, Some(&file)).arg(data)
        }
        "pairs_file" => program(&interpreter, Some(&file)).arg(argument_file(&folder, pairs(&given))?),
        _ => program(&interpreter, Some(&file)),
    };
    let output = command.run(context)?;
    outcome(&output, args)
}

/// The interpreter with its arguments, or the file itself where there is none.
fn program(interpreter: &[String], file: Option<&Path>) -> Command {
    match (interpreter.split_first(), file) {
        (Some((first, rest)), file) => {
            let command = Command::new(first).args(rest);
            file.map_or(command.clone(), |file| command.arg(file))
        }
        (None, file) => Command::new(file.unwrap_or_else(|| Path::new(""))),
    }
}

fn interpreter(args: &Args, context: &Context) -> Result<Vec<String>, Failure> {
    let mut words: Vec<String> = args.strings("interpreter").iter().map(|word| (*word).to_owned()).collect();
    let Some(first) = words.first_mut() else { return Ok(words) };
    if first == "python" {
        let found = PYTHONS.iter().find_map(|name| {
            let fixed = name
                .starts_with('/')
                .then(|| PathBuf::from(name))
                .filter(|path| process::is_executable(path));
            fixed.or_else(|| process::find_program(name, context))
        });
        *first = path(&found.ok_or_else(|| {
            let module = args.opt_str("module").unwrap_or_default();
            let near = crate::nearest(module)
                .map(|near| format!(" The nearest module that needs none is `{near}`."));
            Failure::new(format!(
                "The module `{module}` needs Python on the host, and there is none.{}",
                near.unwrap_or_default()
            ))
        })?);
    }
    Ok(words)
}

/// The module's arguments with those that Ansible adds.
fn arguments(args: &Args, folder: &TempDir, context: &Context) -> Map {
    let mut given = args.map("arguments").cloned().unwrap_or_default();
    let own: [(&str, Value); 13] = [
        ("_ansible_check_mode", context.check.into()),
        ("_ansible_diff", context.diff.into()),
        ("_ansible_verbosity", i64::from(context.verbosity).into()),
        ("_ansible_no_log", false.into()),
        ("_ansible_debug", false.into()),
        ("_ansible_module_name", args.opt_str("module").unwrap_or_default().into()),
        ("_ansible_tmpdir", path(folder.path()).into()),
        ("_ansible_remote_tmp", path(&context.tmpdir).into()),
        ("_ansible_keep_remote_files", false.into()),
        ("_ansible_shell_executable", context.shell.as_str().into()),
        ("_ansible_syslog_facility", "LOG_USER".into()),
        (
            "_ansible_selinux_special_fs",
            ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"].map(Value::from).to_vec().into(),
        ),
        ("_ansible_socket", Value::Null),
    ];
    for (name, value) in own {
        given.insert(name, value);
    }
    given
}

/// The last part of a name, as a file's.
fn file_name(module: &str) -> &str {
    let name = module.rsplit(['.', '/']).next().unwrap_or_default();
    if name.is_empty() { "module" } else { name }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn read_blob(sha256: &str, context: &Context) -> Result<Vec<u8>, Failure> {
    let blob = context.blobs.get(sha256).ok_or_else(|| Failure::need(sha256))?;
    let mut bytes = Vec::new();
    let read = blob.open().and_then(|mut content| io::Read::read_to_end(&mut content, &mut bytes));
    read.map_err(|error| Failure::io("could not read what was sent from", &context.tmpdir, &error))?;
    Ok(bytes)
}

/// The folder is closed to others, so that the mode need not be set before the content is written.
fn write(file: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("could not write", file, &error);
    let mut open = fs::File::create(file).map_err(failed)?;
    open.set_permissions(Permissions::from_mode(mode)).and_then(|()| open.write_all(content)).map_err(failed)
}

fn argument_file(folder: &TempDir, text: String) -> Result<PathBuf, Failure> {
    let file = folder.path().join("args");
    write(&file, text.as_bytes(), 0o600)?;
    Ok(file)
}

/// `key=value`, as modules of before JSON read them.
fn pairs(given: &Map) -> String {
    let words = given.iter().map(|(key, value)| format!("{key}={}", quote(&data::python::str(value))));
    words.collect::<Vec<_>>().join(" ")
}

/// The text with the arguments in the place that it keeps for them.
fn with_arguments(content: &[u8], given: &Map) -> Vec<u8> {
    let arguments = json::write(&Value::Map(given.clone()), &JsonStyle::default());
    let text = String::from_utf8_lossy(content);
    text.replace("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>", &arguments).into_bytes()
}

/// The result that the module printed; what else it printed goes before and after.
fn outcome(output: &Output, args: &Args) -> Result<Outcome, Failure> {
    let stdout = output.stdout_text();
    let Some(mut result) = printed(&stdout) else {
        let stderr = output.stderr_text();
        let words = "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error";
        let failure = Failure::new(words).with("rc", output.code);
        return Err(failure.with("module_stdout", stdout).with("module_stderr", stderr));
    };
    for name in ["warnings", "deprecations"] {
        if let Some(Value::List(items)) = result.get(name).cloned() {
            result.insert(name, items.iter().map(plain_message).collect::<Value>());
        }
    }
    if let Some(text) = result.get("exception").and_then(|found| found.get("event")).map(traceback) {
        result.insert("exception", text);
    }
    if !result.contains_key("invocation") {
        let given = args.map("arguments").cloned().unwrap_or_default();
        result.insert("invocation", Map::from([("module_args", given)]));
    }
    // A module that ends badly without saying so has failed.
    if output.code != 0 && !result.contains_key("failed") {
        result.insert("failed", true);
        result.insert("rc", output.code);
    }
    Ok(Outcome { fields: result, ..Outcome::default() })
}

/// The dictionary among the lines.
fn printed(stdout: &str) -> Option<Map> {
    let mut starts = stdout.match_indices('{').map(|(at, _)| at);
    let first_of_line =
        |at: &usize| stdout[..*at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
    let start = starts.find(first_of_line)?;
    let text = stdout[start..].trim_end();
    let ends = text.match_indices('}').map(|(at, _)| at + 1).collect::<Vec<_>>();
    ends.into_iter().rev().find_map(|end| json::parse(&text[..end]).ok()?.as_map().cloned())
}

/// ansible-core 2.19's library prints messages with their origin around them.
fn plain_message(item: &Value) -> Value {
    let Some(event) = item.get("event") else { return item.clone() };
    let msg = event.get("msg").cloned().unwrap_or(Value::Null);
    match (item.as_map(), item.get("version").is_some() || item.get("date").is_some()) {
        (Some(whole), true) => {
            let mut whole = whole.clone();
            whole.remove("event");
            whole.insert("msg", msg);
            whole.into()
        }
        _ => msg,
    }
}

fn traceback(event: &Value) -> Value {
    let text =
        |key: &str| event.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    text("formatted_traceback").or_else(|| text("msg")).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use crate::{RunRequest, hex, run_local};

    use super::*;

    fn run(style: &str, interpreter: &[&str], file: &[u8]) -> Map {
        let words: Vec<Value> = interpreter.iter().map(|word| Value::from(*word)).collect();
        let args = Map::from([
            ("module", Value::from("greet")),
            ("style", style.into()),
            ("content_blob", hex::encode(&Sha256::digest(file)).into()),
            ("interpreter", words.into()),
            ("arguments", Map::from([("name", Value::from("a b"))]).into()),
        ]);
        run_local(&RunRequest {
            blobs: vec![file.to_vec()],
            ..RunRequest::new("taskbox.core.foreign_module", args)
        })
    }

    #[test]
    fn each_style_gets_its_arguments() {
        let json = run("json_file", &["/bin/sh"], b"echo noise; cat \"$1\"; echo '# more'");
        assert_eq!(json.get_str("name"), Some("a b"), "{json:?}");
        let pairs = run(
            "pairs_file",
            &["/bin/sh"],
            b". \"$1\" 2>/dev/null; printf '{\"changed\": true, \"msg\": \"%s\"}' \"$name\"",
        );
        assert_eq!((pairs.get_str("msg"), pairs.get("changed")), (Some("a b"), Some(&Value::from(true))));
        let inside = run("inside", &["/bin/sh"], b"echo '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'");
        assert_eq!(inside.get_str("name"), Some("a b"));
        let own = run("json_file", &[], b"#!/bin/sh\necho '{\"msg\": \"by itself\"}'\n");
        assert_eq!(own.get_str("msg"), Some("by itself"));
    }

    #[test]
    fn a_module_that_prints_no_result_has_failed_with_all_it_said() {
        let result = run("json_file", &["/bin/sh"], b"echo oops; echo why >&2; exit 3");
        assert_eq!(result.get("rc"), Some(&Value::from(3)));
        assert_eq!(
            (result.get_str("module_stdout"), result.get_str("module_stderr")),
            (Some("oops\n"), Some("why\n"))
        );
        let result = run("json_file", &["/bin/sh"], b"echo '{\"x\": 1}'; exit 2");
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
    }

    #[test]
    fn messages_lose_their_wrapping() {
        let item = json::parse(r#"{"event": {"msg": "careful"}, "deprecator": null}"#).unwrap();
        assert_eq!(plain_message(&item).as_str(), Some("careful"));
    }
}
