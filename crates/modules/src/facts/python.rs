//! The facts about the host's Python, for playbooks that call one. taskbox has no use for it: a host without it lacks these facts.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use data::{Map, Value};

use super::files;
use crate::Context;
use crate::process::{Command, is_executable};

/// What the interpreter is asked; without site packages it answers in about ten milliseconds.
const QUESTION: &str =
    "import sys; print(sys.executable); print(sys.implementation.name); print(*sys.version_info, sep='\\n')";
/// Where systems keep a Python that is in no search path.
const ELSEWHERE: [&str; 2] = ["/usr/libexec/platform-python", "/usr/bin/python"];

/// A question to the host's Python that is answered while other facts are gathered.
pub(super) struct Asked(JoinHandle<Map>);

impl Asked {
    /// Asks the interpreter that the inventory names, else the first that is found.
    pub(super) fn begin(interpreter: Option<&str>, environment: &[(String, String)]) -> Option<Self> {
        let program = choose(interpreter)?;
        let environment = environment.to_vec();
        Some(Self(std::thread::spawn(move || ask(&program, environment).unwrap_or_default())))
    }

    /// `python` and `python_version`; nothing if the interpreter did not answer.
    pub(super) fn facts(self) -> Map {
        self.0.join().unwrap_or_default()
    }
}

fn choose(interpreter: Option<&str>) -> Option<PathBuf> {
    let named = interpreter.filter(|name| !name.starts_with("auto"));
    match named {
        Some(name) if name.contains('/') => Some(PathBuf::from(name)).filter(|path| is_executable(path)),
        Some(name) => files::program(name),
        None => files::program("python3").or_else(|| {
            ELSEWHERE.into_iter().map(Path::new).find(|path| is_executable(path)).map(Path::to_owned)
        }),
    }
}

fn ask(program: &Path, environment: Vec<(String, String)>) -> Option<Map> {
    let mut context = Context { environment, ..Context::local() };
    let asked = Command::new(program).args(["-I", "-S", "-c", QUESTION]).timeout(Duration::from_secs(5));
    let output = asked.run(&mut context).ok().filter(crate::process::Output::ok)?;
    read(&output.stdout_text())
}

/// The answer's lines: path, kind, then the five parts of the version.
fn read(answer: &str) -> Option<Map> {
    let mut lines = answer.lines();
    let (executable, kind) = (lines.next()?, lines.next()?);
    let parts: Vec<Value> =
        lines.map(|part| part.parse::<i64>().map_or_else(|_| Value::from(part), Value::from)).collect();
    let names = ["major", "minor", "micro", "releaselevel", "serial"];
    let version: Map = names.into_iter().zip(parts.iter().cloned()).collect();
    let number = |name: &str| version.get(name).and_then(Value::as_int);
    let (major, minor, micro) = (number("major")?, number("minor")?, number("micro")?);
    let python = Map::from([
        ("executable", Value::from(executable)),
        // Every Python 3 that can be met has it.
        ("has_sslcontext", (major >= 3).into()),
        ("type", kind.into()),
        ("version", version.clone().into()),
        ("version_info", parts.into()),
    ]);
    Some(Map::from([
        ("python", Value::from(python)),
        ("python_version", format!("{major}.{minor}.{micro}").into()),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_ansibles_facts() {
        let facts = read("/usr/bin/python3\ncpython\n3\n11\n2\nfinal\n0\n").unwrap();
        assert_eq!(facts.get_str("python_version"), Some("3.11.2"));
        let python = facts.get("python").unwrap();
        assert_eq!(python.get("executable"), Some(&Value::from("/usr/bin/python3")));
        assert_eq!(python.get("version").unwrap().get("releaselevel"), Some(&Value::from("final")));
        assert_eq!(python.get("version_info").unwrap().as_list().unwrap().len(), 5);
    }

    #[test]
    fn a_host_without_python_has_no_such_facts() {
        assert!(Asked::begin(Some("/no/such/python"), &[]).is_none());
        assert_eq!(read("segmentation fault\n"), None);
    }
}
