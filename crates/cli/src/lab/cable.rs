//! Pulls a host's network cable and plugs it in again.
//!
//! The cable is the pair of virtual interfaces between the host and the network. The end on the machine's side is set
//! down: the host sees `NO-CARRIER` and keeps its addresses, as with a real cable, and not a word gets out. (Taking the
//! container off the Docker network would remove the interface; packet filters would let ARP through.)

use super::docker::Docker;
use super::error::Result;
use super::spec::LabName;
use super::state::LabState;

/// Whether the cable is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cable {
    /// `ip link set ... down`.
    Pulled,
    /// `ip link set ... up`.
    Plugged,
}

/// Pulls or plugs the cable of a running host.
///
/// # Errors
/// Those of docker.
pub(crate) fn set(docker: &Docker, name: &LabName, state: &LabState, host: &str, cable: Cable) -> Result<()> {
    let (action, word) = match cable {
        Cable::Pulled => (format!("cut host `{host}` off"), "down"),
        Cable::Plugged => (format!("heal host `{host}`"), "up"),
    };
    let other_end = ["exec", &name.container(host), "cat", "/sys/class/net/eth0/iflink"];
    let index = docker.call(&action, &other_end)?;
    // In the network namespace of the Docker daemon's machine, with the lab's own `ip`: works for any user of Docker.
    const SCRIPT: &str = r#"
        for interface in /sys/class/net/*; do
            [ "$(cat "$interface/ifindex")" != "$1" ] || exec ip link set dev "${interface##*/}" "$2"
        done
        echo "no interface $1" >&2; exit 1"#;
    let run = [
        "run",
        "--rm",
        "--network=host",
        "--cap-add=NET_ADMIN",
        &state.image,
        "sh",
        "-c",
        SCRIPT,
        "sh",
        &index,
        word,
    ];
    docker.call(&action, &run).map(drop)
}
