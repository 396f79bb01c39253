//! `pip`: packages of Python, through the host's own pip.

use std::path::{Path, PathBuf};

use data::Value;

use super::pip_requirement::{Requirement, is_vcs, rejoin};
use crate::process::{Command, Output, find_program, is_executable, require_program};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, Rules, words};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "pip",
    summary: "Manages Python library dependencies",
    args: &[
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent", "latest", "forcereinstall"])
            .help("Whether the packages are to be there, to be the newest, or to be installed anew."),
        Arg::list("name", ArgType::Str)
            .help("Packages, with conditions on their versions, or addresses of them."),
        Arg::str("version").help("The version of the one package."),
        Arg::str("requirements").help("A file of requirements on the host."),
        Arg::path("virtualenv").help("A virtual environment; it is made if it is not there."),
        Arg::bool("virtualenv_site_packages")
            .default_bool(false)
            .help("Whether a new environment sees the host's packages."),
        Arg::path("virtualenv_command")
            .default_str("virtualenv")
            .help("What makes an environment, such as `python3 -m venv`."),
        Arg::str("virtualenv_python").help("The Python of a new environment; not with `venv`."),
        Arg::str("extra_args").help("More arguments for pip."),
        Arg::bool("editable").default_bool(false).help("Install in place."),
        Arg::path("chdir").help("The folder to run in."),
        Arg::path("executable").help("The pip to use."),
        Arg::str("umask").help("The umask to install with, octal."),
        Arg::bool("break_system_packages")
            .default_bool(false)
            .help("Allow packages beside those of the system's package manager."),
    ],
    rules: Rules {
        required_one_of: &[&["name", "requirements"]],
        mutually_exclusive: &[&["name", "requirements"], &["executable", "virtualenv"]],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let state = args.str("state")?;
    if state == "latest" && args.has("version") {
        return Err(Failure::new("version is incompatible with state=latest"));
    }
    let requirements = requirements(args)?;
    let mut pip = Pip::new(args, context)?;
    let made = pip.make_environment(args, context)?;
    if made && context.check {
        return Ok(Outcome::changed());
    }
    pip.find(args, context)?;
    let mut words = pip.words.clone();
    words.extend(subcommand(state).iter().map(|word| (*word).to_owned()));
    let mut extra = args.opt_str("extra_args").unwrap_or_default().to_owned();
    if args.bool("editable") && !extra.split(' ').any(|word| word == "-e") {
        extra = format!("{extra} -e").trim_start().to_owned();
    }
    words.extend(words::split(&extra)?);
    match args.opt_str("requirements") {
        Some(file) => words.extend(["-r".to_owned(), file.to_owned()]),
        None => words.extend(requirements.iter().map(|one| one.text.clone())),
    }
    if context.check {
        return pip.predict(args, &requirements, !extra.is_empty(), context);
    }
    let compare = args.has("requirements") || args.strings("name").iter().any(|name| is_vcs(name));
    let before = if compare { Some(pip.list(context)?.1.stdout) } else { None };
    let output = pip.run(&words, context)?;
    let (out, err) = (output.stdout_text(), output.stderr_text());
    let not_there = state == "absent"
        && output.code == 1
        && (out.contains("not installed") || err.contains("not installed"));
    pip.said(&output);
    if !output.ok() && !not_there {
        return Err(pip.failure(&words));
    }
    let changed = match before {
        _ if state == "absent" => out.contains("Successfully uninstalled"),
        Some(before) => pip.list(context)?.1.stdout != before,
        None => out.contains("Successfully installed"),
    };
    let given = |name: &str| args.get(name).cloned().unwrap_or(Value::Null);
    let environment =
        pip.environment.as_ref().map_or(Value::Null, |path| Value::from(path.display().to_string()));
    Ok(Outcome::new(changed || made)
        .with("cmd", words.iter().map(|word| Value::from(word.as_str())).collect::<Value>())
        .with("name", given("name"))
        .with("version", given("version"))
        .with("state", state)
        .with("requirements", given("requirements"))
        .with("virtualenv", environment)
        .with("stdout", pip.out)
        .with("stderr", pip.err))
}

fn subcommand(state: &str) -> &'static [&'static str] {
    match state {
        "absent" => &["uninstall", "-y"],
        "latest" => &["install", "-U"],
        "forcereinstall" => &["install", "-U", "--force-reinstall"],
        _ => &["install"],
    }
}

