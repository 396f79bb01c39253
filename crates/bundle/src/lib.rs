//! Offline bundles: one file with everything an air-gapped install needs.
//!
//! A bundle is an ordinary tar archive. Its first entry is `manifest.json`, which names every other entry with its size and SHA-256;
//! so a reader knows what is coming before it comes, and can check each file as it passes. The same folder always packs to the same
//! bytes: entries are sorted, and times and owners are left out.
//!
//! [`pack`] makes one from a folder, [`Bundle`] reads one: list it, verify it, unpack it.

mod error;
mod manifest;
mod pack;
mod read;

pub use error::BundleError;
pub use manifest::{Artifact, Manifest};
pub use pack::pack;
pub use read::Bundle;
