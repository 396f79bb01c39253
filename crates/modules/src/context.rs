//! What surrounds a module's run: check mode, environment, content that was sent along, and the way to tell how far it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use data::Map;
use serde::{Deserialize, Serialize};

use crate::{BlobStore, Failure};

/// The surroundings of one run of one module.
pub struct Context {
    /// Say what would change and change nothing.
    pub check: bool,
    /// The user wants to see diffs.
    pub diff: bool,
    /// How many `-v`.
    pub verbosity: u8,
    /// The task's `environment`, over the agent's own.
    pub environment: Vec<(String, String)>,
    /// The shell of `shell` and of modules that need one (`ansible_shell_executable`).
    pub shell: String,
    /// Content sent along, by its SHA-256.
    pub blobs: Arc<BlobStore>,
    /// Where temporary files that need no particular place go; exists, mode 0700.
    pub tmpdir: PathBuf,
    /// The agent's own program, to run something in a process of its own.
    pub program: Option<PathBuf>,
    /// Facts the controller already knows of this host, for modules that choose by them (`service`, `package`); may be empty.
    pub facts: Map,
    /// Remarks collected so far; they end in the result.
    pub warnings: Vec<String>,
    /// Set when the controller no longer wants the result.
    pub cancel: Cancel,
    /// Receives live output.
    pub progress: Box<dyn FnMut(Progress) + Send>,
}

impl Context {
    /// Surroundings in this process: nothing sent along, nobody listening.
    pub fn local() -> Self {
        Self {
            check: false,
            diff: false,
            verbosity: 0,
            environment: Vec::new(),
            shell: "/bin/sh".to_string(),
            blobs: Arc::new(BlobStore::default()),
            tmpdir: std::env::temp_dir(),
            program: None,
            facts: Map::new(),
            warnings: Vec::new(),
            cancel: Cancel::default(),
            progress: Box::new(|_| ()),
        }
    }

    /// Adds a remark for the user.
    pub fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// A variable of the environment, the task's before the agent's.
    pub fn variable(&self, name: &str) -> Option<String> {
        let own = self.environment.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var(name).ok())
    }

    /// Ends a long wait early when the controller has gone.
    ///
    /// # Errors
    /// `canceled`, once it has.
    pub fn go_on(&self) -> Result<(), Failure> {
        if self.cancel.is_set() { Err(Failure::new("canceled")) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("check", &self.check)
            .field("diff", &self.diff)
            .finish_non_exhaustive()
    }
}

/// A flag shared between who waits and who tells it to stop.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells it to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Allows the next run.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether it was told to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Something worth showing before the result is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Bytes of standard output.
    Stdout(Vec<u8>),
    /// Bytes of standard error.
    Stderr(Vec<u8>),
    /// A line of what goes on.
    Note(String),
}
