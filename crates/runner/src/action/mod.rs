//! Actions: what runs on the controller for a task. One file each; whatever is not in the table is a module that runs on the target.

mod add_host;
mod argument_spec;
mod arguments;
mod assemble;
mod assert;
mod asynchronous;
mod copy;
mod copy_folder;
mod debug;
mod dispatch;
mod fail;
mod fetch;
mod foreign_module;
mod gather_facts;
mod group_by;
pub(crate) mod groups;
mod include_vars;
mod k8s;
mod pause;
mod push_images;
mod raw;
mod reboot;
mod script;
mod set_fact;
mod set_stats;
mod synchronize;
mod template;
mod unarchive;
mod validate_argument_spec;
mod wait_for_connection;

use std::sync::Arc;
use std::time::Duration;

use data::{Map, Text, Value};
use playbook::{Task, short_name};

use crate::connection::{Become, Call, Connection, ConnectionError, Content};
use crate::event::HostName;
use crate::module::file;
use crate::task::ahead::Ahead;
use crate::task::finalized::{Finalized, shown};
use crate::task::life::Job;
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

pub(crate) use arguments::arguments;

/// An action that runs on the controller.
pub(crate) struct ActionSpec {
    /// Its short name.
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    /// Arguments that it renders or evaluates itself.
    pub(crate) unrendered: &'static [&'static str],
    /// Whether it takes free text (`_raw_params`).
    pub(crate) free_text: bool,
    /// Whether it runs once for all hosts, as with `run_once`.
    pub(crate) once: bool,
    /// The names of its arguments; empty takes any, and `None` leaves the check to the module of the same name.
    pub(crate) args: Option<&'static [&'static str]>,
    /// Whether it may run with `async`.
    pub(crate) asynchronous: bool,
    /// What it does.
    pub(crate) run: fn(&ActionCall<'_>) -> Result<Map, Trouble>,
}

const PLAIN: ActionSpec = ActionSpec {
    name: "",
    aliases: &[],
    unrendered: &[],
    free_text: false,
    once: false,
    args: Some(&[]),
    asynchronous: false,
    run: |_| Ok(Map::new()),
};

/// All actions.
static ACTIONS: &[ActionSpec] = &[
    ActionSpec { name: "add_host", free_text: true, once: true, run: add_host::run, ..PLAIN },
    ActionSpec { name: "assemble", args: None, run: assemble::run, ..PLAIN },
    ActionSpec {
        name: "assert",
        unrendered: &["that"],
        args: Some(&["that", "fail_msg", "msg", "success_msg", "quiet"]),
        run: assert::run,
        ..PLAIN
    },
    ActionSpec { name: "async_status", args: None, run: asynchronous::status, asynchronous: true, ..PLAIN },
    ActionSpec { name: "copy", args: None, run: copy::run, ..PLAIN },
    ActionSpec {
        name: "debug",
        unrendered: &["var"],
        args: Some(&["msg", "var", "verbosity"]),
        run: debug::run,
        ..PLAIN
    },
    ActionSpec { name: "fail", args: Some(&["msg"]), run: fail::run, ..PLAIN },
    ActionSpec {
        name: "fetch",
        args: Some(&["src", "dest", "flat", "fail_on_missing", "validate_checksum"]),
        run: fetch::run,
        ..PLAIN
    },
    ActionSpec { name: "gather_facts", asynchronous: true, run: gather_facts::run, ..PLAIN },
    ActionSpec {
        name: "group_by",
        free_text: true,
        args: Some(&["key", "parents"]),
        run: group_by::run,
        ..PLAIN
    },
    ActionSpec {
        name: "include_vars",
        free_text: true,
        run: include_vars::run,
        args: Some(include_vars::ARGS),
        ..PLAIN
    },
    ActionSpec { name: "k8s", args: None, run: k8s::run, ..PLAIN },
    ActionSpec { name: "package", asynchronous: true, run: dispatch::package, ..PLAIN },
    ActionSpec {
        name: "pause",
        once: true,
        args: Some(&["minutes", "seconds", "prompt", "echo"]),
        run: pause::run,
        ..PLAIN
    },
    ActionSpec {
        name: "push_images",
        aliases: &["taskbox.core.push_images"],
        args: Some(push_images::ARGS),
        run: push_images::run,
        ..PLAIN
    },
    ActionSpec { name: "raw", free_text: true, args: Some(&["executable"]), run: raw::run, ..PLAIN },
    ActionSpec { name: "reboot", args: Some(reboot::ARGS), run: reboot::run, ..PLAIN },
    ActionSpec { name: "script", free_text: true, args: Some(script::ARGS), run: script::run, ..PLAIN },
    ActionSpec { name: "service", asynchronous: true, run: dispatch::service, ..PLAIN },
    ActionSpec { name: "set_fact", free_text: true, run: set_fact::run, ..PLAIN },
    ActionSpec {
        name: "set_stats",
        args: Some(&["data", "per_host", "aggregate"]),
        run: set_stats::run,
        ..PLAIN
    },
    ActionSpec { name: "synchronize", args: None, run: synchronize::run, ..PLAIN },
    ActionSpec { name: "template", args: Some(template::ARGS), run: template::run, ..PLAIN },
    ActionSpec { name: "unarchive", args: None, run: unarchive::run, ..PLAIN },
    ActionSpec {
        name: "validate_argument_spec",
        args: Some(&["argument_spec", "provided_arguments", "validate_args_context"]),
        run: validate_argument_spec::run,
        ..PLAIN
    },
    ActionSpec {
        name: "wait_for_connection",
        args: Some(&["connect_timeout", "delay", "sleep", "timeout"]),
        run: wait_for_connection::run,
        ..PLAIN
    },
];

