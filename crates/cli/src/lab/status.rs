//! How the hosts of a lab are, as a table and as JSON.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::error::Result;
use super::host;
use super::state::LabHost;
use super::up::Lab;

/// What a host is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Power {
    /// It runs and its cable is in.
    Running,
    /// It runs, but its cable is pulled.
    Cut,
    /// It is shut down.
    Stopped,
    /// It was never made, or was removed by hand.
    Missing,
}

impl Power {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Cut => "cut",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
        }
    }
}

/// One host's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HostStatus {
    name: String,
    address: Ipv4Addr,
    state: Power,
    /// systemd's word (`running`, `degraded`, `starting` ...), if it could be asked.
    systemd: Option<String>,
    ssh: bool,
}

/// Looks at all hosts at the same time.
///
/// # Errors
/// Those of docker.
pub(crate) fn look(lab: &Lab) -> Result<Vec<HostStatus>> {
    let containers = host::containers(&lab.docker, &lab.name)?;
    let hosts = lab.state.hosts();
    thread::scope(|scope| {
        let looks: Vec<_> = hosts
            .into_iter()
            .map(|host| {
                let running = containers
                    .iter()
                    .find(|container| container.host == host.name)
                    .map(|found| found.running);
                scope.spawn(move || look_at(lab, host, running))
            })
            .collect();
        looks
            .into_iter()
            .map(|look| look.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn look_at(lab: &Lab, host: LabHost, running: Option<bool>) -> Result<HostStatus> {
    let mut status = HostStatus {
        name: host.name,
        address: host.address,
        state: Power::Missing,
        systemd: None,
        ssh: false,
    };
    match running {
        None => {}
        Some(false) => status.state = Power::Stopped,
        Some(true) => {
            let script = "cat /sys/class/net/eth0/carrier 2>/dev/null || echo 0; systemctl is-system-running";
            let args = ["exec", &lab.name.container(&status.name), "sh", "-c", script];
            let said = lab.docker.ask("ask a host how it is", &args)?;
            (status.state, status.systemd) = parse_answer(&said.out);
            status.ssh =
                status.state == Power::Running && host::answers_ssh(status.address, Duration::from_secs(2));
        }
    }
    Ok(status)
}

/// Understands a host's answer: the carrier (`1` or `0`), then systemd's word.
fn parse_answer(answer: &str) -> (Power, Option<String>) {
    let mut lines = answer.lines();
    let power = if lines.next() == Some("1") { Power::Running } else { Power::Cut };
    (power, lines.next().filter(|word| !word.is_empty()).map(ToOwned::to_owned))
}

/// The lab and its hosts for other programs. No password is in it: those are in the lab's own files.
pub(crate) fn json(lab: &Lab, hosts: &[HostStatus]) -> serde_json::Value {
    serde_json::json!({
        "name": lab.name.as_str(),
        "range": lab.state.range,
        "virtual_address": lab.state.vip(),
        "inventory": lab.inventory(),
        "variables": lab.variables(),
        "hosts": hosts,
    })
}

/// The table: host, address, state, systemd, ssh.
pub(crate) fn table(hosts: &[HostStatus]) -> String {
    let mut rows = vec![["host", "address", "state", "systemd", "ssh"].map(ToOwned::to_owned)];
    rows.extend(hosts.iter().map(|host| {
        [
            host.name.clone(),
            host.address.to_string(),
            host.state.word().to_owned(),
            host.systemd.clone().unwrap_or_else(|| "-".into()),
            if host.ssh { "yes" } else { "no" }.to_owned(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row: &[String; 5]| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_carrier_is_cut() {
        assert_eq!(parse_answer("1\nrunning\n"), (Power::Running, Some("running".into())));
        assert_eq!(parse_answer("0\ndegraded\n"), (Power::Cut, Some("degraded".into())));
        assert_eq!(parse_answer(""), (Power::Cut, None));
    }

    #[test]
    fn the_table_and_the_json_say_the_same() {
        let hosts = [
            HostStatus {
                name: "master1".into(),
                address: Ipv4Addr::new(172, 30, 0, 11),
                state: Power::Running,
                systemd: Some("running".into()),
                ssh: true,
            },
            HostStatus {
                name: "lb1".into(),
                address: Ipv4Addr::new(172, 30, 0, 21),
                state: Power::Stopped,
                systemd: None,
                ssh: false,
            },
        ];
        assert_eq!(
            table(&hosts),
            "host     address      state    systemd  ssh\n\
             master1  172.30.0.11  running  running  yes\n\
             lb1      172.30.0.21  stopped  -        no\n"
        );
        assert_eq!(
            serde_json::to_string(&hosts[1]).expect("JSON"),
            r#"{"name":"lb1","address":"172.30.0.21","state":"stopped","systemd":null,"ssh":false}"#
        );
    }
}
