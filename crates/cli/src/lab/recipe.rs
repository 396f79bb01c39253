//! The recipe of the lab image: the files of `tests/lab/` and this machine's way to Debian's packages, named by their hash.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::apt::AptSetup;
use super::error::{LabError, Result};

/// The Debian release of the hosts.
pub(crate) const SUITE: &str = "bookworm";

/// Files of `tests/lab/`: in the binary, so that an installed taskbox has a lab too.
const FILES: [(&str, &str); 5] = [
    ("provision.sh", include_str!("../../../../tests/lab/provision.sh")),
    ("packages", include_str!("../../../../tests/lab/packages")),
    ("lab-init", include_str!("../../../../tests/lab/lab-init")),
    (
        "rootfs/etc/ssh/sshd_config.d/lab.conf",
        include_str!("../../../../tests/lab/rootfs/etc/ssh/sshd_config.d/lab.conf"),
    ),
    (
        "rootfs/etc/systemd/journald.conf.d/lab.conf",
        include_str!("../../../../tests/lab/rootfs/etc/systemd/journald.conf.d/lab.conf"),
    ),
];

/// All that decides what the image holds.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// `(path, content)`, in order.
    files: Vec<(String, Vec<u8>)>,
    /// Debian's archive as this machine knows it, for debootstrap.
    pub(crate) mirror: Option<String>,
}

impl Recipe {
    /// The recipe for this machine.
    pub(crate) fn of_this_machine() -> Self {
        Self::new(AptSetup::of_this_machine(SUITE))
    }

    fn new(setup: AptSetup) -> Self {
        let mut files: Vec<(String, Vec<u8>)> =
            FILES.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        for (path, content) in setup.files {
            files.push((format!("machine{}", path.display()), content));
        }
        for (name, pem) in setup.authorities {
            files.push((format!("ca/{name}.crt"), pem));
        }
        Self { files, mirror: setup.mirror }
    }

    /// The image's name: it changes when, and only when, the recipe does.
    pub(crate) fn image(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.files {
            // Lengths keep `ab` + `c` and `a` + `bc` apart.
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(path);
            hash.update((content.len() as u64).to_le_bytes());
            hash.update(content);
        }
        let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("taskbox-lab:{SUITE}-{hash}")
    }

    /// Writes the files below `folder`.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (path, content) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, content))
                .map_err(|source| LabError::File { action: "write", path: path.clone(), source })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_named_by_what_is_in_the_recipe() {
        let plain = Recipe::new(AptSetup::default());
        assert_eq!(plain.image(), Recipe::new(AptSetup::default()).image());
        let setup = AptSetup { authorities: vec![("site".into(), b"PEM".to_vec())], ..AptSetup::default() };
        assert_ne!(plain.image(), Recipe::new(setup).image());
        assert!(plain.image().starts_with("taskbox-lab:bookworm-"), "{}", plain.image());
    }

    #[test]
    fn files_are_laid_out_as_the_provisioning_script_expects() {
        let setup = AptSetup {
            files: vec![("/etc/apt/apt.conf.d/90machine".into(), b"x".to_vec())],
            authorities: vec![("site".into(), b"PEM".to_vec())],
            mirror: None,
        };
        let dir = tempfile::tempdir().expect("a folder");
        Recipe::new(setup).write(dir.path()).expect("written");
        for path in
            ["provision.sh", "packages", "lab-init", "machine/etc/apt/apt.conf.d/90machine", "ca/site.crt"]
        {
            assert!(dir.path().join(path).is_file(), "{path}");
        }
    }
}
