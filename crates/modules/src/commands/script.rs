//! `script`, the target's part: runs a script whose content was sent along.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;

use data::Value;

use super::command::{CHDIR, CREATES, Call, REMOVES};
use crate::process::{Command, quote};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "script",
    summary: "Runs a local script on a remote node after transferring it",
    args: &[
        Arg::str("_raw_params").help("The script's path on the controller and its arguments, as free text."),
        Arg::str("cmd").help("The script's path on the controller and its arguments."),
        Arg::str("content_blob").required().help("SHA-256 of the script's content; set by the controller."),
        CHDIR,
        CREATES,
        REMOVES,
        Arg::str("executable").help("The program to run the script with."),
        Arg::bool("decrypt").default_bool(true).help("Decrypt a vaulted script; done by the controller."),
        Arg::str("stdin").help("Text for its standard input."),
        Arg::bool("stdin_add_newline").default_bool(false).help("End that text with a newline."),
        Arg::bool("strip_empty_ends")
            .default_bool(false)
            .help("Strip empty lines from the ends of the outputs."),
    ],
    free_form: Some("_raw_params"),
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let sha256 = args.str("content_blob")?;
    let line = args.opt_str("_raw_params").or_else(|| args.opt_str("cmd")).unwrap_or_default();
    let arguments = after_first_word(line);
    let fail = |error: io::Error| Failure::io("could not keep the script in", &context.tmpdir, &error);
    let blob = context.blobs.get(sha256).ok_or_else(|| Failure::need(sha256))?;
    let script = data::program::write(|| {
        let mut script = tempfile::Builder::new()
            .prefix("script-")
            .permissions(Permissions::from_mode(0o700))
            .tempfile_in(&context.tmpdir)?;
        blob.open().and_then(|mut content| io::copy(&mut content, &mut script))?;
        Ok(script.into_temp_path())
    });
    let script = script.map_err(fail)?;
    let path = script.to_string_lossy().into_owned();
    // The arguments stay as they were written: a shell reads them, as in Ansible.
    let command = match args.opt_str("executable") {
        Some(executable) => format!("{executable} {} {arguments}", quote(&path)),
        None => format!("{} {arguments}", quote(&path)),
    };
    let command = Command::shell(&context.shell, command.trim_end());
    Call { cmd: Value::from(line), command }.carry_out(args, context)
}

/// What follows the script's own path, which may be quoted.
fn after_first_word(line: &str) -> &str {
    let line = line.trim_start();
    let mut quote = None;
    let end = line.char_indices().find(|(_, sign)| match (quote, sign) {
        (Some(open), _) => {
            if open == *sign {
                quote = None;
            }
            false
        }
        (None, '\'' | '"') => {
            quote = Some(*sign);
            false
        }
        (None, _) => sign.is_whitespace(),
    });
    end.map_or("", |(end, _)| line[end..].trim())
}

#[cfg(test)]
mod tests {
    use data::Map;
    use sha2::{Digest, Sha256};

    use crate::{RunRequest, hex, run_local};

    fn stdout(line: &str) -> String {
        let script = b"#!/bin/sh\nfor word; do echo \"[$word]\"; done\n".to_vec();
        let args = Map::from([
            ("_raw_params", line.to_string()),
            ("content_blob", hex::encode(&Sha256::digest(&script))),
        ]);
        let result = run_local(&RunRequest { blobs: vec![script], ..RunRequest::new("script", args) });
        result.get_str("stdout").map(str::to_string).unwrap_or_else(|| panic!("{result:?}"))
    }

    #[test]
    fn a_shell_reads_the_arguments() {
        for (line, words) in [
            ("path/to/it.sh", ""),
            ("it.sh a b", "[a]\n[b]\n"),
            ("'my script.sh' 'a b' \"$((1+1))\"", "[a b]\n[2]\n"),
            ("it.sh a > /dev/null; echo c", "c\n"),
        ] {
            assert_eq!(stdout(line), words, "{line}");
        }
    }
}
