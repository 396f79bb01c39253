//! Brings a lab to what was asked for, from whatever there is: nothing, half a lab, stopped hosts, or all of it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::cable::{self, Cable};
use super::docker::Docker;
use super::engine::{Engine, Rights};
use super::error::{LabError, Result};
use super::host::{self, Container};
use super::inventory_file::{self, Login};
use super::lock::Lock;
use super::network;
use super::progress::Progress;
use super::spec::{LabName, LabSpec};
use super::state::{Folder, LabHost, LabState, password};
use super::{image, vars_file};

/// Hosts that boot at the same time.
const AT_ONCE: usize = 4;

/// A lab that exists.
#[derive(Debug)]
pub(crate) struct Lab {
    /// How to talk to Docker.
    pub(crate) docker: Docker,
    /// Its name.
    pub(crate) name: LabName,
    /// Its files.
    pub(crate) folder: Folder,
    /// What it is.
    pub(crate) state: LabState,
}

impl Lab {
    /// Its inventory, logging in as root.
    pub(crate) fn inventory(&self) -> PathBuf {
        self.folder.file("hosts.ini")
    }

    /// The variables that go with the inventory.
    pub(crate) fn variables(&self) -> PathBuf {
        self.folder.file("vars.yml")
    }
}

/// Makes, completes or starts the lab; does nothing where all is well. Hosts beyond the wanted counts are removed.
///
/// # Errors
/// [`LabError`]: no Docker, no image, no address range, a host that does not come up. What was made stays, and the next call goes on.
pub(crate) fn ensure_up(spec: &LabSpec, progress: &Progress) -> Result<Lab> {
    let (docker, engine) = Engine::connect()?;
    let folder = Folder(spec.folder());
    let _lock = Lock::hold(&spec.name.prefix())?;
    let builder =
        Builder { docker: &docker, name: &spec.name, folder: &folder, progress, offline: spec.offline };
    let old = folder.load()?;
    let mut containers = builder.claim()?;
    folder.create()?;
    let counts = spec.counts(old.as_ref().map(|state| state.counts));
    let range = builder.network(old.as_ref(), &mut containers)?;
    let mut state = LabState {
        counts,
        range,
        cgroup_version: engine.cgroup_version.max(1),
        ..old.unwrap_or_else(|| fresh_state(range))
    };
    let hosts = state.hosts();
    if hosts.iter().any(|host| !containers.iter().any(|container| container.host == host.name)) {
        builder.survey(&mut state)?;
    }
    folder.save(&state)?;
    let key = builder.key(&state)?;
    builder.remove_surplus(&state, &containers)?;
    let keys = builder.hosts(&state, &containers, &key)?;
    builder.write_files(&state, &keys)?;
    Ok(Lab { docker, name: spec.name.clone(), folder, state })
}

fn fresh_state(range: ipnet::Ipv4Net) -> LabState {
    LabState {
        counts: Default::default(),
        range,
        image: String::new(),
        cgroup_version: 1,
        nameservers: Vec::new(),
        rights: Rights::default(),
        open_files: None,
        root_password: password(),
        ops_password: password(),
    }
}

/// The steps of [`ensure_up`].
struct Builder<'a> {
    docker: &'a Docker,
    name: &'a LabName,
    folder: &'a Folder,
    progress: &'a Progress,
    offline: bool,
}

