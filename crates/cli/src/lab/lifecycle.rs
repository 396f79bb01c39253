//! What can be done to a lab that exists: stop, start, cut, heal and reset hosts, log in, take it down.

use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use super::cable::{self, Cable};
use super::docker::Docker;
use super::engine::Engine;
use super::error::{LabError, Result};
use super::lock::Lock;
use super::progress::Progress;
use super::spec::{LabName, LabSpec};
use super::state::{Folder, LabHost};
use super::up::{Lab, ensure_up};
use super::{host, image};

impl Lab {
    /// The lab of this name in this project.
    ///
    /// # Errors
    /// [`LabError::NoLab`]; those of [`Engine::connect`].
    pub(crate) fn find(spec: &LabSpec) -> Result<Self> {
        let (docker, _) = Engine::connect()?;
        let folder = Folder(spec.folder());
        let Some(state) = folder.load()? else {
            return Err(LabError::NoLab { name: spec.name.as_str().to_owned(), folder: folder.0 });
        };
        Ok(Self { docker, name: spec.name.clone(), folder, state })
    }

    /// Shuts a host down; its address and its data stay.
    ///
    /// # Errors
    /// [`LabError::NoHost`]; those of docker.
    pub(crate) fn stop(&self, name: &str) -> Result<()> {
        let host = self.state.host(name)?;
        let _lock = Lock::hold(&self.name.prefix())?;
        host::stop(&self.docker, &self.name, &host.name)
    }

    /// Starts a stopped host and waits until it answers.
    ///
    /// # Errors
    /// [`LabError::NoHost`], [`LabError::NotBooted`], [`LabError::Unreachable`]; those of docker.
    pub(crate) fn start(&self, name: &str) -> Result<LabHost> {
        let host = self.state.host(name)?;
        let _lock = Lock::hold(&self.name.prefix())?;
        host::start(&self.docker, &self.name, &host.name)?;
        host::wait_booted(&self.docker, &self.name, &host.name)?;
        host::wait_ssh(&host)?;
        Ok(host)
    }

    /// Pulls or plugs the network cable of a running host.
    ///
    /// # Errors
    /// [`LabError::NoHost`], [`LabError::WrongState`] for a host that does not run; those of docker.
    pub(crate) fn set_cable(&self, name: &str, cable: Cable) -> Result<()> {
        let host = self.state.host(name)?;
        let _lock = Lock::hold(&self.name.prefix())?;
        let containers = host::containers(&self.docker, &self.name)?;
        if !containers.iter().any(|container| container.host == host.name && container.running) {
            return Err(LabError::WrongState {
                help: format!("start it: `taskbox lab start {}`", host.name),
                host: host.name,
                state: "not running".into(),
            });
        }
        cable::set(&self.docker, &self.name, &self.state, &host.name, cable)
    }

    /// Runs `ssh` with the lab's configuration. `target` is a host's name, with `USER@` before it if it is not root.
    ///
    /// # Errors
    /// [`LabError::NoHost`], [`LabError::NoSsh`].
    pub(crate) fn ssh(&self, target: &str, command: &[OsString]) -> Result<ExitStatus> {
        let name = target.rsplit_once('@').map_or(target, |(_, host)| host);
        self.state.host(name)?;
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(self.folder.file("ssh_config")).arg(target).args(command);
        ssh.status().map_err(LabError::NoSsh)
    }
}

/// Makes hosts anew, as they were when the lab was made; all of them if `names` is empty. Passwords and addresses stay.
///
/// # Errors
/// [`LabError::NoLab`], [`LabError::NoHost`]; those of [`ensure_up`].
pub(crate) fn reset(spec: &LabSpec, names: &[String], progress: &Progress) -> Result<Lab> {
    let lab = Lab::find(spec)?;
    let mut hosts = names.iter().map(|name| lab.state.host(name)).collect::<Result<Vec<_>>>()?;
    if hosts.is_empty() {
        hosts = lab.state.hosts();
    }
    let lock = Lock::hold(&spec.name.prefix())?;
    let existing = host::containers(&lab.docker, &lab.name)?;
    for host in hosts.iter().filter(|host| existing.iter().any(|container| container.host == host.name)) {
        host::remove(&lab.docker, &lab.name, &host.name)?;
    }
    drop(lock);
    ensure_up(spec, progress)
}

/// What [`down`] removed.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// Hosts.
    pub(crate) hosts: Vec<String>,
    /// Images, if asked for.
    pub(crate) images: Vec<String>,
}

/// Removes the lab's hosts with their data, its network and its files; with `images` the lab images too.
///
/// # Errors
/// [`LabError::Foreign`] for a lab of another project; those of docker.
pub(crate) fn down(spec: &LabSpec, images: bool) -> Result<Removed> {
    let (docker, _) = Engine::connect()?;
    let folder = Folder(spec.folder());
    let _lock = Lock::hold(&spec.name.prefix())?;
    let mut removed = Removed::default();
    let ours = folder.0.display().to_string();
    for container in host::containers(&docker, &spec.name)? {
        if container.folder != ours && std::path::Path::new(&container.folder).join("lab.json").exists() {
            return Err(LabError::Foreign {
                name: spec.name.as_str().to_owned(),
                folder: container.folder.into(),
            });
        }
        host::remove(&docker, &spec.name, &container.host)?;
        removed.hosts.push(container.host);
    }
    remove_network(&docker, &spec.name)?;
    folder.remove()?;
    if images {
        removed.images = image::remove_all(&docker)?;
    }
    Ok(removed)
}

fn remove_network(docker: &Docker, name: &LabName) -> Result<()> {
    let network = name.prefix();
    if docker.ask("look for the network", &["network", "inspect", &network])?.ok {
        docker.call("remove the network", &["network", "rm", &network])?;
    }
    Ok(())
}
