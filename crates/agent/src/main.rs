//! The static binary on a target: reads frames, runs modules, writes frames.
//!
//! `taskbox-agent serve [--folder FOLDER] [--once]` serves on standard input and output. `FOLDER` (its program's folder, if not given) is
//! its own, mode 0700. With `--once` its program and folder are gone when it ends. `taskbox-agent build` prints which build it is;
//! `taskbox-agent job` is the process of an asynchronous task, started by the agent itself.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use modules::wire::{self, ServeOptions};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("serve") => report(serve(args)),
        Some("job") => report(job()),
        Some("build") => report(writeln!(io::stdout(), "{}", wire::BUILD).map_err(|error| error.to_string())),
        _ => report(Err("usage: taskbox-agent serve [--folder FOLDER] [--once] | build | job".to_string())),
    }
}

/// Standard output carries frames, so that errors go to standard error, which the controller shows when the agent ends.
fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(io::stderr(), "taskbox-agent: {message}");
            ExitCode::FAILURE
        }
    }
}

fn job() -> Result<(), String> {
    let program =
        std::env::current_exe().map_err(|error| format!("could not find its own program: {error}"))?;
    // Closed by dropping it: whoever started us reads to its end.
    let out =
        io::stdout().as_fd().try_clone_to_owned().map_err(|error| format!("no standard output: {error}"))?;
    let null =
        File::options().write(true).open("/dev/null").map_err(|error| format!("/dev/null: {error}"))?;
    modules::job::detach_output(&null)
        .map_err(|error| format!("could not leave standard output: {error}"))?;
    modules::job::run_job(io::stdin().lock(), File::from(out), program)
}

fn serve(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let program =
        std::env::current_exe().map_err(|error| format!("could not find its own program: {error}"))?;
    let mut folder = program.parent().map_or_else(std::env::temp_dir, Path::to_path_buf);
    let mut once = false;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--folder" => folder = args.next().map(PathBuf::from).ok_or("--folder needs a folder")?,
            "--once" => once = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    // Not `io::stdout()`, which looks for line ends in what it writes.
    let out =
        io::stdout().as_fd().try_clone_to_owned().map_err(|error| format!("no standard output: {error}"))?;
    // Where standard input is a pipe, a larger one lets large files through with fewer switches between sshd and us; any size works.
    let _ = rustix::pipe::fcntl_setpipe_size(io::stdin(), 1024 * 1024);
    let options = ServeOptions { folder: folder.clone(), program };
    let served = wire::serve(io::stdin().lock(), File::from(out), options);
    if once {
        // The folder was made for this agent alone.
        std::fs::remove_dir_all(&folder)
            .map_err(|error| format!("could not remove {}: {error}", folder.display()))?;
    }
    served.map_err(|error| error.to_string())
}