/// The arguments that a file, a folder and a link have in common.
pub(crate) const PATH_ARGS: &[&str] = &[
    "mode",
    "owner",
    "group",
    "seuser",
    "serole",
    "setype",
    "selevel",
    "attributes",
    "attr",
    "unsafe_writes",
    "follow",
];

/// Words that are no actions of the table but are carried out by the engine itself.
const ENGINE: [&str; 5] = ["include_tasks", "include_role", "import_tasks", "import_role", "meta"];

/// The action of this name.
pub(crate) fn find(name: &str) -> Option<&'static ActionSpec> {
    let short = short_name(name);
    ACTIONS.iter().find(|spec| spec.name == short || spec.aliases.contains(&name))
}

/// Whether a task can name it.
pub(crate) fn exists(name: &str) -> bool {
    ENGINE.contains(&short_name(name)) || find(name).is_some() || modules::find(name).is_some()
}

/// The name a person probably meant.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let names =
        ACTIONS.iter().map(|spec| spec.name).chain(ENGINE).chain(modules::all().map(|spec| spec.name));
    data::suggest::nearest(short_name(name), names)
}

/// The rendered name of a task's action.
///
/// # Errors
/// It cannot be rendered, or there is no such action.
pub(crate) fn name(task: &Task, scope: &TaskScope) -> Result<String, Trouble> {
    let written = &task.action.name;
    let rendered = if written.contains("{{") {
        let value =
            scope.resolve(&Value::Str(written.clone())).map_err(|error| Trouble::keyword("action", error))?;
        shown(&value).unwrap_or_default()
    } else {
        written.to_string()
    };
    let options = &scope.shared.options;
    if options.rejects(&rendered) {
        return Err(Trouble::failed(format!(
            "Task failed: Cannot resolve '{rendered}' to an action or module."
        )));
    }
    if exists(&rendered) || file::find(&rendered, task, options).is_some() {
        Ok(rendered)
    } else if crate::module::foreign::is_known(&rendered)
        || crate::module::foreign::file(&rendered, task, options).is_some()
    {
        let near = nearest(&rendered).map(|near| format!(" The nearest that is built in is `{near}`."));
        Err(Trouble::raised(format!(
            "Task failed: The module '{rendered}' is not built into taskbox, and its file is neither in a `library`, nor in a collection, \
             nor in an ansible-core of this machine.{}",
            near.unwrap_or_default()
        )))
    } else {
        Err(Trouble::raised(format!("Task failed: Cannot resolve '{rendered}' to an action or module.")))
    }
}

/// Whether all that the action does, besides reading files of the controller, may be to run one module whose result is its own.
pub(crate) fn asks_once(name: &str) -> bool {
    find(name).is_none_or(|spec| matches!(spec.name, "copy" | "template"))
}

