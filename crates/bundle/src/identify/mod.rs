//! Works out what a folder of loose things holds: programs, release archives, image archives, charts, manifests, packages.

mod archive;
mod program;

pub use program::{CNI_PLUGINS, PROGRAMS};

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::content::Content;
use crate::image::{read_docker, read_layout};
use crate::manifest::Kind;
use crate::read::tar_members;
use crate::{Artifact, Builder, BundleError, checksum, deb, elf, package_set, rpm};

use archive::damaged;
pub(crate) use archive::{Compression, file_name};

/// What a folder held.
#[derive(Debug, Default)]
pub struct Survey {
    /// What went into the bundle, and from which file.
    pub found: Vec<FoundThing>,
    /// Files that did not, and why.
    pub unused: Vec<(PathBuf, String)>,
}

/// Something that went into the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundThing {
    /// What it is, such as `kubelet 1.36.2 (amd64)`.
    pub what: String,
    /// The file it was in, relative to the folder.
    pub file: PathBuf,
}

/// Looks through `folder` and adds to `builder` what can be used. `work` takes what must be unpacked; it is needed until the bundle is
/// written.
///
/// Executables for this machine's architecture are started with nothing but a request for their version.
///
/// # Errors
/// A file that cannot be read, contradicts its checksum file, or wants the place of another.
pub fn survey(folder: &Path, work: &Path, builder: &mut Builder) -> Result<Survey, BundleError> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let promises = Promises::read(&files);
    let layouts: Vec<PathBuf> = files
        .iter()
        .filter(|path| file_name(path) == "oci-layout")
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    let mut look = Look { folder, work, builder, survey: Survey::default() };
    for layout in &layouts {
        look.layout_folder(layout)?;
    }
    for path in &files {
        let in_layout = layouts.iter().any(|layout| path.starts_with(layout));
        if in_layout || checksum::is_checksum_file(&file_name(path)) {
            continue;
        }
        promises.check(path)?;
        look.file(path)?;
    }
    Ok(look.survey)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), BundleError> {
    for entry in std::fs::read_dir(folder).map_err(BundleError::file("read", folder))? {
        let path = entry.map_err(BundleError::file("read", folder))?.path();
        // What a link points to counts, so that a folder of links is as good as one of files.
        let about = std::fs::metadata(&path).map_err(BundleError::file("read", &path))?;
        if about.is_dir() {
            if path.symlink_metadata().is_ok_and(|itself| !itself.is_symlink()) {
                collect(&path, files)?;
            }
        } else if about.is_file() {
            files.push(path);
        } else {
            return Err(BundleError::unusable(&path, "it is neither a file nor a folder"));
        }
    }
    Ok(())
}

/// The checksum files of a folder.
struct Promises(HashMap<PathBuf, Vec<(PathBuf, String)>>);

impl Promises {
    fn read(files: &[PathBuf]) -> Self {
        let mut all: HashMap<PathBuf, Vec<(PathBuf, String)>> = HashMap::new();
        for path in files.iter().filter(|path| checksum::is_checksum_file(&file_name(path))) {
            // One that cannot be read as text promises nothing.
            if let (Some(folder), Ok(text)) = (path.parent(), std::fs::read_to_string(path)) {
                all.entry(folder.to_owned()).or_default().push((path.clone(), text));
            }
        }
        Self(all)
    }

    fn check(&self, path: &Path) -> Result<(), BundleError> {
        let name = file_name(path);
        let Some(folder) = path.parent() else { return Ok(()) };
        for (by, text) in self.0.get(folder).into_iter().flatten() {
            // A bare hash speaks of the file it is named after only.
            let about_this = file_name(by).starts_with(&name) || text.contains(&name);
            let Some(promised) = about_this.then(|| checksum::promised(text, &name)).flatten() else {
                continue;
            };
            let content = Content::File(path.to_owned());
            let (_, found) = content.digest().map_err(BundleError::file("read", path))?;
            if found != promised {
                let (what, by) = (path.display().to_string(), by.display().to_string());
                return Err(BundleError::Checksum { what, by, promised, found });
            }
        }
        Ok(())
    }
}

/// One look through a folder.
struct Look<'a> {
    folder: &'a Path,
    work: &'a Path,
    builder: &'a mut Builder,
    survey: Survey,
}

