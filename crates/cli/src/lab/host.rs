//! One host of the lab as a container: made, prepared, waited for, looked at, removed.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::docker::Docker;
use super::error::{LabError, Result};
use super::spec::LabName;
use super::state::{LabHost, LabState};

/// How long systemd and sshd may take. Many hosts may start on few cores.
const BOOT: Duration = Duration::from_secs(180);

/// Labels of everything that belongs to the lab `name` in `folder`.
pub(crate) fn labels(name: &LabName, folder: &Path) -> [String; 2] {
    [format!("taskbox.lab={}", name.as_str()), format!("taskbox.lab.folder={}", folder.display())]
}

/// A container of the lab as `docker ps` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    /// The host that it is.
    pub(crate) host: String,
    /// Whether it runs.
    pub(crate) running: bool,
    /// The state folder of its lab.
    pub(crate) folder: String,
}

/// All containers of the lab `name`, wherever its folder is.
///
/// # Errors
/// Those of docker.
pub(crate) fn containers(docker: &Docker, name: &LabName) -> Result<Vec<Container>> {
    let filter = format!("label=taskbox.lab={}", name.as_str());
    let format = "{{.Label \"taskbox.lab.host\"}}\t{{.State}}\t{{.Label \"taskbox.lab.folder\"}}";
    let list =
        docker.call("list the lab's hosts", &["ps", "--all", "--filter", &filter, "--format", format])?;
    Ok(parse_containers(&list))
}

fn parse_containers(list: &str) -> Vec<Container> {
    let container = |line: &str| {
        let mut fields = line.split('\t');
        let (host, state, folder) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Container { host: host.to_owned(), running: state == "running", folder: folder.to_owned() })
    };
    list.lines().filter_map(container).collect()
}

/// Makes a host and starts it.
///
/// # Errors
/// Those of docker.
pub(crate) fn create(
    docker: &Docker,
    name: &LabName,
    folder: &Path,
    state: &LabState,
    host: &LabHost,
) -> Result<()> {
    docker.call(&format!("create host `{}`", host.name), &create_arguments(name, folder, state, host))?;
    Ok(())
}

fn create_arguments(name: &LabName, folder: &Path, state: &LabState, host: &LabHost) -> Vec<String> {
    let mut args = vec![
        "run".to_owned(),
        "--detach".into(),
        format!("--name={}", name.container(&host.name)),
        format!("--hostname={}", host.name),
        format!("--network={}", name.prefix()),
        format!("--ip={}", host.address),
        format!("--label=taskbox.lab.host={}", host.name),
        // systemd's word for an orderly shutdown.
        "--stop-signal=SIGRTMIN+3".into(),
        "--stop-timeout=60".into(),
        // `reboot` in the host ends the container by a signal; it then comes back, as does all of the lab with its machine.
        "--restart=on-failure".into(),
        "--tmpfs=/run".into(),
        "--tmpfs=/run/lock".into(),
        "--tmpfs=/tmp:exec".into(),
        // An anonymous volume, filled from the image: containerd's overlay mounts do not stack on a container's own.
        "--volume=/var".into(),
        format!("--env=LAB_NAMESERVERS={}", state.nameservers.join(" ")),
    ];
    args.extend(labels(name, folder).map(|label| format!("--label={label}")));
    if state.cgroup_version == 1 {
        // There a container cannot allow its children more devices than it has, and a privileged pod (kube-proxy) is allowed all.
        args.push("--device-cgroup-rule=a *:* rwm".into());
    }
    args.extend(state.rights.arguments());
    args.push(state.image.clone());
    args
}

/// Starts a stopped host.
///
/// # Errors
/// Those of docker.
pub(crate) fn start(docker: &Docker, name: &LabName, host: &str) -> Result<()> {
    docker.call(&format!("start host `{host}`"), &["start", &name.container(host)]).map(drop)
}

/// Shuts a host down as its power button would.
///
/// # Errors
/// Those of docker.
pub(crate) fn stop(docker: &Docker, name: &LabName, host: &str) -> Result<()> {
    docker.call(&format!("stop host `{host}`"), &["stop", &name.container(host)]).map(drop)
}

/// Removes a host with its data.
///
/// # Errors
/// Those of docker.
pub(crate) fn remove(docker: &Docker, name: &LabName, host: &str) -> Result<()> {
    docker
        .call(&format!("remove host `{host}`"), &["rm", "--force", "--volumes", &name.container(host)])
        .map(drop)
}

