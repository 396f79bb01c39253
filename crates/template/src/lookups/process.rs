//! Lookups that run a command on this machine: `pipe` and `lines`.

use std::process::{Command, Stdio};

use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[
    Lookup::new("pipe", |request| run(request, "pipe", |text| vec![Val::from(text.trim_end())])),
    Lookup::new("lines", |request| {
        run(request, "lines", |text| crate::methods::lines(text, false).into_iter().map(Val::from).collect())
    }),
];

fn run(request: &mut Request<'_, '_>, name: &str, take: fn(&str) -> Vec<Val>) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    let base = request.ev.ctx.search.base();
    for term in request.text_terms()? {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&term).stdin(Stdio::null()).stderr(Stdio::inherit());
        if base.is_dir() {
            command.current_dir(base);
        }
        match command.output() {
            Ok(output) if output.status.success() => {
                found.extend(take(&String::from_utf8_lossy(&output.stdout)))
            }
            Ok(output) => {
                let code = output.status.code().unwrap_or(-1);
                return fail(format!("lookup_plugin.{name}({term}) returned {code}"));
            }
            Err(error) => return fail(format!("cannot run `{term}`: {error}")),
        }
    }
    Ok(found)
}