fn requirements(args: &Args) -> Result<Vec<Requirement>, Failure> {
    let names = args.strings("name");
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Requirement> = rejoin(&names).iter().map(|name| Requirement::parse(name)).collect();
    if let Some(version) = args.opt_str("version") {
        if found.len() > 1 {
            return Err(Failure::new(
                "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next \
                 to each package in 'name' argument.",
            ));
        }
        if found[0].has_conditions() {
            return Err(Failure::new(
                "The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version \
                 specifier, but remove the 'version' argument.",
            ));
        }
        found[0] = found[0].with_version(version);
    }
    Ok(found)
}

/// How pip is called, and what it has said so far.
struct Pip {
    words: Vec<String>,
    environment: Option<PathBuf>,
    folder: PathBuf,
    umask: Option<u32>,
    break_system: bool,
    out: String,
    err: String,
}

impl Pip {
    fn new(args: &Args, context: &Context) -> Result<Self, Failure> {
        let wrong = |_| Failure::new("umask must be an octal integer");
        let umask =
            args.opt_str("umask").map(|mask| u32::from_str_radix(mask, 8).map_err(wrong)).transpose()?;
        let chdir = args.opt_path("chdir");
        let environment = args.opt_path("virtualenv").map(|path| match &chdir {
            Some(folder) => folder.join(path),
            None => path,
        });
        Ok(Self {
            words: Vec::new(),
            environment,
            // Where another user's home would not be readable.
            folder: chdir.unwrap_or_else(|| context.tmpdir.clone()),
            umask,
            break_system: args.bool("break_system_packages"),
            out: String::new(),
            err: String::new(),
        })
    }

