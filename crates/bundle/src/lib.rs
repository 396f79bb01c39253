//! Offline bundles: one file with everything an air-gapped install needs. docs/bundles.md describes the format.
//!
//! A bundle is an ordinary tar archive. Its first entry is `manifest.json`, which names every other entry with its size and SHA-256; so a
//! reader knows what is coming before it comes, and can check each file as it passes. The second entry waits for a signature of the
//! first. The same things always give the same bytes: entries are sorted, and times and owners are left out.
//!
//! [`survey`] finds things in a folder, [`Builder`] collects and writes them, [`Bundle`] reads what was written.

mod build;
mod chart_images;
mod checksum;
mod content;
mod deb;
mod diff;
mod digest;
mod elf;
mod error;
mod identify;
mod image;
mod manifest;
mod network;
mod package_set;
mod plan;
mod read;
mod rpm;
mod serve;
mod sign;
mod wanted;

pub use build::Builder;
pub use checksum::promised as promised_checksum;
pub use content::Content;
pub use deb::packages_index;
pub use diff::{Difference, differences};
pub use error::BundleError;
pub use identify::{CNI_PLUGINS, FoundThing, PROGRAMS, Survey, survey};
pub use image::{Found as FoundImage, Reference, archive as image_archive, full_name};
pub use manifest::{Artifact, Image, Kind, Manifest, blob_path};
pub use network::{
    Client, ClientOptions, Download, Downloads, Event, Placed, Promise, Pushed, Registry, Resolve,
    image_size, places, pull, push, push_all,
};
pub use plan::{Plan, PlanInput, PlannedFile, plan};
pub use read::Bundle;
pub use rpm::rpm_repository;
pub use serve::{Access, Served, TlsFiles, serve};
pub use sign::{PublicKey, SigningKey};
pub use wanted::{Want, missing};
