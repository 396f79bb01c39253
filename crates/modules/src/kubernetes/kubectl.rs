//! `kubectl` of the target: one call, one answer.

use std::path::{Path, PathBuf};

use data::{Map, Value, json};

use super::access::Access;
use crate::process::{self, Output};
use crate::{Args, Context, Failure};

/// The program and the way to the cluster.
#[derive(Debug)]
pub(super) struct Kubectl {
    program: PathBuf,
    access: Access,
}

/// An object by what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) kind: String,
    pub(super) api_version: String,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
}

impl Identity {
    /// `kind.version.group`, which names a kind without doubt; the group of the core is empty.
    pub(super) fn resource(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, version)) => format!("{}.{version}.{group}", self.kind),
            None => format!("{}.{}.", self.kind, self.api_version),
        }
    }

    /// The words that name it on the command line.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec![self.resource()];
        words.extend(self.name.clone());
        words.extend(self.namespace.as_ref().map(|name| format!("--namespace={name}")));
        words
    }
}

/// The program of this name, also where it is installed by hand and a `sudo` leaves the folder out of `PATH`.
///
/// # Errors
/// If it is not there.
pub(super) fn program(name: &str, context: &Context) -> Result<PathBuf, Failure> {
    let by_hand = Path::new("/usr/local/bin").join(name);
    process::find_program(name, context)
        .or_else(|| process::is_executable(&by_hand).then_some(by_hand))
        .ok_or_else(|| {
            Failure::new(format!(
                "{name} was not found on the host: the module works through it. Install it there, or run the task where it is \
                 (`delegate_to` a control plane host)"
            ))
        })
}

impl Kubectl {
    /// Finds the program and prepares the way.
    ///
    /// # Errors
    /// If the program is not there, or an argument is not supported.
    pub(super) fn new(args: &Args, context: &Context) -> Result<Self, Failure> {
        Ok(Self { program: program("kubectl", context)?, access: Access::new(args, context)? })
    }

    /// Runs it, whatever its exit code.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn run(
        &self,
        words: &[String],
        input: &str,
        context: &mut Context,
    ) -> Result<Output, Failure> {
        let command = self.access.kubectl(&self.program).args(words);
        let command = if input.is_empty() { command } else { command.input(input) };
        command.run(context)
    }

    /// The object as it is now; `None` if there is none.
    ///
    /// # Errors
    /// What the API server said.
    pub(super) fn get(&self, identity: &Identity, context: &mut Context) -> Result<Option<Map>, Failure> {
        let words = ["get", "--output=json", "--ignore-not-found"].map(str::to_owned).into_iter();
        let words: Vec<String> = words.chain(identity.words()).collect();
        let output = self.run(&words, "", context)?;
        if !output.ok() {
            return Err(refused(&output));
        }
        let text = output.stdout_text();
        if text.trim().is_empty() { Ok(None) } else { parse(&text).map(Some) }
    }
}

/// Reads an object that was printed.
///
/// # Errors
/// If it is none.
pub(super) fn parse(text: &str) -> Result<Map, Failure> {
    let value =
        json::parse(text).map_err(|error| Failure::new(format!("kubectl printed no JSON: {error}")))?;
    match value {
        Value::Map(mut object) => {
            forget_managed_fields(&mut object);
            Ok(object)
        }
        _ => Err(Failure::new("kubectl printed no object")),
    }
}

/// Who manages which field changes with every call and is nobody's wish; releases before 1.21 print it unasked.
fn forget_managed_fields(object: &mut Map) {
    if let Some(Value::Map(mut metadata)) = object.get("metadata").cloned() {
        metadata.remove("managedFields");
        object.insert("metadata", metadata);
    }
}

/// The server's sentence, without the words that kubectl puts before it.
pub(super) fn refused(output: &Output) -> Failure {
    let stderr = output.stderr_text();
    let lines = stderr.lines().filter(|line| !line.starts_with("Warning:"));
    let said = lines.collect::<Vec<_>>().join("\n");
    let words = said.trim().trim_start_matches("error: ").trim_start_matches("Error from server ").to_owned();
    Failure::new(words).with("rc", output.code).with("stderr", stderr)
}

/// Whether the cluster does not know the kind.
pub(super) fn is_unknown_kind(failure: &Failure) -> bool {
    [
        "the server doesn't have a resource type",
        "no matches for kind",
        "could not find the requested resource",
    ]
    .iter()
    .any(|words| failure.msg.contains(words))
}

/// Remarks of the API server.
pub(super) fn warnings(output: &Output) -> Vec<String> {
    output
        .stderr_text()
        .lines()
        .filter_map(|line| line.strip_prefix("Warning: "))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_with_version_and_group() {
        let of = |api_version: &str| Identity {
            kind: "Thing".into(),
            api_version: api_version.into(),
            name: Some("x".into()),
            namespace: Some("n".into()),
        };
        assert_eq!(of("v1").words(), ["Thing.v1.", "x", "--namespace=n"]);
        assert_eq!(of("apps/v1").resource(), "Thing.v1.apps");
        assert_eq!(of("networking.k8s.io/v1").resource(), "Thing.v1.networking.k8s.io");
    }

    /// The sentences are those of kubectl 1.33.
    #[test]
    fn the_servers_sentence_is_shown() {
        let output =
            |stderr: &str| Output { code: 1, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() };
        let failure = refused(&output("Error from server (NotFound): namespaces \"x\" not found\n"));
        assert_eq!(failure.msg, "(NotFound): namespaces \"x\" not found");
        let failure = refused(&output("error: the server doesn't have a resource type \"Foo\"\n"));
        assert!(is_unknown_kind(&failure));
        assert_eq!(
            warnings(&output("Warning: policy/v1beta1 is deprecated\n")),
            ["policy/v1beta1 is deprecated"]
        );
    }
}
