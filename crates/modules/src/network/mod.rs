//! Modules that talk to the network or wait for it: downloads, web services, ports here and elsewhere.

mod content_share;
mod download;
mod get_url;
mod http;
mod listen_ports;
mod multipart;
mod netrc;
mod port_probe;
mod resolve;
mod sockets;
mod unix_socket;
mod uri;
mod wait_for;

pub use resolve::{addresses_of_getent, addresses_of_hosts_file, is_resolvable, resolve_host};

use crate::ModuleSpec;

pub(crate) use download::{download, download_to};

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &content_share::SPEC,
    &get_url::SPEC,
    &listen_ports::SPEC,
    &port_probe::SPEC,
    &uri::SPEC,
    &wait_for::SPEC,
];