/// Sets the passwords and the lab's key. They go through a pipe: the arguments of a command can be seen by everybody.
///
/// # Errors
/// Those of docker.
pub(crate) fn prepare(
    docker: &Docker,
    name: &LabName,
    state: &LabState,
    host: &str,
    public_key: &str,
) -> Result<()> {
    const SCRIPT: &str = r#"
        set -eu
        read -r root_password; read -r ops_password; read -r key
        # A host that has them already stays as it is: a new hash would change /etc/shadow each time.
        done=/root/.taskbox-lab
        want=$(printf '%s\n' "$root_password" "$ops_password" "$key" | sha256sum)
        [ "$(cat "$done" 2>/dev/null)" != "$want" ] || exit 0
        printf 'root:%s\nops:%s\n' "$root_password" "$ops_password" | chpasswd
        for user in root ops; do
            home=$(getent passwd "$user" | cut -d: -f6)
            install -d -m 700 -o "$user" -g "$user" "$home/.ssh"
            printf '%s\n' "$key" >"$home/.ssh/authorized_keys"
            chown "$user:$user" "$home/.ssh/authorized_keys"
        done
        (umask 077; printf '%s\n' "$want" >"$done")"#;
    let input = format!("{}\n{}\n{}\n", state.root_password, state.ops_password, public_key.trim());
    let args = ["exec", "--interactive", &name.container(host), "sh", "-c", SCRIPT];
    docker.call_with(&format!("set the passwords of host `{host}`"), &args, input.as_bytes(), BOOT).map(drop)
}

/// Waits until systemd has started everything; gives the names of units that failed.
///
/// # Errors
/// [`LabError::NotBooted`]; those of docker.
pub(crate) fn wait_booted(docker: &Docker, name: &LabName, host: &str) -> Result<Vec<String>> {
    let container = name.container(host);
    let begin = Instant::now();
    loop {
        let asked = ["exec", &container, "systemctl", "is-system-running", "--wait"];
        let said = docker.ask("ask systemd", &asked)?;
        match said.out.trim() {
            "running" => return Ok(Vec::new()),
            "degraded" => return failed_units(docker, &container),
            _ if begin.elapsed() < BOOT => thread::sleep(Duration::from_millis(200)),
            state => {
                let logs = docker.ask("read the log of a host", &["logs", "--tail", "15", &container])?;
                return Err(LabError::NotBooted {
                    host: host.to_owned(),
                    seconds: BOOT.as_secs(),
                    detail: format!("systemd: {state}\n{}{}{}", said.err, logs.out, logs.err),
                });
            }
        }
    }
}

fn failed_units(docker: &Docker, container: &str) -> Result<Vec<String>> {
    let args = ["exec", container, "systemctl", "list-units", "--failed", "--plain", "--no-legend"];
    let said = docker.ask("list failed units", &args)?;
    Ok(said.out.lines().filter_map(|line| line.split_whitespace().next()).map(ToOwned::to_owned).collect())
}

/// Waits until sshd greets.
///
/// # Errors
/// [`LabError::Unreachable`].
pub(crate) fn wait_ssh(host: &LabHost) -> Result<()> {
    let begin = Instant::now();
    while !answers_ssh(host.address, Duration::from_secs(2)) {
        if begin.elapsed() > Duration::from_secs(30) {
            return Err(LabError::Unreachable { host: host.name.clone(), address: host.address });
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Whether something at port 22 greets as SSH does (RFC 4253, section 4.2).
pub(crate) fn answers_ssh(address: Ipv4Addr, patience: Duration) -> bool {
    let mut greeting = [0; 4];
    TcpStream::connect_timeout(&SocketAddr::from((address, 22)), patience)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(patience))?;
            stream.read_exact(&mut greeting)
        })
        .is_ok_and(|()| &greeting == b"SSH-")
}

/// The public host keys, read from inside the host: nobody on the network can have changed them.
///
/// # Errors
/// Those of docker.
pub(crate) fn host_keys(docker: &Docker, name: &LabName, host: &str) -> Result<Vec<String>> {
    let args = ["exec", &name.container(host), "sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"];
    let keys = docker.call(&format!("read the host keys of `{host}`"), &args)?;
    // `TYPE KEY COMMENT`; the comment does not belong into known_hosts.
    let key = |line: &str| Some(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
    Ok(keys.lines().filter_map(key).collect())
}

#[cfg(test)]
mod tests {
    use super::super::spec::Counts;
    use super::super::state::tests::example;
    use super::*;

    #[test]
    fn a_host_is_created_as_a_machine_of_its_own() {
        let name = LabName::parse("a").expect("a name");
        let state = example(Counts::default());
        let host = state.host("master2").expect("there");
        let args = create_arguments(&name, Path::new("/p/.lab/a"), &state, &host);
        for wanted in [
            "--name=taskbox-lab-a-master2",
            "--hostname=master2",
            "--network=taskbox-lab-a",
            "--ip=172.30.0.12",
            "--label=taskbox.lab=a",
            "--label=taskbox.lab.folder=/p/.lab/a",
            "--label=taskbox.lab.host=master2",
            "--stop-signal=SIGRTMIN+3",
            "--cap-drop=SYS_RESOURCE",
            "--env=LAB_NAMESERVERS=192.0.2.53",
            "--device-cgroup-rule=a *:* rwm",
        ] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted}");
        }
        assert_eq!(args.last(), Some(&state.image));
        assert!(!args.iter().any(|arg| arg.contains("secret")), "no password in arguments");
    }

    #[test]
    fn containers_are_read_from_docker_ps() {
        let list = "master1\trunning\t/p/.lab/a\nlb1\texited\t/p/.lab/a\n\n";
        let found = parse_containers(list);
        assert_eq!(found.len(), 2);
        assert!(found[0].running && found[0].host == "master1");
        assert!(!found[1].running && found[1].folder == "/p/.lab/a");
    }
}
