//! What can go wrong with a bundle, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use data::{Diagnose, Diagnostic};

/// What went wrong with a bundle, or with what it is made from.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file of the system could not be read or written.
    #[error("cannot {action} `{}`: {error}", path.display())]
    File {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not a bundle of ours.
    #[error("`{}` is not a bundle: {reason}", path.display())]
    NotABundle {
        /// Which file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// A file in the bundle is not what its manifest says.
    #[error("`{entry}` in bundle `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// Which bundle.
        path: PathBuf,
        /// Which file in it.
        entry: String,
        /// What differs.
        reason: String,
    },
    /// Files that the manifest names are not in the bundle.
    #[error("bundle `{}` is not whole: {} of its files missing, the first is `{first}`", path.display(), are(*count))]
    Incomplete {
        /// Which bundle.
        path: PathBuf,
        /// How many files are missing.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// Something cannot go into a bundle.
    #[error("`{}` cannot go into a bundle: {reason}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Two different files want the same place.
    #[error("two different files for `{place}`: `{one}` and `{other}`")]
    Conflict {
        /// The path in the bundle.
        place: String,
        /// The first.
        one: String,
        /// The second.
        other: String,
    },
    /// A file does not have the checksum that was promised for it.
    #[error("`{what}` has the SHA-256 {found}, but `{by}` promises {promised}")]
    Checksum {
        /// The file.
        what: String,
        /// Who promised.
        by: String,
        /// What was promised.
        promised: String,
        /// What it is.
        found: String,
    },
    /// The bundle has no signature, or one of somebody else.
    #[error("bundle `{}` {reason}", path.display())]
    Untrusted {
        /// Which bundle.
        path: PathBuf,
        /// What is wrong with its signature.
        reason: String,
    },
    /// A key cannot be used.
    #[error("`{name}` is not a key for bundles: {reason}")]
    Key {
        /// The key's file, or the setting that holds it.
        name: String,
        /// Why not.
        reason: String,
    },
    /// Something did not come over the network.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// Where it should come from.
        url: String,
        /// What happened, after all tries.
        reason: String,
        /// What to do.
        help: String,
    },
    /// Something that a bundle must have is missing.
    #[error("{what}")]
    Missing {
        /// What is missing.
        what: String,
        /// What to do.
        help: String,
    },
    /// A server could not be started.
    #[error("cannot serve at {address}: {reason}")]
    Serve {
        /// Where.
        address: String,
        /// Why not.
        reason: String,
    },
}

fn are(count: usize) -> String {
    if count == 1 { "1 is".to_owned() } else { format!("{count} are") }
}

impl BundleError {
    /// Turns the system's error about a file into one that names the file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::File { action, path, error }
    }

    /// Something that cannot go in.
    pub(crate) fn unusable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), reason: reason.into() }
    }
}

impl Diagnose for BundleError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.to_string());
        vec![match self {
            Self::File { error, .. } if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                found.help("make room on that disk and run the same command again; it goes on with what is whole")
            }
            Self::File { .. } | Self::Serve { .. } => found,
            Self::NotABundle { .. } => found.help("give a file made by `taskbox bundle build`"),
            Self::Damaged { .. } | Self::Incomplete { .. } => {
                found.help("copy the bundle again and compare its SHA-256 with the original's; nothing of it was used")
            }
            Self::Unusable { .. } => found.help("take it out of the folder, or replace it"),
            Self::Conflict { .. } => found.help("a bundle holds one version of everything; keep one of the two"),
            Self::Checksum { .. } => found.help("get the file again from where it came from; nothing of it was used"),
            Self::Untrusted { .. } => {
                found.help("get the bundle from where the key's owner keeps it, or correct `bundle_public_key`; nothing of it was used")
            }
            Self::Key { .. } => found.help("`taskbox bundle key FILE` makes a pair of keys"),
            Self::Fetch { help, .. } | Self::Missing { help, .. } => found.help(help.clone()),
        }]
    }
}
