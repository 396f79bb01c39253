//! What can go wrong with a bundle, and what to do about it.

use std::io;
use std::path::PathBuf;

use data::{Diagnose, Diagnostic};

/// An error about a bundle or the folder it is made from.
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
    #[error("bundle `{}` is not whole: `{}` is missing", path.display(), missing.join("`, `"))]
    Incomplete {
        /// Which bundle.
        path: PathBuf,
        /// The missing files.
        missing: Vec<String>,
    },
    /// A folder holds something that cannot go into a bundle.
    #[error("`{}` cannot go into a bundle: {reason}", path.display())]
    Unpackable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
}

impl Diagnose for BundleError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.to_string());
        vec![match self {
            Self::File { .. } => found,
            Self::NotABundle { .. } => found.help("give a file made by `taskbox bundle pack`"),
            Self::Damaged { .. } | Self::Incomplete { .. } => found.help(
                "copy the bundle again and compare its SHA-256 with the original's; nothing of it was used",
            ),
            Self::Unpackable { .. } => found
                .help("a bundle holds ordinary files and folders only; remove it or replace it by a file"),
        }]
    }
}