/// Runs the action, or the module of that name on the target.
///
/// # Errors
/// It failed.
pub(crate) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    if let Some(answer) = call.ahead.and_then(Ahead::answer) {
        return call.finished(answer);
    }
    let task = &call.job.task;
    // A file of the user's own goes before a module of the same name, as in Ansible; a full name means the built-in one.
    let own = !call.name.contains('.')
        && crate::module::foreign::library_file(&call.name, task, &call.job.shared.options).is_some();
    if (own || !exists(&call.name))
        && let Some(file) = file::find(&call.name, task, &call.job.shared.options)
    {
        return foreign_module::run(call, &file);
    }
    if short_name(&call.name) == "shell" && call.args.contains_key("expand_argument_vars") {
        // The module of `command` would take it.
        let msg = format!("Unsupported parameters for ({}) module: expand_argument_vars", call.name);
        return Err(Trouble::raised(msg));
    }
    match find(&call.name) {
        Some(spec) if call.keywords.async_seconds > 0 && !spec.asynchronous => {
            Err(Trouble::raised(format!("This action ({}) does not support async.", call.name)))
        }
        Some(spec) => {
            refuse_unknown(spec, call)?;
            (spec.run)(call)
        }
        None => call.only_module(&call.name, call.args.clone(), Vec::new()),
    }
}

/// Arguments that the action does not have, where nobody looked at them before the run.
fn refuse_unknown(spec: &ActionSpec, call: &ActionCall<'_>) -> Result<(), Trouble> {
    let Some(known) = spec.args.filter(|known| !known.is_empty()) else { return Ok(()) };
    let names = call.args.keys().map(ToString::to_string);
    let unknown: Vec<String> =
        names.filter(|name| name != "_raw_params" && !known.contains(&name.as_str())).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Trouble::raised(format!("Invalid options for {}: {}", call.name, unknown.join(","))))
}

/// One run of an action.
#[derive(Clone)]
pub(crate) struct ActionCall<'a> {
    /// The task on its host.
    pub(crate) job: &'a Job,
    /// The action's name.
    pub(crate) name: String,
    /// Its arguments, rendered but for those that it renders itself.
    pub(crate) args: Map,
    /// The task's variables.
    pub(crate) scope: &'a TaskScope,
    /// The task's keywords.
    pub(crate) keywords: &'a Finalized,
    /// Set while its request goes out before an earlier one has answered.
    pub(crate) ahead: Option<&'a Ahead>,
}

