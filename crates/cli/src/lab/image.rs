//! The image of the lab's hosts: made once per recipe, then found again by its name.

use std::time::Duration;

use super::base;
use super::docker::Docker;
use super::error::{LabError, Result};
use super::lock::Lock;
use super::progress::Progress;
use super::recipe::Recipe;

/// How long the packages may take.
const PROVISION: Duration = Duration::from_secs(1800);

/// The name of the lab image; makes it if this machine has none of the present recipe.
///
/// # Errors
/// Those of [`base::ensure`] and of docker.
pub(crate) fn ensure(docker: &Docker, progress: &Progress) -> Result<String> {
    let recipe = Recipe::of_this_machine();
    let image = recipe.image();
    if exists(docker, &image)? {
        return Ok(image);
    }
    // Two labs that start at once make one image.
    let _lock = Lock::hold("lab-image")?;
    if exists(docker, &image)? {
        return Ok(image);
    }
    progress.say(&format!("image: making {image}"));
    let base = base::ensure(docker, recipe.mirror.as_deref(), progress)?;
    provision(docker, &recipe, &base, &image, progress)?;
    progress.say("image: made");
    Ok(image)
}

fn exists(docker: &Docker, image: &str) -> Result<bool> {
    Ok(docker.ask("look for the lab image", &["image", "inspect", image])?.ok)
}

/// Runs the provisioning script in a container of the base image and keeps the result.
fn provision(docker: &Docker, recipe: &Recipe, base: &str, image: &str, progress: &Progress) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|source| LabError::File {
        action: "write",
        path: std::env::temp_dir(),
        source,
    })?;
    recipe.write(folder.path())?;
    remove_leftovers(docker)?;
    progress.say(&format!("image: installing packages on {base}"));
    let create = ["create", "--label=taskbox.lab.build", base, "sh", "/lab-build/provision.sh"];
    let container = docker.call("create a container for the image", &create)?;
    let result = fill(docker, &container, &folder.path().display().to_string(), image);
    // Left behind it would only be in the way; the result is what counts.
    let _ = docker.ask("remove the container of the image", &["rm", "--force", "--volumes", &container]);
    result
}

/// Removes containers of image builds that were interrupted.
fn remove_leftovers(docker: &Docker) -> Result<()> {
    let list = ["ps", "--all", "--quiet", "--filter=label=taskbox.lab.build", "--filter=status=exited"];
    for container in docker.call("look for unfinished images", &list)?.lines() {
        docker.call("remove an unfinished image", &["rm", "--force", "--volumes", container])?;
    }
    Ok(())
}

fn fill(docker: &Docker, container: &str, folder: &str, image: &str) -> Result<()> {
    let copy = ["cp", &format!("{folder}/."), &format!("{container}:/lab-build")];
    docker.call("copy the recipe", &copy)?;
    docker.call_with(
        "install the packages of the lab image",
        &["start", "--attach", container],
        b"",
        PROVISION,
    )?;
    let commit = [
        "commit",
        "--change=CMD [\"/usr/local/sbin/lab-init\"]",
        "--change=ENV container=docker",
        container,
        image,
    ];
    docker.call_with("keep the lab image", &commit, b"", PROVISION)?;
    Ok(())
}

/// Removes all lab images, of this and of earlier recipes, and the base made here. Those that a lab uses stay.
///
/// # Errors
/// Those of docker. Returns the names of the removed ones.
pub(crate) fn remove_all(docker: &Docker) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for repository in ["taskbox-lab", "taskbox-lab-base"] {
        let list = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository];
        for image in docker.call("list the lab images", &list)?.lines() {
            if docker.ask("remove a lab image", &["image", "rm", image])?.ok {
                removed.push(image.to_owned());
            }
        }
    }
    Ok(removed)
}
