//! Finds out what the Docker daemon can do, by asking and trying rather than by assuming.

use serde::{Deserialize, Serialize};

use super::docker::{Docker, Said};
use super::error::{LabError, Result};

/// Facts about the daemon, from `docker info`.
#[derive(Debug, Deserialize)]
pub(crate) struct Engine {
    /// 1 or 2; a kubelet must be told of 1.
    #[serde(rename = "CgroupVersion", default, deserialize_with = "version_number")]
    pub(crate) cgroup_version: u8,
    #[serde(rename = "ServerVersion")]
    server_version: Option<String>,
    #[serde(rename = "ServerErrors", default)]
    server_errors: Vec<String>,
}

fn version_number<'de, D: serde::Deserializer<'de>>(text: D) -> std::result::Result<u8, D::Error> {
    // Daemons before 20.10 do not say; they know version 1 only.
    Ok(String::deserialize(text)?.parse().unwrap_or(1))
}

impl Engine {
    /// Finds the docker command and asks the daemon.
    ///
    /// # Errors
    /// [`LabError::DockerMissing`], [`LabError::DaemonDown`], [`LabError::NotPermitted`], [`LabError::NotDocker`],
    /// [`LabError::DockerTooOld`].
    pub(crate) fn connect() -> Result<(Docker, Self)> {
        let docker = Docker;
        let said = docker.ask("ask the Docker daemon", &["info", "--format", "{{json .}}"])?;
        let engine = Self::parse(&said)?;
        Ok((docker, engine))
    }

    fn parse(said: &Said) -> Result<Self> {
        let Ok(engine) = serde_json::from_str::<Self>(&said.out) else { return Err(refusal(&said.err)) };
        match engine.server_version.as_ref().filter(|version| !version.is_empty()) {
            // Docker answers even when its daemon does not, and says why; what says neither is another program.
            None if engine.server_errors.is_empty() && said.ok => Err(LabError::NotDocker(said.err.clone())),
            None => Err(refusal(&format!("{}\n{}", said.err, engine.server_errors.join("\n")))),
            Some(version) if !is_new_enough(version) => Err(LabError::DockerTooOld(version.clone())),
            Some(_) => Ok(engine),
        }
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (20, 10)
}

fn refusal(said: &str) -> LabError {
    let said = said.trim().to_owned();
    if said.contains("permission denied") { LabError::NotPermitted(said) } else { LabError::DaemonDown(said) }
}

/// What a host's container is given beyond the ordinary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rights {
    /// Capabilities that hosts do not get.
    pub(crate) dropped: Vec<String>,
    /// The kernel log device, which a kubelet opens.
    pub(crate) kernel_log: bool,
    /// The machine's kernel modules, to look at and to load.
    pub(crate) modules: bool,
}

/// What a host could do harm with to the machine and to all other hosts: set the one clock, reach the hardware.
const PROTECTED: [&str; 2] = ["SYS_TIME", "SYS_RAWIO"];
/// Raising limits; virtual machines for continuous integration often run without.
const SYS_RESOURCE: &str = "SYS_RESOURCE";
const KERNEL_LOG: &str = "--device=/dev/kmsg";
const MODULES: &str = "--mount=type=bind,src=/lib/modules,dst=/lib/modules,readonly";

impl Rights {
    /// Tries what can be had: containers that only run `true`.
    ///
    /// # Errors
    /// [`LabError::RightsRefused`] if systemd could not run with any of it.
    pub(crate) fn probe(docker: &Docker, image: &str) -> Result<Self> {
        let all = Self { dropped: PROTECTED.map(str::to_owned).into(), ..Self::default() };
        // Where the daemon itself lacks a capability it cannot give it away.
        let mut without = all.clone();
        without.dropped.push(SYS_RESOURCE.into());
        let mut rights = all.clone();
        if let Err(first) = all.accepted(docker, image)? {
            if without.accepted(docker, image)?.is_err() {
                return Err(LabError::RightsRefused(first));
            }
            rights = without;
        }
        let with_log = Self { kernel_log: true, ..rights.clone() };
        rights.kernel_log = with_log.accepted(docker, image)?.is_ok();
        let with_modules = Self { modules: true, ..rights.clone() };
        rights.modules = with_modules.accepted(docker, image)?.is_ok();
        Ok(rights)
    }

    fn accepted(&self, docker: &Docker, image: &str) -> Result<std::result::Result<(), String>> {
        let mut args = vec!["run".to_owned(), "--rm".into(), "--network=none".into()];
        args.extend(self.arguments());
        args.extend([image.to_owned(), "true".into()]);
        let said = docker.ask("try a container's rights", &args)?;
        Ok(if said.ok { Ok(()) } else { Err(said.err) })
    }

    /// Whether a host may raise its limits.
    pub(crate) fn can_raise_limits(&self) -> bool {
        !self.dropped.iter().any(|capability| capability == SYS_RESOURCE)
    }

    /// The arguments of `docker run` that give these rights.
    ///
    /// Not `--privileged`: that also hands over every device of the machine, and fails where a capability is missing.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut args: Vec<String> = [
            "--cap-add=ALL",
            "--security-opt=seccomp=unconfined",
            "--security-opt=apparmor=unconfined",
            "--security-opt=label=disable",
            "--security-opt=systempaths=unconfined",
            "--cgroupns=private",
        ]
        .map(str::to_owned)
        .into();
        args.extend(self.dropped.iter().map(|capability| format!("--cap-drop={capability}")));
        if self.kernel_log {
            args.push(KERNEL_LOG.into());
        }
        if self.modules {
            args.push(MODULES.into());
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(out: &str, err: &str) -> Said {
        Said { ok: true, out: out.into(), err: err.into() }
    }

    #[test]
    fn facts_are_read_from_docker_info() {
        let engine =
            Engine::parse(&said(r#"{"CgroupVersion":"2","ServerVersion":"27.1.0"}"#, "")).expect("facts");
        assert_eq!(engine.cgroup_version, 2);
        let engine = Engine::parse(&said(r#"{"ServerVersion":"20.10.24+dfsg1"}"#, "")).expect("facts");
        assert_eq!(engine.cgroup_version, 0, "a daemon that does not say");
    }

    #[test]
    fn a_daemon_that_cannot_be_used_is_told_apart() {
        let old = Engine::parse(&said(r#"{"CgroupVersion":"1","ServerVersion":"19.03.1"}"#, ""));
        assert!(matches!(old, Err(LabError::DockerTooOld(version)) if version == "19.03.1"));
        let down = Engine::parse(&said(
            r#"{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon"]}"#,
            "",
        ));
        assert!(matches!(down, Err(LabError::DaemonDown(said)) if said.contains("Cannot connect")));
        let refused =
            Engine::parse(&said("", "permission denied while trying to connect to the Docker daemon socket"));
        assert!(matches!(refused, Err(LabError::NotPermitted(_))));
    }

    #[test]
    fn rights_become_arguments_of_docker_run() {
        let few = Rights { dropped: vec!["SYS_RESOURCE".into()], kernel_log: true, modules: false };
        let args = few.arguments();
        for wanted in ["--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--cgroupns=private", KERNEL_LOG] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted}");
        }
        assert!(!args.iter().any(|arg| arg == MODULES || arg == "--privileged"));
    }
}
