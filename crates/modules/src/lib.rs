//! What changes a host, one file a module; facts; the wire's frames.
//!
//! A module is a [`ModuleSpec`]: its names, its argument table, and a function from checked [`Args`] and a [`Context`] to an [`Outcome`] or a
//! [`Failure`]. Modules look, compare and act: what is already right is left alone, and check mode stops before the act. [`find`] knows them
//! all by name, [`run_local`] runs one in this process, and [`wire`] carries requests to the agent on a target.
//!
//! Nothing here calls NSS (`getpwnam`, `getaddrinfo` ...), which crashes static binaries: [`accounts`] reads the files.

pub mod accounts;
mod args;
pub mod atomic_write;
mod base64;
mod blobs;
mod check;
mod coerce;
mod commands;
mod context;
mod crypto;
mod facts;
mod failure;
pub mod file_attributes;
mod files;
mod firewall;
pub mod hex;
pub mod job;
mod kubernetes;
pub mod mode;
mod network;
mod outcome;
mod packages;
mod paths;
pub mod process;
mod registry;
mod run;
mod services;
mod spec;
mod sums;
mod system;
pub mod wire;
pub mod words;
mod write_behind;

pub use args::Args;
pub use blobs::{Blob, BlobStore, LaidFile, Receiving};
pub use check::ArgError;
pub use coerce::boolean_word;
pub use context::{Cancel, Context, Progress};
pub use failure::Failure;
pub use files::zip_of;
pub use network::{addresses_of_getent, addresses_of_hosts_file, is_resolvable, resolve_host};
pub use outcome::{Diff, Outcome};
pub use registry::{all, find, nearest};
pub use run::{RunRequest, run_local, run_local_with};
pub use spec::{Arg, ArgType, Default, ModuleSpec, RequiredIf, Rules, Run};
pub use sums::{Sum, digest_of_file, sha1_of_file};