impl Look<'_> {
    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.folder).unwrap_or(path).to_owned()
    }

    fn found(&mut self, what: String, path: &Path) {
        let file = self.relative(path);
        self.survey.found.push(FoundThing { what, file });
    }

    fn unused(&mut self, path: &Path, reason: impl Into<String>) {
        let path = self.relative(path);
        self.survey.unused.push((path, reason.into()));
    }

    fn file(&mut self, path: &Path) -> Result<(), BundleError> {
        let name = file_name(path);
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(512).read_to_end(&mut start))
            .map_err(BundleError::file("read", path))?;
        let relative = self.relative(path);
        if relative.starts_with("files") {
            let inside =
                relative.to_str().ok_or_else(|| BundleError::unusable(path, "its name is not UTF-8"))?;
            let artifact =
                Artifact { path: inside.to_owned(), name: inside.to_owned(), ..Artifact::default() };
            self.builder.add(artifact, Content::File(path.to_owned()))?;
            self.found(inside.to_owned(), path);
            return Ok(());
        }
        if elf::architecture(&start).is_some() {
            return self.program(path, &name, path);
        }
        if start.starts_with(b"!<arch>\n") && name.ends_with(".deb") {
            return self.debian_package(path);
        }
        if start.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
            return self.rpm_package(path);
        }
        if let Some(compression) = Compression::of(&start) {
            return self.archive(path, compression);
        }
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            return self.objects(path, &name);
        }
        self.unused(path, "not something that an install uses");
        Ok(())
    }

    /// A program or CNI plugin in `file`, known by `name`; `from` is the file of the folder that it came in.
    fn program(&mut self, file: &Path, name: &str, from: &Path) -> Result<(), BundleError> {
        let mut start = [0; elf::HEADER];
        let read = File::open(file).and_then(|mut opened| opened.read(&mut start));
        let read = read.map_err(BundleError::file("read", file))?;
        let Some(arch) = elf::architecture(&start[..read]) else {
            self.unused(from, format!("`{name}` in it is no program"));
            return Ok(());
        };
        let Some((known, kind)) = program::known(name) else {
            self.unused(from, format!("`{name}` is no program that an install uses"));
            return Ok(());
        };
        let version = program::version(file, known, arch);
        let folder = if kind == Kind::CniPlugin { "cni/" } else { "" };
        let what = format!("{known} {} ({arch})", version.as_deref().unwrap_or("of unknown version"));
        let artifact = Artifact {
            path: format!("bin/{arch}/{folder}{known}"),
            executable: true,
            kind,
            name: known.to_owned(),
            version,
            arch: Some(arch.to_owned()),
            ..Artifact::default()
        };
        self.builder.add(artifact, Content::File(file.to_owned()))?;
        self.found(what, from);
        Ok(())
    }

    fn debian_package(&mut self, path: &Path) -> Result<(), BundleError> {
        let control = deb::control(path).map_err(|error| BundleError::unusable(path, error.to_string()))?;
        let field = |name| deb::field(&control, name).map(str::to_owned);
        let (Some(name), Some(version), Some(arch)) =
            (field("Package"), field("Version"), field("Architecture"))
        else {
            return Err(BundleError::unusable(path, "its control file lacks name, version or architecture"));
        };
        // The name that Debian's archive gives it: an epoch is not part of it.
        let plain = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
        let set = package_set::of_path(&self.relative(path));
        let file = package_set::place(set.as_deref(), &format!("{name}_{plain}_{arch}.deb"));
        self.found(format!("{name} {version} ({arch}, Debian package)"), path);
        let artifact = Artifact {
            path: file,
            kind: Kind::Deb,
            name,
            version: Some(version),
            arch: Some(arch),
            set,
            control: Some(control),
            ..Artifact::default()
        };
        self.builder.add(artifact, Content::File(path.to_owned()))
    }

    fn rpm_package(&mut self, path: &Path) -> Result<(), BundleError> {
        let rpm = rpm::read(path).map_err(|error| BundleError::unusable(path, error.to_string()))?;
        self.found(format!("{} {} ({}, RPM package)", rpm.name, rpm.version, rpm.arch), path);
        let set = package_set::of_path(&self.relative(path));
        let artifact = Artifact {
            path: package_set::place(set.as_deref(), &file_name(path)),
            kind: Kind::Rpm,
            name: rpm.name,
            version: Some(rpm.version),
            arch: Some(rpm.arch),
            set,
            ..Artifact::default()
        };
        self.builder.add(artifact, Content::File(path.to_owned()))
    }

    /// YAML counts if it describes Kubernetes objects.
    fn objects(&mut self, path: &Path, name: &str) -> Result<(), BundleError> {
        let text = std::fs::read_to_string(path).map_err(BundleError::file("read", path))?;
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        if !has("apiVersion:") || !has("kind:") {
            self.unused(path, "YAML, but no Kubernetes objects");
            return Ok(());
        }
        let artifact = Artifact {
            path: format!("manifests/{name}"),
            kind: Kind::Manifest,
            name: name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned(),
            ..Artifact::default()
        };
        self.builder.add(artifact, Content::File(path.to_owned()))?;
        self.found(format!("{name} (Kubernetes objects)"), path);
        Ok(())
    }

    fn archive(&mut self, path: &Path, compression: Compression) -> Result<(), BundleError> {
        let contents = archive::look(path, compression).map_err(damaged(path))?;
        if contents.is_image() {
            let plain = match compression {
                Compression::None => path.to_owned(),
                _ => archive::decompress(path, compression, &self.place(path, "image.tar")?)?,
            };
            let members = tar_members(&plain).map_err(damaged(path))?;
            let images = if members.contains_key("manifest.json") {
                read_docker(path, &members)?
            } else {
                read_layout(path, &members)?
            };
            return self.images(path, images);
        }
        if let Some(chart) = contents.chart {
            return self.chart(path, &chart);
        }
        if contents.programs.is_empty() {
            self.unused(path, "an archive without programs, images or a chart in it");
            return Ok(());
        }
        let folder = self.place(path, "")?;
        for file in archive::unpack(path, compression, &contents.programs, &folder)? {
            let name = file_name(&file);
            self.program(&file, &name, path)?;
        }
        Ok(())
    }

    /// A place for what is unpacked from a file of the folder.
    fn place(&self, path: &Path, name: &str) -> Result<PathBuf, BundleError> {
        let folder = self.work.join("unpacked").join(self.relative(path));
        std::fs::create_dir_all(&folder).map_err(BundleError::file("create", &folder))?;
        Ok(folder.join(name))
    }

    fn chart(&mut self, path: &Path, chart: &archive::Chart) -> Result<(), BundleError> {
        let artifact = Artifact {
            path: format!("charts/{}-{}.tgz", chart.name, chart.version),
            kind: Kind::Chart,
            name: chart.name.clone(),
            version: Some(chart.version.clone()),
            ..Artifact::default()
        };
        if artifact.unsafe_path().is_some() || chart.name.contains('/') || chart.version.contains('/') {
            return Err(BundleError::unusable(path, "its chart has a name that is no file name"));
        }
        self.builder.add(artifact, Content::File(path.to_owned()))?;
        self.found(format!("{} {} (chart)", chart.name, chart.version), path);
        Ok(())
    }

    fn images(&mut self, path: &Path, images: Vec<crate::image::Found>) -> Result<(), BundleError> {
        if images.is_empty() {
            self.unused(
                path,
                "an image without a full name: save it by its tag, as in `docker save NAME:TAG`",
            );
        }
        for found in images {
            let what = format!("{} ({}, image)", found.image.reference, found.image.arch);
            found.add_to(self.builder)?;
            self.found(what, path);
        }
        Ok(())
    }

    fn layout_folder(&mut self, folder: &Path) -> Result<(), BundleError> {
        let mut files = Vec::new();
        collect(folder, &mut files)?;
        let members = files
            .into_iter()
            .filter_map(|path| {
                Some((path.strip_prefix(folder).ok()?.to_str()?.to_owned(), Content::File(path.clone())))
            })
            .collect::<BTreeMap<_, _>>();
        let images = read_layout(folder, &members.into_iter().collect())?;
        self.images(&folder.join("index.json"), images)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn tgz(path: &Path, members: &[(&str, &[u8])]) {
        let out = flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(out);
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            archive.append_data(&mut header, name, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
    }

    fn program(machine: u8) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(64, 0);
        bytes[18] = machine;
        bytes
    }

    #[test]
    fn loose_things_are_known_by_what_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        std::fs::create_dir_all(from.join("files/iso")).unwrap();
        std::fs::write(from.join("kubelet"), program(183)).unwrap();
        std::fs::write(from.join("runc.arm64"), program(183)).unwrap();
        std::fs::write(from.join("mystery"), program(183)).unwrap();
        std::fs::write(from.join("readme.txt"), "hello").unwrap();
        std::fs::write(from.join("files/iso/a.iso"), "iso").unwrap();
        std::fs::write(from.join("crds.yaml"), "apiVersion: v1\nkind: List\n").unwrap();
        std::fs::write(from.join("values.yaml"), "a: 1\n").unwrap();
        deb::sample(&from.join("x.deb"), "Package: tree\nVersion: 1:2.1.0-1\nArchitecture: amd64\n");
        tgz(&from.join("cni-plugins.tgz"), &[("./bridge", &program(183)), ("./README.md", b"x")]);
        tgz(&from.join("etcd-v3.6.5-linux-arm64.tar.gz"), &[("etcd-v3.6.5-linux-arm64/etcd", &program(183))]);
        tgz(
            &from.join("c.tgz"),
            &[("calico/Chart.yaml", b"name: calico\nversion: v3.31.3\n"), ("calico/values.yaml", b"")],
        );
        let mut builder = Builder::new(None);
        let survey = survey(&from, &dir.path().join("work"), &mut builder).unwrap();
        let manifest = builder.manifest();
        let paths: Vec<_> = manifest.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "bin/arm64/cni/bridge",
                "bin/arm64/etcd",
                "bin/arm64/kubelet",
                "bin/arm64/runc",
                "charts/calico-v3.31.3.tgz",
                "files/iso/a.iso",
                "manifests/crds.yaml",
                "packages/tree_2.1.0-1_amd64.deb",
            ]
        );
        let unused: Vec<_> = survey.unused.iter().map(|(path, _)| path.display().to_string()).collect();
        assert_eq!(unused, ["mystery", "readme.txt", "values.yaml"]);
    }

    #[test]
    fn an_executable_is_asked_for_its_version() {
        let dir = tempfile::tempdir().unwrap();
        // A script stands in for the program; only programs of this machine are asked, so ask directly.
        let path = dir.path().join("kubelet");
        std::fs::write(&path, "#!/bin/sh\n[ \"$1\" = --version ] && echo Kubernetes v1.36.2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(program::version(&path, "kubelet", elf::own()).as_deref(), Some("1.36.2"));
        assert_eq!(
            program::version(&path, "kubelet", "s390x"),
            None,
            "programs of other machines are not started"
        );
    }

    #[test]
    fn packages_of_several_distributions_lie_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        for (set, text) in [("debian-12", "old"), ("Ubuntu-22.04", "new")] {
            std::fs::create_dir_all(from.join(set)).unwrap();
            let control = format!("Package: tree\nVersion: 1\nArchitecture: amd64\nDescription: {text}\n");
            deb::sample(&from.join(set).join("tree.deb"), &control);
        }
        let mut builder = Builder::new(None);
        survey(&from, &dir.path().join("work"), &mut builder).unwrap();
        let manifest = builder.manifest();
        let paths: Vec<_> = manifest.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
        assert_eq!(paths, ["packages/debian-12/tree_1_amd64.deb", "packages/ubuntu-22.04/tree_1_amd64.deb"]);
        let index = deb::packages_index(&manifest, Some("debian-12"), "amd64");
        assert!(index.contains("Description: old") && !index.contains("Description: new"), "{index}");
    }

    #[test]
    fn a_file_that_contradicts_its_checksum_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path();
        std::fs::write(from.join("runc.arm64"), program(183)).unwrap();
        std::fs::write(from.join("runc.sha256sum"), format!("{}  runc.arm64\n", "0".repeat(64))).unwrap();
        let refused = survey(from, &from.join("work"), &mut Builder::new(None)).unwrap_err();
        assert!(matches!(refused, BundleError::Checksum { .. }), "{refused}");
    }

    #[test]
    fn two_versions_of_one_program_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("old")).unwrap();
        std::fs::write(dir.path().join("runc"), program(183)).unwrap();
        let mut other = program(183);
        other.push(1);
        std::fs::write(dir.path().join("old/runc"), other).unwrap();
        let refused = survey(dir.path(), &dir.path().join("work"), &mut Builder::new(None)).unwrap_err();
        assert!(refused.to_string().contains("two different files for `bin/arm64/runc`"), "{refused}");
    }
}
