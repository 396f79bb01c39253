//! `async`: a module as a job of its host, which goes on without us; `async_status`, and the waiting that `poll` asks for.

use std::time::{Duration, Instant};

use data::{Map, Value};
use modules::job::Job;
use playbook::short_name;

use super::ActionCall;
use crate::connection::{Call, Connection};
use crate::task::attempts::pause;
use crate::task::outcome::is_true;
use crate::trouble::Trouble;

/// How soon after the start a job is first looked at. Ansible waits a whole `poll`.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// What a job says whose time was up.
const OVER: &str = "Timeout exceeded";

/// Beyond its own limit a job is given this long to say so.
const GRACE: Duration = Duration::from_secs(10);

/// `async_status`: asks the module, and tells it where the jobs are.
pub(super) fn status(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let mut args = call.args.clone();
    args.insert("_async_dir", folder(call)?);
    let mut result = call.module("async_status", args, Vec::new())?;
    complete(&mut result);
    for text in ["stdout", "stderr"] {
        if !result.contains_key(text) {
            result.insert(text, "");
            result.insert(format!("{text}_lines"), Value::List(data::List::default()));
        }
    }
    Ok(result)
}

impl ActionCall<'_> {
    /// Whether a module runs as a job. What an action asks of the target before its real work is waited for.
    pub(super) fn is_job(&self, module: &str) -> bool {
        let module = short_name(module);
        let helps = matches!(module, "setup" | "ping" | "file" | "stat") && module != short_name(&self.name);
        let gathers = module == "setup" && short_name(&self.name) == "gather_facts";
        self.keywords.async_seconds > 0 && module != "async_status" && (gathers || !helps)
    }

    /// Begins the call as a job; with `poll` waits for it.
    pub(super) fn job(&self, connection: &dyn Connection, mut call: Call) -> Result<Map, Trouble> {
        let folder = folder(self)?;
        let job = Job { id: new_id(), seconds: self.keywords.async_seconds, folder };
        let (id, become_as) = (job.id.clone(), call.become_as.clone());
        call.request.job = Some(job);
        call.timeout = None;
        let mut begun = connection.run(&call, &mut |_| {})?;
        complete(&mut begun);
        if self.keywords.poll == 0 || is_true(&begun, "failed") {
            return Ok(begun);
        }
        let ask = |mode: &str| {
            let args = Map::from([
                ("jid", Value::from(id.as_str())),
                ("mode", mode.into()),
                ("_async_dir", call.request.job.as_ref().map_or("", |job| job.folder.as_str()).into()),
            ]);
            let mut asking = Call::new("async_status", args);
            asking.become_as.clone_from(&become_as);
            connection.run(&asking, &mut |_| {})
        };
        let result = self.wait_for(&id, &|| ask("status"))?;
        // Its file is of no more use; one that stays does no harm.
        let _ = ask("cleanup");
        Ok(result)
    }

    /// Looks at a job until it is finished. What breaks the connection meanwhile does not end the wait.
    fn wait_for(
        &self,
        id: &str,
        status: &dyn Fn() -> Result<Map, crate::connection::ConnectionError>,
    ) -> Result<Map, Trouble> {
        let interval = Duration::from_secs(self.keywords.poll);
        let limit = Duration::from_secs(self.keywords.async_seconds);
        let start = Instant::now();
        let mut step = FIRST_LOOK.min(interval);
        let mut next_word = interval;
        loop {
            pause(step, &self.job.shared.options.interrupt);
            let looked = status();
            let late = start.elapsed() > limit + GRACE || self.job.shared.options.interrupt.is_set();
            match looked {
                Ok(mut result) => {
                    complete(&mut result);
                    if is_true(&result, "finished") && result.get_str("msg") == Some(OVER) {
                        return Err(self.not_in_time(id));
                    }
                    if is_true(&result, "finished") {
                        let word = if is_true(&result, "failed") { "FAILED" } else { "OK" };
                        self.job.tell(0, format!("ASYNC {word} on {}: jid={id}", self.job.host));
                        return Ok(result);
                    }
                    if start.elapsed() >= next_word {
                        next_word += interval;
                        self.job.send_poll(&result, self.keywords);
                    }
                }
                Err(error) if late => return Err(error.into()),
                Err(_) => {}
            }
            if late {
                return Err(self.not_in_time(id));
            }
            step = (step * 2).min(interval);
        }
    }
}

impl ActionCall<'_> {
    /// A job that was ended because its time was up.
    fn not_in_time(&self, id: &str) -> Trouble {
        self.job.tell(0, format!("ASYNC FAILED on {}: jid={id}", self.job.host));
        let seconds = self.keywords.async_seconds;
        let empty = || Value::List(data::List::default());
        let result = Map::from([
            ("started", Value::from(true)),
            ("finished", false.into()),
            ("stdout", "".into()),
            ("stderr", "".into()),
            ("stdout_lines", empty()),
            ("stderr_lines", empty()),
            ("ansible_job_id", id.into()),
        ]);
        let msg = format!("async task did not complete within the requested time - {seconds}s");
        Trouble::raised(msg).with("async_result", Value::from(result))
    }
}

/// Ansible's `started` and `finished` are booleans.
fn complete(result: &mut Map) {
    for field in ["started", "finished"] {
        let flag = is_true(result, field);
        result.insert(field, flag);
    }
}

/// Where jobs keep their results: `ANSIBLE_ASYNC_DIR` of the task's environment, or `ansible_async_dir`.
fn folder(call: &ActionCall<'_>) -> Result<String, Trouble> {
    let environment = call.keywords.environment.iter().find(|(name, _)| name == "ANSIBLE_ASYNC_DIR");
    if let Some((_, folder)) = environment {
        return Ok(folder.clone());
    }
    let variable = call.target_scope().variable("ansible_async_dir").map_err(Trouble::template)?;
    Ok(variable
        .as_ref()
        .and_then(crate::task::finalized::shown)
        .unwrap_or_else(|| "~/.ansible_async".to_owned()))
}

/// A name that no other job has: `j` and digits, as Ansible makes them.
fn new_id() -> String {
    format!("j{}.{}", super::job_number(), std::process::id())
}