impl ActionCall<'_> {
    /// The host it runs on.
    pub(crate) fn target(&self) -> &HostName {
        self.keywords.delegate_to.as_ref().unwrap_or(&self.job.host)
    }

    /// An argument as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.args.get(name).and_then(shown)
    }

    /// An argument as a boolean.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.args.get(name).and_then(playbook::boolean)
    }

    /// An argument as a number.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, Trouble> {
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = |_| Trouble::raised(format!("non-integer value given for {name}: '{text}'"));
        text.trim().parse().map(Some).map_err(wrong)
    }

    /// The free text.
    pub(crate) fn raw(&self) -> Option<String> {
        self.text("_raw_params")
    }

    /// The variables of the host it runs on.
    fn target_scope(&self) -> TaskScope {
        match &self.keywords.delegate_to {
            Some(host) => self.scope.for_host(host),
            None => self.scope.clone(),
        }
    }

    /// Whether anybody sees the fields of its result: a person, a log, or another task.
    pub(crate) fn is_looked_at(&self) -> bool {
        let options = &self.job.shared.options;
        options.whole_results
            || options.verbosity > 0
            || options.task_debugger
            || self.job.task.register.is_some()
    }

    /// The connection to the host it runs on.
    ///
    /// # Errors
    /// Its variables describe no usable connection.
    pub(crate) fn connection(&self) -> Result<(Arc<dyn Connection>, Option<Become>), Trouble> {
        let scope = self.target_scope();
        self.job.shared.connections.open(self.target(), &scope, self.keywords)
    }

    /// Runs a module on the target.
    ///
    /// # Errors
    /// The target cannot be reached.
    pub(crate) fn module(&self, name: &str, args: Map, contents: Vec<Content>) -> Result<Map, Trouble> {
        if self.ahead.is_some() {
            // More depends on the answer than the task's result.
            return Err(Trouble::raised("the action asks more than once"));
        }
        let (connection, call) = self.request(name, args, contents)?;
        if self.is_job(name) {
            let mut result = self.job(&*connection, call)?;
            add_lines(&mut result);
            return Ok(result);
        }
        self.finished(connection.run(&call, &mut |_| {}))
    }

    /// Runs a module on the target whose result is that of the action: what a loop over a long line asks ahead.
    ///
    /// # Errors
    /// The target cannot be reached.
    pub(crate) fn only_module(&self, name: &str, args: Map, contents: Vec<Content>) -> Result<Map, Trouble> {
        let Some(ahead) = self.ahead else { return self.module(name, args, contents) };
        let (connection, call) = self.request(name, args, contents)?;
        ahead.note(connection, call);
        Err(Trouble::raised("asked ahead"))
    }

    /// A call of a module as the task's keywords want it, and the way to the target.
    fn request(
        &self,
        name: &str,
        args: Map,
        contents: Vec<Content>,
    ) -> Result<(Arc<dyn Connection>, Call), Trouble> {
        let (connection, become_as) = self.connection()?;
        if let Some(user) = &become_as {
            self.job.tell(3, format!("<{}> EXEC {} (taskbox-agent)", self.target(), user.shown()));
        }
        if become_as.is_none() {
            self.job.tell(3, format!("<{}> EXEC the module {name}", self.target()));
        }
        let mut call = Call::new(name, args);
        call.contents = contents;
        call.become_as = become_as;
        call.request.check = self.keywords.check;
        call.request.diff = self.keywords.diff;
        call.request.verbosity = self.job.shared.options.verbosity;
        call.request.environment = self.keywords.environment.clone();
        call.timeout = self.keywords.timeout;
        if matches!(short_name(name), "pip" | "setup")
            && let Some(python) =
                self.scope.variable("ansible_python_interpreter").map_err(Trouble::template)?
        {
            // They work on a Python of the host, or tell of it, and must know which.
            call.request.facts.insert("ansible_python_interpreter", python);
        }
        Ok((connection, call))
    }

    /// A module's answer as an action's result.
    fn finished(&self, answer: Result<Map, ConnectionError>) -> Result<Map, Trouble> {
        let mut result = match answer {
            Err(ConnectionError::Timeout { limit, .. }) => return Err(timed_out(limit)),
            other => other?,
        };
        add_lines(&mut result);
        Ok(result)
    }

    /// A file of the controller that an argument names, found along the task's search path.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn file(&self, subfolder: &str, name: &str) -> Result<std::path::PathBuf, Trouble> {
        let found = self.scope.search().find(subfolder, name);
        found.ok_or_else(|| Trouble::raised(self.not_found(subfolder, name)))
    }

    /// Ansible's words for a file of the controller that is nowhere: with all places it was looked for.
    fn not_found(&self, subfolder: &str, name: &str) -> String {
        let search = self.scope.search();
        let last = ::template::SearchPath::new([self.scope.play.play.base_dir.clone()]);
        let places = search.candidates(subfolder, name).into_iter().chain(last.candidates(subfolder, name));
        let places: Vec<String> = places.map(|path| format!("\t{}", path.display())).collect();
        format!(
            "Could not find or access '{name}'\nSearched in:\n{} on the Ansible Controller.\nIf you are using a module and expect the \
             file to exist on the remote, see the remote_src option",
            places.join("\n")
        )
    }

    /// What an argument names inside the archive of the run, if there is one and the path leads into it.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub(crate) fn packed(&self, name: &str) -> Result<Option<crate::Packed>, Trouble> {
        let Some(archive) = &self.job.shared.options.packed else { return Ok(None) };
        let path = std::path::Path::new(name);
        archive.find(path).map_err(|error| Trouble::raised(format!("could not read `{name}`: {error}")))
    }

    /// Renders a value in the task's scope.
    ///
    /// # Errors
    /// It cannot be rendered.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Value, Trouble> {
        self.scope.resolve(value).map_err(Trouble::template)
    }
}

/// A task that `timeout` broke off.
pub(crate) fn timed_out(limit: Duration) -> Trouble {
    let seconds = limit.as_secs();
    let frame = Map::from([("period", Value::from(seconds))]);
    Trouble::raised(format!("Task failed: Timed out after {seconds} second(s)."))
        .with("timedout", Value::Map(frame))
}

/// Twelve digits that no other job of this host has.
fn job_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let start = now.as_micros() as u64;
    // Two tasks of the same microsecond get two numbers.
    let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_mul(7_919).wrapping_add(start);
    number % 900_000_000_000 + 100_000_000_000
}

/// `stdout_lines` and `stderr_lines` beside `stdout` and `stderr`.
fn add_lines(result: &mut Map) {
    for (text, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if result.contains_key(lines) {
            continue;
        }
        if let Some(Value::Str(said)) = result.get(text).cloned() {
            result.insert(lines, said.lines().map(Value::from).collect::<Value>());
        }
    }
}

/// Text that a user wrote as a bare expression.
fn expression(value: &Value) -> Option<Text> {
    value.as_text().cloned()
}