impl Builder<'_> {
    /// The containers that are there; makes sure that they are ours.
    fn claim(&self) -> Result<Vec<Container>> {
        let containers = host::containers(self.docker, self.name)?;
        let ours = self.folder.0.display().to_string();
        let Some(foreign) = containers.iter().find(|container| container.folder != ours) else {
            return Ok(containers);
        };
        if Path::new(&foreign.folder).join("lab.json").exists() {
            return Err(LabError::Foreign {
                name: self.name.as_str().to_owned(),
                folder: foreign.folder.clone().into(),
            });
        }
        self.progress.say("hosts: removing those of a lab whose folder is gone");
        self.remove(&containers)?;
        Ok(Vec::new())
    }

    fn remove(&self, containers: &[Container]) -> Result<()> {
        containers.iter().try_for_each(|container| host::remove(self.docker, self.name, &container.host))
    }

    /// The network's range. Hosts without the network they were made for are of no use and go.
    fn network(&self, old: Option<&LabState>, containers: &mut Vec<Container>) -> Result<ipnet::Ipv4Net> {
        let network = self.name.prefix();
        let found = network::find(self.docker, &network)?;
        match (found, old) {
            (Some(range), Some(old)) if range == old.range => return Ok(range),
            _ => self.remove(containers)?,
        }
        containers.clear();
        if found.is_some() {
            self.docker.call("remove the old network", &["network", "rm", &network])?;
        }
        let range =
            network::create(self.docker, &network, &host::labels(self.name, &self.folder.0), self.offline)?;
        self.progress.say(&format!("network: {network} {range}"));
        Ok(range)
    }

    /// What new hosts need to know: their image, their rights, their name servers.
    fn survey(&self, state: &mut LabState) -> Result<()> {
        state.image = image::ensure(self.docker, self.progress)?;
        state.rights = Rights::probe(self.docker, &state.image)?;
        // On the default network Docker hands out the machine's own name servers, without those on its loopback.
        let look = ["run", "--rm", &state.image, "sh", "-c", "ulimit -Hn; cat /etc/resolv.conf"];
        let seen = self.docker.call("look at a container", &look)?;
        state.open_files = seen.lines().next().and_then(|limit| limit.parse().ok());
        state.nameservers = nameservers(&seen);
        self.warn_of_few_watches();
        Ok(())
    }

    /// systemd watches files, and all hosts share one number of watchers: a common default, 128, does for about 15 hosts.
    fn warn_of_few_watches(&self) {
        let name = "fs.inotify.max_user_instances";
        let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap_or_default();
        if let Some(limit) = text.trim().parse::<u32>().ok().filter(|limit| *limit < 256) {
            self.progress
                .say(&format!("hosts: {name} is {limit}; if hosts do not start: `sysctl -w {name}=8192`"));
        }
    }

    /// The lab's public key; made where OpenSSH surely is: in the image.
    fn key(&self, state: &LabState) -> Result<String> {
        let public = self.folder.file("id_ed25519.pub");
        if let Ok(key) = std::fs::read_to_string(&public) {
            return Ok(key);
        }
        const SCRIPT: &str = r#"ssh-keygen -q -t ed25519 -N "" -C taskbox-lab -f /tmp/key && cat /tmp/key && cat /tmp/key.pub >&2"#;
        let run = ["run", "--rm", "--network=none", &state.image, "sh", "-c", SCRIPT];
        let said = self.docker.ask("make the lab's key", &run)?;
        if !said.ok {
            return Err(LabError::Docker { action: "make the lab's key".into(), detail: said.err });
        }
        self.folder.write("id_ed25519", &said.out)?;
        self.folder.write("id_ed25519.pub", &said.err)?;
        Ok(said.err)
    }

    fn remove_surplus(&self, state: &LabState, containers: &[Container]) -> Result<()> {
        let wanted = state.hosts();
        for container in
            containers.iter().filter(|container| !wanted.iter().any(|host| host.name == container.host))
        {
            host::remove(self.docker, self.name, &container.host)?;
            self.progress.say(&format!("{}: removed", container.host));
        }
        Ok(())
    }

    /// Brings all hosts up, some at a time, and collects their host keys. An error of one does not stop the others.
    fn hosts(
        &self,
        state: &LabState,
        containers: &[Container],
        key: &str,
    ) -> Result<Vec<(LabHost, Vec<String>)>> {
        let hosts = state.hosts();
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<(usize, Result<Vec<String>>)>> = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(hosts.len()) {
                scope.spawn(|| {
                    while let Some((index, host)) = take(&hosts, &next) {
                        let container = containers.iter().find(|container| container.host == host.name);
                        let result = self.host(state, host, container, key);
                        results
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .push((index, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(index, keys)| Ok((hosts[index].clone(), keys?))).collect()
    }

    fn host(
        &self,
        state: &LabState,
        host: &LabHost,
        container: Option<&Container>,
        key: &str,
    ) -> Result<Vec<String>> {
        let Self { docker, name, .. } = *self;
        let done = match container {
            None => {
                host::create(docker, name, &self.folder.0, state, host)?;
                "created"
            }
            Some(container) if !container.running => {
                host::start(docker, name, &host.name)?;
                "started"
            }
            Some(_) => {
                cable::set(docker, name, state, &host.name, Cable::Plugged)?;
                "was running"
            }
        };
        let failed = host::wait_booted(docker, name, &host.name)?;
        host::prepare(docker, name, state, &host.name, key)?;
        host::wait_ssh(host)?;
        let failed =
            if failed.is_empty() { String::new() } else { format!(", failed units: {}", failed.join(" ")) };
        self.progress.say(&format!("{}: {done}, answers at {}{failed}", host.name, host.address));
        host::host_keys(docker, name, &host.name)
    }

    fn write_files(&self, state: &LabState, keys: &[(LabHost, Vec<String>)]) -> Result<()> {
        let known_hosts = self.folder.file("known_hosts");
        self.folder.write("known_hosts", &inventory_file::known_hosts(keys))?;
        self.folder.write("hosts.ini", &inventory_file::hosts_ini(state, Login::Root, &known_hosts))?;
        self.folder.write("hosts-sudo.ini", &inventory_file::hosts_ini(state, Login::Sudo, &known_hosts))?;
        self.folder.write("vars.yml", &vars_file::vars_yml(state))?;
        self.folder.write("ssh_config", &inventory_file::ssh_config(state, &self.folder.0))
    }
}

fn take<'a>(hosts: &'a [LabHost], next: &AtomicUsize) -> Option<(usize, &'a LabHost)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    hosts.get(index).map(|host| (index, host))
}

/// The IPv4 name servers of a resolv.conf that a container can reach; the lab's network has no IPv6.
fn nameservers(resolv_conf: &str) -> Vec<String> {
    let server = |line: &str| line.strip_prefix("nameserver")?.trim().parse::<std::net::Ipv4Addr>().ok();
    resolv_conf
        .lines()
        .filter_map(server)
        .filter(|server| !server.is_loopback())
        .map(|server| server.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_that_a_container_cannot_reach_are_left_out() {
        let text = "# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch example\n";
        assert_eq!(nameservers(text), ["192.0.2.53"]);
    }
}