    fn run(&self, words: &[String], context: &mut Context) -> Result<Output, Failure> {
        let (program, rest) = words.split_first().ok_or_else(|| Failure::new("no command was given"))?;
        let mut command = Command::new(program).args(rest).folder(&self.folder);
        if let Some(mask) = self.umask {
            command = command.umask(mask);
        }
        if self.break_system {
            // The variable, not the option: versions of pip that do not know it pass over it.
            command = command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        if let Some(environment) = &self.environment {
            let path = context.variable("PATH").unwrap_or_default();
            command = command.env("PATH", format!("{}:{path}", environment.join("bin").display()));
        }
        command.run(context)
    }

    fn said(&mut self, output: &Output) {
        self.out.push_str(&output.stdout_text());
        self.err.push_str(&output.stderr_text());
    }

    fn failure(&self, words: &[String]) -> Failure {
        let mut msg = String::new();
        if !self.out.is_empty() {
            msg.push_str(&format!("stdout: {}", self.out));
        }
        if !self.err.is_empty() {
            msg.push_str(&format!("\n:stderr: {}", self.err));
        }
        Failure::new(msg).with("cmd", words.iter().map(|word| Value::from(word.as_str())).collect::<Value>())
    }

    /// Makes the environment if it is asked for and not there; in check mode it only says so.
    fn make_environment(&mut self, args: &Args, context: &mut Context) -> Result<bool, Failure> {
        let Some(environment) = self.environment.clone() else { return Ok(false) };
        if environment.join("bin/activate").exists() {
            return Ok(false);
        }
        if context.check {
            return Ok(true);
        }
        let asked = args.str("virtualenv_command")?;
        let mut words = words::split(asked)?;
        let first = words.first().cloned().ok_or_else(|| Failure::new("virtualenv_command is empty"))?;
        if !first.contains('/') {
            words[0] = require_program(&first, context)?.display().to_string();
        }
        if args.bool("virtualenv_site_packages") {
            words.push("--system-site-packages".to_owned());
        } else {
            let help = self.run(&[words[0].clone(), "--help".to_owned()], context)?;
            if help.stdout_text().split_whitespace().any(|word| word == "--no-site-packages") {
                words.push("--no-site-packages".to_owned());
            }
        }
        let is_venv = first == "pyvenv" || words.windows(2).any(|pair| pair[0] == "-m" && pair[1] == "venv");
        match args.opt_str("virtualenv_python") {
            Some(_) if is_venv => {
                return Err(Failure::new(
                    "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
                ));
            }
            Some(python) => words.push(format!("-p{python}")),
            None if is_venv => {}
            None => words.push(format!("-p{}", require_program("python3", context)?.display())),
        }
        words.push(environment.display().to_string());
        // The environment's own programs are not there yet.
        let inside = self.environment.take();
        let output = self.run(&words, context);
        self.environment = inside;
        let output = output?;
        self.said(&output);
        if output.ok() { Ok(true) } else { Err(self.failure(&words)) }
    }

    /// The pip of the environment, the one that is named, or that of the host's Python.
    fn find(&mut self, args: &Args, context: &mut Context) -> Result<(), Failure> {
        if let Some(environment) = &self.environment {
            let inside = ["pip3", "pip"].map(|name| environment.join("bin").join(name));
            let found = inside.iter().find(|path| is_executable(path)).ok_or_else(|| {
                Failure::new(format!(
                    "Unable to find pip in the virtualenv, {}, under any of these names: pip3, pip. Make sure pip is present in the virtualenv.",
                    environment.display()
                ))
            })?;
            self.words = vec![found.display().to_string()];
            return Ok(());
        }
        let name = match args.opt_str("executable") {
            Some(path) if Path::new(path).is_absolute() => {
                self.words = vec![path.to_owned()];
                return Ok(());
            }
            Some(name) => name,
            None => {
                let python = context.facts.get_str("ansible_python_interpreter").map(PathBuf::from);
                let python =
                    python.filter(|path| is_executable(path)).or_else(|| find_program("python3", context));
                if let Some(python) = python {
                    let python = python.display().to_string();
                    let has_pip = Command::new(&python).args(["-c", "import pip"]).run(context)?.ok();
                    if has_pip {
                        self.words = vec![python, "-m".to_owned(), "pip".to_owned()];
                        return Ok(());
                    }
                }
                "pip3"
            }
        };
        let found = find_program(name, context).ok_or_else(|| {
            Failure::new(format!("Unable to find any of {name} to use.  pip needs to be installed."))
        })?;
        self.words = vec![found.display().to_string()];
        Ok(())
    }

    /// What is installed, and the command that told it.
    fn list(&self, context: &mut Context) -> Result<(String, Output), Failure> {
        let mut last = Err(Failure::new("pip cannot list packages"));
        for subcommand in [&["list", "--format=freeze"][..], &["freeze"]] {
            let words: Vec<String> =
                self.words.iter().cloned().chain(subcommand.iter().map(|word| (*word).to_owned())).collect();
            let output = self.run(&words, context)?;
            if output.ok() {
                return Ok((words.join(" "), output));
            }
            let said = format!("stdout: {}\n:stderr: {}", output.stdout_text(), output.stderr_text());
            last = Err(Failure::new(said).with("cmd", words.join(" ")));
        }
        last
    }

    /// Check mode: what can be known without pip doing it.
    fn predict(
        mut self,
        args: &Args,
        requirements: &[Requirement],
        extra: bool,
        context: &mut Context,
    ) -> Result<Outcome, Failure> {
        let state = args.str("state")?;
        if extra || requirements.is_empty() || state == "latest" {
            return Ok(Outcome::changed());
        }
        let (command, output) = self.list(context)?;
        self.said(&output);
        let listed = output.stdout_text();
        let changed = requirements.iter().any(|one| match state {
            "present" => !one.is_in(&listed),
            "absent" => one.is_in(&listed),
            _ => false,
        });
        Ok(Outcome::new(changed).with("cmd", command).with("stdout", self.out).with("stderr", self.err))
    }
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;

    fn parsed(args: &[(&'static str, &str)]) -> Result<Vec<Requirement>, Failure> {
        let args = SPEC.parse(&args.iter().copied().collect::<Map>(), &|_| None).unwrap();
        requirements(&args)
    }

    #[test]
    fn version_goes_with_one_plain_name_only() {
        assert_eq!(parsed(&[("name", "a"), ("version", "1")]).unwrap()[0].text, "a==1");
        assert!(parsed(&[("name", "a,b"), ("version", "1")]).unwrap_err().msg.contains("ambiguous"));
        assert!(parsed(&[("name", "a>1"), ("version", "1")]).unwrap_err().msg.contains("conflicts"));
    }

    #[test]
    fn a_virtual_environment_without_pip_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::write(folder.path().join("bin/activate"), "").unwrap();
        let args = Map::from([("name", "a"), ("virtualenv", folder.path().to_str().unwrap())]);
        let result = crate::run_local(&crate::RunRequest::new("pip", args));
        assert!(
            result.get_str("msg").unwrap().starts_with("Unable to find pip in the virtualenv"),
            "{result:?}"
        );
    }
}
