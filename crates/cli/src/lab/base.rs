//! A bare Debian to build the lab image on: from an image registry, or from Debian's packages where no registry answers.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::docker::{self, Docker, RunError, last_lines};
use super::error::{LabError, Result};
use super::progress::Progress;
use super::recipe::SUITE;

/// How long a registry may take to give the base image.
const PULL: Duration = Duration::from_secs(180);
/// How long the package archive may take to give a base system.
const BOOTSTRAP: Duration = Duration::from_secs(1800);
/// The name of the base image made here.
const MADE_HERE: &str = "taskbox-lab-base";

/// The name of an image with bare Debian.
///
/// # Errors
/// [`LabError::NoBase`] if neither way is open, [`LabError::Program`] if debootstrap fails.
pub(crate) fn ensure(docker: &Docker, mirror: Option<&str>, progress: &Progress) -> Result<String> {
    let official = format!("debian:{SUITE}-slim");
    let made_here = format!("{MADE_HERE}:{SUITE}");
    for image in [&official, &made_here] {
        if docker.ask("look for the base image", &["image", "inspect", image])?.ok {
            return Ok(image.clone());
        }
    }
    progress.say(&format!("image: asking the image registry for {official}"));
    let refusal = match docker.call_with("pull the base image", &["pull", "--quiet", &official], b"", PULL) {
        Ok(_) => return Ok(official),
        Err(LabError::Docker { detail, .. }) => detail,
        Err(error) => error.to_string(),
    };
    progress.say("image: no registry answers; making the base from Debian's packages (about a minute)");
    bootstrap(docker, &made_here, mirror, &refusal, progress)?;
    Ok(made_here)
}

/// Makes the base image with debootstrap, installing that first if need be.
fn bootstrap(
    docker: &Docker,
    image: &str,
    mirror: Option<&str>,
    refusal: &str,
    progress: &Progress,
) -> Result<()> {
    let no_base = |reason: &str| LabError::NoBase { reason: reason.to_owned(), registry: refusal.to_owned() };
    if !rustix::process::geteuid().is_root() {
        return Err(no_base("debootstrap needs root"));
    }
    if !is_there("debootstrap") {
        if !is_there("apt-get") {
            return Err(no_base("this machine has neither debootstrap nor apt-get to install it"));
        }
        progress.say("image: installing debootstrap on this machine");
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "--no-install-recommends", "debootstrap", "debian-archive-keyring"]);
        program(install.env("DEBIAN_FRONTEND", "noninteractive"), BOOTSTRAP)?;
    }
    // Not /tmp: it may be in memory, or mounted without devices.
    let folder = tempfile::Builder::new().prefix("taskbox-lab-").tempdir_in("/var/tmp");
    let folder =
        folder.map_err(|source| LabError::File { action: "write", path: "/var/tmp".into(), source })?;
    let root = folder.path().join("root");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=ca-certificates", SUITE]).arg(&root).args(mirror);
    program(&mut debootstrap, BOOTSTRAP)?;
    import(docker, &root, image)
}

/// Makes an image of a folder.
fn import(docker: &Docker, root: &Path, image: &str) -> Result<()> {
    let failed =
        |source: std::io::Error| LabError::Program { program: "tar".into(), detail: source.to_string() };
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(root)
        .args(["--numeric-owner", "-c", "."])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let archive = tar.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let imported = docker.command(&["import", "-", image]).stdin(archive).output().map_err(failed)?;
    if !tar.wait().map_err(failed)?.success() || !imported.status.success() {
        let detail = String::from_utf8_lossy(&imported.stderr).into_owned();
        return Err(LabError::Docker { action: "import the base system".into(), detail });
    }
    Ok(())
}

fn is_there(program: &str) -> bool {
    // Looked up by the shell's own rules; root's path may lack the folders of administration programs.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

fn program(command: &mut Command, patience: Duration) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let result = docker::run(command.env("PATH", format!("{path}:/usr/sbin:/sbin")), b"", patience);
    let detail = match result {
        Ok(said) if said.ok => return Ok(()),
        Ok(said) => last_lines(&format!("{}\n{}", said.out, said.err), 15),
        Err(RunError::Start(error)) => error.to_string(),
        Err(RunError::Hangs) => format!("it did not end in {} s", patience.as_secs()),
    };
    Err(LabError::Program { program: name, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_on_the_path() {
        assert!(is_there("sh"));
        assert!(!is_there("no-such-program-anywhere"));
    }

    #[test]
    fn a_failing_program_is_named_with_the_end_of_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo E: no such suite >&2; exit 1"]);
        match program(&mut command, BOOTSTRAP) {
            Err(LabError::Program { program, detail }) => {
                assert_eq!(program, "sh");
                assert!(detail.contains("E: no such suite"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
    }
}
