//! Facts: what is known about a host, under Ansible's names, one family a file. Nearly all is read from `/proc`, `/sys`, `/etc` and the
//! kernel's sockets in this process; a program is run only where nothing else knows the answer.

mod collect;
mod date_time;
mod devices;
pub(crate) mod distribution;
mod dmi;
mod ethtool;
mod files;
mod identity;
mod interface;
mod kernel_line;
mod load;
mod local;
mod login;
mod lsb;
mod lvm;
pub(crate) mod managers;
mod memory;
mod mounts;
mod netlink;
mod network;
mod platform;
mod processor;
mod python;
mod release;
mod resolver;
pub(crate) mod security;
mod setup;
mod virtualization;

use std::path::PathBuf;
use std::time::Duration;

use data::Map;

use crate::process::Command;
use crate::{Context, ModuleSpec};

pub(crate) const MODULES: &[&ModuleSpec] = &[&setup::SPEC];

/// What the families share while facts are gathered.
pub(crate) struct Gather {
    /// Facts found so far, without the prefix `ansible_`.
    facts: Map,
    /// The task's environment.
    environment: Vec<(String, String)>,
    /// Where local facts lie.
    fact_path: PathBuf,
    /// How long one mount may take to answer.
    timeout: Duration,
    /// Remarks for the user.
    warnings: Vec<String>,
    /// The Python that the inventory names (`ansible_python_interpreter`).
    interpreter: Option<String>,
    /// What that Python, or the first that was found, was asked.
    python: Option<python::Asked>,
}

impl Gather {
    /// Nothing gathered yet.
    fn new(environment: Vec<(String, String)>, fact_path: PathBuf, timeout: Duration) -> Self {
        Self {
            facts: Map::new(),
            environment,
            fact_path,
            timeout,
            warnings: Vec::new(),
            interpreter: None,
            python: None,
        }
    }

    #[cfg(test)]
    fn for_test() -> Self {
        Self::new(Vec::new(), PathBuf::from("/etc/ansible/facts.d"), Duration::from_secs(10))
    }

    /// A text fact that an earlier family found; empty if it is not there.
    fn fact(&self, name: &str) -> &str {
        self.facts.get_str(name).unwrap_or_default()
    }

    /// What a program prints if it is installed and succeeds.
    fn stdout_of(&self, argv: &[&str]) -> Option<String> {
        let (program, args) = argv.split_first()?;
        let mut context = Context { environment: self.environment.clone(), ..Context::local() };
        let output = Command::new(program).args(args).plain_language().run(&mut context).ok()?;
        output.ok().then(|| output.stdout_text())
    }
}
