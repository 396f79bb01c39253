//! Other programs: started in a process group of their own, drained while they run, ended with all their children when the time is up.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{Context, Failure, Progress};

/// How long one wait for output lasts before time limits and cancellation are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a process group may take to end after it was asked to.
const GRACE: Duration = Duration::from_millis(500);

/// A program to run. Standard input is empty unless given.
#[derive(Clone, Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    input: Option<Vec<u8>>,
    timeout: Option<Duration>,
    umask: Option<u32>,
    live: bool,
}

impl Command {
    /// The program at this path, or found in `PATH` and the system folders by this name.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_os_string(),
            args: Vec::new(),
            environment: Vec::new(),
            folder: None,
            input: None,
            timeout: None,
            umask: None,
            live: false,
        }
    }

    /// `SHELL -c SCRIPT`.
    pub fn shell(shell: impl AsRef<OsStr>, script: impl AsRef<OsStr>) -> Self {
        Self::new(shell).arg("-c").arg(script)
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_os_string()));
        self
    }

    /// Sets a variable over the task's environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_os_string(), value.as_ref().to_os_string()));
        self
    }

    /// Messages in English, so that output can be read by us (`LANG`, `LC_ALL` and `LC_MESSAGES` are `C`).
    #[must_use]
    pub fn plain_language(self) -> Self {
        self.env("LANG", "C").env("LC_ALL", "C").env("LC_MESSAGES", "C").env("LANGUAGE", "C")
    }

    /// Runs in this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Writes this to standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Ends it after this time.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Runs with this umask.
    #[must_use]
    pub fn umask(mut self, mask: u32) -> Self {
        self.umask = Some(mask);
        self
    }

    /// Sends output on as it comes.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Program and arguments, quoted for a reader.
    pub fn display(&self) -> String {
        std::iter::once(&self.program)
            .chain(&self.args)
            .map(|word| quote(&word.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Runs it to its end, whatever its exit code.
    ///
    /// # Errors
    /// If it cannot be started, takes longer than its limit, or the controller canceled.
    pub fn run(&self, context: &mut Context) -> Result<Output, Failure> {
        let mut child = self.spawn(context).map_err(|error| self.cannot_start(&error))?;
        let result = Drain::new(&mut child, self.input.as_deref())
            .and_then(|drain| drain.run(&mut child, self, context));
        if result.is_err() {
            end_group(&mut child);
        }
        result.map_err(|stop| match stop {
            Stop::TimedOut => {
                let limit = self.timeout.unwrap_or_default().as_secs_f64();
                Failure::new(format!("`{}` took longer than {limit} seconds and was ended", self.display()))
                    .with("cmd", self.display())
            }
            Stop::Canceled => Failure::new(format!("`{}` was ended: canceled", self.display())),
            Stop::Io(error) => Failure::new(format!("`{}`: {error}", self.display())),
        })
    }

    /// As [`Self::run`], but an exit code other than 0 is a failure with `cmd`, `rc`, `stdout`, `stderr`.
    ///
    /// # Errors
    /// As [`Self::run`], and on another exit code.
    pub fn run_ok(&self, context: &mut Context) -> Result<Output, Failure> {
        let output = self.run(context)?;
        if output.code == 0 {
            return Ok(output);
        }
        let stderr = output.stderr_text();
        Err(Failure::new(stderr.trim_end())
            .with("cmd", self.display())
            .with("rc", output.code)
            .with("stdout", output.stdout_text())
            .with("stderr", stderr))
    }

    fn cannot_start(&self, error: &io::Error) -> Failure {
        let program = self.program.to_string_lossy();
        let code = error.raw_os_error().unwrap_or(257);
        let reason = match error.kind() {
            io::ErrorKind::NotFound => format!("[Errno {code}] No such file or directory: b'{program}'"),
            io::ErrorKind::PermissionDenied => format!("[Errno {code}] Permission denied: b'{program}'"),
            _ => error.to_string(),
        };
        Failure::new(format!("Error executing command.: {reason}"))
            .with("rc", code)
            .with("cmd", self.display())
            .with("stdout", "")
            .with("stderr", "")
    }

    fn spawn(&self, context: &Context) -> io::Result<Child> {
        let program = self.resolve(context)?;
        let mut command = match self.umask {
            // The mask is set by a shell that then becomes the program: `pre_exec` would need unsafe code.
            Some(mask) => {
                let mut shell = std::process::Command::new("/bin/sh");
                shell.arg("-c").arg(format!("umask {mask:04o} && exec \"$0\" \"$@\"")).arg(program);
                shell
            }
            None => {
                let mut named = std::process::Command::new(program);
                // Programs name themselves in messages as they were called.
                named.arg0(&self.program);
                named
            }
        };
        command.args(&self.args).envs(context.environment.iter().map(|(key, value)| (key, value)));
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let input = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        data::program::start(&mut command)
    }

    /// A bare name is looked up in the `PATH` that the program will see.
    fn resolve(&self, context: &Context) -> io::Result<OsString> {
        if self.program.as_encoded_bytes().contains(&b'/') {
            return Ok(self.program.clone());
        }
        let path =
            self.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let path = path.or_else(|| context.variable("PATH").map(OsString::from)).unwrap_or_default();
        find_in(&self.program, &path)
            .map(PathBuf::into_os_string)
            .ok_or_else(|| io::Error::from_raw_os_error(2))
    }
}

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; minus the signal's number if a signal ended it.
    pub code: i32,
    /// All it wrote to standard output.
    pub stdout: Vec<u8>,
    /// All it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text; bytes that are not UTF-8 become `U+FFFD`.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Whether the exit code is 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }
}

/// The program of this name in `PATH` or in the folders of system programs, which a user's `PATH` may lack.
pub fn find_program(name: &str, context: &Context) -> Option<PathBuf> {
    find_in(OsStr::new(name), OsStr::new(&context.variable("PATH").unwrap_or_default()))
}

/// [`find_program`] for a program that must be there.
///
/// # Errors
/// Ansible's `Failed to find required executable`.
pub fn require_program(name: &str, context: &Context) -> Result<PathBuf, Failure> {
    find_program(name, context).ok_or_else(|| {
        let path = context.variable("PATH").unwrap_or_default();
        Failure::new(format!("Failed to find required executable \"{name}\" in paths: {path}"))
    })
}

fn find_in(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let system = ["/sbin", "/usr/sbin", "/usr/local/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(path)
        .filter(|folder| !folder.as_os_str().is_empty())
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

/// Whether it is a file with an execute bit.
pub fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A word as a POSIX shell reads it back (Python's `shlex.quote`).
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

enum Stop {
    TimedOut,
    Canceled,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for Stop {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Pipes of a running child.
struct Drain<'a> {
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
    input: &'a [u8],
    output: Output,
}

impl<'a> Drain<'a> {
    fn new(child: &mut Child, input: Option<&'a [u8]>) -> Result<Self, Stop> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        if let Some(pipe) = &stdin {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &stdout {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &stderr {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        let output = Output { code: 0, stdout: Vec::new(), stderr: Vec::new() };
        Ok(Self { stdin, stdout, stderr, input: input.unwrap_or_default(), output })
    }

    /// Reads until both outputs are closed, or until the child has ended and nothing more comes: what it left in the background may
    /// hold its outputs open for ever.
    fn run(mut self, child: &mut Child, command: &Command, context: &mut Context) -> Result<Output, Stop> {
        let start = Instant::now();
        while self.stdout.is_some() || self.stderr.is_some() {
            self.check_limits(start, command, context)?;
            let quiet = !self.wait_for_pipes()?;
            if quiet && child.try_wait()?.is_some() {
                break;
            }
            self.feed();
            read_some(&mut self.stdout, &mut self.output.stdout, |bytes| {
                if command.live {
                    (context.progress)(Progress::Stdout(bytes.to_vec()));
                }
            })?;
            read_some(&mut self.stderr, &mut self.output.stderr, |bytes| {
                if command.live {
                    (context.progress)(Progress::Stderr(bytes.to_vec()));
                }
            })?;
        }
        let mut pause = Duration::from_micros(200);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            self.check_limits(start, command, context)?;
            std::thread::sleep(pause);
            pause = (pause * 2).min(TICK);
        };
        self.output.code = exit_code(status);
        Ok(self.output)
    }

    fn check_limits(&self, start: Instant, command: &Command, context: &Context) -> Result<(), Stop> {
        if context.cancel.is_set() {
            return Err(Stop::Canceled);
        }
        match command.timeout {
            Some(limit) if start.elapsed() >= limit => Err(Stop::TimedOut),
            _ => Ok(()),
        }
    }

    /// Waits a moment for a pipe to be ready; false if none was.
    fn wait_for_pipes(&self) -> Result<bool, Stop> {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.stdout.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
        fds.extend(self.stderr.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
        fds.extend(self.stdin.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
        let tick = Timespec { tv_sec: 0, tv_nsec: TICK.subsec_nanos().into() };
        match poll(&mut fds, Some(&tick)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what the child will take; a child that closed its input wants no more.
    fn feed(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        match pipe.write(self.input) {
            Ok(count) => self.input = &self.input[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => self.input = &[],
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
    }
}

fn read_some(pipe: &mut Option<impl Read>, all: &mut Vec<u8>, mut seen: impl FnMut(&[u8])) -> io::Result<()> {
    let Some(open) = pipe else { return Ok(()) };
    let mut buffer = [0; 32 * 1024];
    match open.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(count) => {
            seen(&buffer[..count]);
            all.extend_from_slice(&buffer[..count]);
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
}

/// Asks the whole group to end, then makes it.
fn end_group(child: &mut Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let _ = kill_process_group(group, Signal::TERM);
    let start = Instant::now();
    while start.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &Command) -> Output {
        command.run(&mut Context::local()).unwrap()
    }

    #[test]
    fn output_code_and_input_go_through() {
        let output = run(&Command::shell("/bin/sh", "cat; echo err >&2; exit 3").input("text"));
        assert_eq!(
            (output.code, output.stdout_text().as_str(), output.stderr_text().as_str()),
            (3, "text", "err\n")
        );
    }

    #[test]
    fn more_than_a_pipe_holds_goes_both_ways() {
        let bytes = vec![b'x'; 1 << 20];
        assert_eq!(run(&Command::new("cat").input(bytes.clone())).stdout, bytes);
    }

    #[test]
    fn a_program_that_reads_nothing_is_no_failure() {
        assert_eq!(run(&Command::new("true").input(vec![b'x'; 1 << 20])).code, 0);
    }

    #[test]
    fn a_background_child_that_keeps_the_pipes_does_not_hold_us() {
        let output = run(&Command::shell("/bin/sh", "sleep 1000 & echo $!"));
        let pid = output.stdout_text().trim().parse::<i32>().unwrap();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        let _ = rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }

    #[test]
    fn the_time_limit_ends_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let command = Command::shell("/bin/sh", script).timeout(Duration::from_secs(2));
        let failure = command.run(&mut Context::local()).unwrap_err();
        assert!(failure.msg.contains("took longer than 2"), "{failure}");
        let pid = fs::read_to_string(file).unwrap();
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{state}");
    }

    #[test]
    fn a_signal_is_a_negative_code() {
        assert_eq!(run(&Command::shell("/bin/sh", "kill -9 $$")).code, -9);
    }

    #[test]
    fn umask_folder_and_environment_are_set() {
        let folder = tempfile::tempdir().unwrap();
        let command =
            Command::shell("/bin/sh", "umask; pwd; echo $A").umask(0o027).folder(folder.path()).env("A", "b");
        let text = run(&command).stdout_text();
        assert_eq!(text.lines().collect::<Vec<_>>(), ["0027", folder.path().to_str().unwrap(), "b"]);
    }

    #[test]
    fn a_missing_program_says_so_with_the_error_number() {
        let failure = Command::new("no-such-program-here").run(&mut Context::local()).unwrap_err();
        assert_eq!(failure.fields.get("rc"), Some(&data::Value::from(2)));
        assert!(failure.msg.contains("No such file or directory: b'no-such-program-here'"));
    }

    #[test]
    fn words_are_quoted_as_pythons_shlex_does() {
        for (word, quoted) in [("a-b", "a-b"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\"'\"'s'")] {
            assert_eq!(quote(word), quoted);
        }
    }
}
