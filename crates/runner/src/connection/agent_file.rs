//! The agent's binaries: one per kind of machine, beside the controller's program or in cargo's target folder of a checkout.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use modules::wire::BUILD;

use super::AgentFailure;

/// Machines there may be an agent for, as `uname -m` names them.
const MACHINES: [&str; 2] = ["x86_64", "aarch64"];

/// One agent, ready to be sent.
pub(crate) struct AgentFile {
    /// `uname -m` of the machines it runs on.
    pub(crate) machine: &'static str,
    /// SHA-256 in hexadecimal; its name on hosts.
    pub(crate) hash: String,
    plain: Vec<u8>,
    packed: OnceLock<Vec<u8>>,
}

impl AgentFile {
    /// The bytes to send: the file, or its gzip form.
    pub(crate) fn bytes(&self, gzip: bool) -> &[u8] {
        if !gzip {
            return &self.plain;
        }
        // Packed once a run, by the first host that needs it.
        self.packed.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(4));
            let written = encoder.write_all(&self.plain).and_then(|()| encoder.finish());
            written.expect("a vector takes all bytes")
        })
    }

    /// Reads one that is of our build; there may be older ones of other profiles in a checkout.
    fn read(machine: &'static str, path: &Path) -> Option<Self> {
        let mut plain = fs::read(path).ok()?;
        let packed = OnceLock::new();
        if plain.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            GzDecoder::new(&plain[..]).read_to_end(&mut unpacked).ok()?;
            let _ = packed.set(std::mem::replace(&mut plain, unpacked));
        }
        memchr::memmem::find(&plain, BUILD.as_bytes())?;
        let hash = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { machine, hash, plain, packed })
    }
}

/// All agents there are.
pub(crate) struct AgentFiles {
    found: Vec<AgentFile>,
    searched: Vec<(&'static str, String)>,
    stale: Vec<(&'static str, String)>,
}

impl AgentFiles {
    /// Looks for them beside the running program; once a process.
    pub(crate) fn of_program() -> Arc<Self> {
        static FILES: OnceLock<Arc<AgentFiles>> = OnceLock::new();
        Arc::clone(FILES.get_or_init(|| {
            let program = std::env::current_exe().unwrap_or_default();
            Arc::new(Self::search(program.parent().unwrap_or(Path::new("."))))
        }))
    }

    /// Looks for them around the folder of a program.
    pub(crate) fn search(folder: &Path) -> Self {
        let mut files = Self { found: Vec::new(), searched: Vec::new(), stale: Vec::new() };
        for machine in MACHINES {
            let released = released_paths(folder, machine);
            let built = built_paths(folder, machine);
            let candidates: Vec<&PathBuf> =
                released.iter().chain(&built).filter(|path| path.is_file()).collect();
            match candidates.iter().find_map(|path| AgentFile::read(machine, path)) {
                Some(file) => files.found.push(file),
                None => files
                    .stale
                    .extend(candidates.first().map(|path| (machine, format!("`{}`", path.display())))),
            }
            // Its packed form and other profiles would only make the message longer.
            let shown = released.iter().step_by(2).chain(built.first());
            files.searched.extend(shown.map(|path| (machine, format!("`{}`", path.display()))));
        }
        files
    }

    /// The agents, each with its machine and hash.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &AgentFile> {
        self.found.iter()
    }

    /// The agent for a machine.
    pub(crate) fn of(&self, machine: &str) -> Result<&AgentFile, AgentFailure> {
        let machine = match machine {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            other => other,
        };
        if let Some(file) = self.found.iter().find(|file| file.machine == machine) {
            return Ok(file);
        }
        if let Some((_, path)) = self.stale.iter().find(|(of, _)| *of == machine) {
            return Err(AgentFailure::OtherBuild { path: path.clone() });
        }
        Err(AgentFailure::NoBuild {
            machine: machine.to_owned(),
            searched: self
                .searched
                .iter()
                .filter(|(of, _)| *of == machine)
                .map(|(_, path)| path.clone())
                .collect(),
        })
    }
}

/// Where a release or a copy has it: beside the program, or in `libexec`.
fn released_paths(folder: &Path, machine: &str) -> Vec<PathBuf> {
    let folders = [
        folder.to_owned(),
        folder.join("libexec"),
        folder.join("../libexec"),
        folder.join("../libexec/taskbox"),
    ];
    let names = [format!("taskbox-agent-{machine}"), format!("taskbox-agent-{machine}.gz")];
    let mut paths: Vec<PathBuf> =
        folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).collect();
    // Copied together with the program, under the name that the build gives it: it is for machines like this one.
    if machine == std::env::consts::ARCH {
        paths.push(folder.join("taskbox-agent"));
    }
    paths
}

/// Where cargo puts it, if the program lies in a target folder.
fn built_paths(folder: &Path, machine: &str) -> Vec<PathBuf> {
    // The folder of a target triple is marked as well; the outer one is meant.
    let Some(target) = folder.ancestors().filter(|folder| folder.join("CACHEDIR.TAG").is_file()).last()
    else {
        return Vec::new();
    };
    let triples = ["gnu", "musl"].map(|libc| target.join(format!("{machine}-unknown-linux-{libc}")));
    let profiles = ["agent", "release", "debug"];
    triples
        .iter()
        .flat_map(|triple| profiles.map(|profile| triple.join(profile).join("taskbox-agent")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_its_agents_in_libexec_packed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("libexec")).unwrap();
        fs::create_dir_all(folder.path().join("bin")).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(BUILD.as_bytes()).unwrap();
        fs::write(folder.path().join("libexec/taskbox-agent-aarch64.gz"), encoder.finish().unwrap()).unwrap();
        fs::write(folder.path().join("libexec/taskbox-agent-x86_64"), BUILD).unwrap();
        let files = AgentFiles::search(&folder.path().join("bin"));
        let (one, other) = (files.of("amd64").unwrap(), files.of("aarch64").unwrap());
        assert_eq!(one.hash, other.hash);
        assert_eq!(other.bytes(false), BUILD.as_bytes());
        assert_eq!(files.iter().count(), 2);
    }

    #[test]
    fn an_agent_beside_the_program_may_have_its_plain_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("taskbox-agent"), BUILD).unwrap();
        let files = AgentFiles::search(folder.path());
        let machines: Vec<_> = files.iter().map(|file| file.machine).collect();
        assert_eq!(machines, [std::env::consts::ARCH]);
    }

    #[test]
    fn a_missing_build_says_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let Err(failure) = AgentFiles::search(folder.path()).of("aarch64") else { panic!("found one") };
        assert!(failure.to_string().contains("libexec/taskbox-agent-aarch64"), "{failure}");
    }

    #[test]
    fn an_agent_of_other_sources_is_told_from_a_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("taskbox-agent-aarch64"), "0.0.0-old").unwrap();
        let Err(failure) = AgentFiles::search(folder.path()).of("aarch64") else { panic!("found one") };
        assert!(matches!(failure, AgentFailure::OtherBuild { .. }), "{failure}");
    }
}
