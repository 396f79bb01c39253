//! Installing from a bundle: its files are sent to the hosts from where they lie in it, so nothing is unpacked on the taskbox.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bundle::{
    Artifact, Bundle, BundleError, Image, Kind, Manifest, PublicKey, image_archive, packages_index, places,
    rpm_repository,
};
use data::{Diagnose, List, Map, Value};
use runner::connection::{Content, ContentHash, FanOut, Part};
use runner::{Packed, PackedFile, PackedFiles, PushedImage, RegistryAccess, RunOptions};

use crate::bundle_command::push_all_to;

use crate::cluster::Cluster;

/// Files from this size on are given on from host to host; smaller ones are sent sooner than asked for.
const WORTH_SHARING: u64 = 4 * 1024 * 1024;

/// Where in the bundle, by path, an image's archive is found; it is put together when it is asked for.
const ARCHIVES: &str = "images/archives";
/// The same for the index of the Debian packages.
const INDEXES: &str = "packages/index";

/// Makes a run install from the bundle that the command line or `bundle` in vars.yml names; without one it does nothing.
///
/// # Errors
/// The bundle is damaged, not signed as `bundle_public_key` wants, or cannot be read.
pub(super) fn install_from(
    given: Option<&Path>,
    cluster: &Cluster,
    options: &mut RunOptions,
) -> Result<(), Box<dyn Diagnose>> {
    let given_vars = options.extra_vars.clone();
    let setting = |name: &str| {
        given_vars.get_str(name).or_else(|| cluster.conf.vars.get_str(name)).filter(|text| !text.is_empty())
    };
    let named = setting("bundle").map(|path| cluster.folder.join(path));
    let Some(file) = given.map(Path::to_owned).or(named) else { return Ok(()) };
    // Roles look for relative paths beside themselves.
    let file = std::path::absolute(&file).unwrap_or(file);
    let key =
        setting("bundle_public_key").map(|text| PublicKey::from_setting(text, &cluster.folder)).transpose();
    let value = |name: &str| given_vars.get(name).or_else(|| cluster.conf.vars.get(name));
    let fan_out = value("bundle_fan_out").is_none_or(|value| playbook::boolean(value).unwrap_or(true));
    let files = key.and_then(|key| BundleFiles::open(&file, key.as_ref(), fan_out));
    let files = files.map_err(|error| Box::new(error) as Box<dyn Diagnose>)?;
    let mut vars = variables(&file, files.bundle.manifest());
    if vars.get_str("kubernetes_source") == Some("bundle") {
        // What is read on the taskbox, charts and manifests, is small and lies beside the conf files.
        let folder = cluster.folder.join("bundle");
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let small = |artifact: &Artifact| matches!(artifact.kind, Kind::Chart | Kind::Manifest);
        files.bundle.unpack(&folder, small).map_err(|error| Box::new(error) as Box<dyn Diagnose>)?;
        vars.insert("kubernetes_folder", folder.display().to_string());
    }
    options.extra_vars.extend_from(&vars);
    options.packed = Some(std::sync::Arc::new(files));
    Ok(())
}

/// What the roles know of the bundle.
fn variables(file: &Path, manifest: &Manifest) -> Map {
    let archs: List = manifest.architectures().into_iter().map(Value::from).collect();
    let mut programs = BTreeMap::<&str, Vec<Value>>::new();
    let mut plugins = BTreeMap::<&str, Vec<Value>>::new();
    let mut packages = BTreeMap::<&str, Vec<Value>>::new();
    for artifact in &manifest.artifacts {
        let arch = artifact.arch.as_deref().unwrap_or_default();
        let version = artifact.version.clone().unwrap_or_default();
        match artifact.kind {
            Kind::Program => programs.entry(arch).or_default().push(Value::from(artifact.name.clone())),
            Kind::CniPlugin => plugins.entry(arch).or_default().push(Value::from(artifact.name.clone())),
            Kind::Deb | Kind::Rpm => packages.entry(arch).or_default().push(Value::from(Map::from([
                ("name", Value::from(artifact.name.clone())),
                ("version", Value::from(version)),
                ("set", Value::from(artifact.set.clone().unwrap_or_default())),
                ("file", Value::from(artifact.path.clone())),
            ]))),
            _ => {}
        }
    }
    let paths = |kind: Kind| -> Value {
        let of_kind = manifest.artifacts.iter().filter(|artifact| artifact.kind == kind);
        of_kind.map(|artifact| Value::from(artifact.path.clone())).collect()
    };
    // What an image's name leads to in a registry: an index, if there are several architectures.
    let in_registry: HashMap<(String, String), String> = places(manifest)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|placed| {
            let digest = placed.digest.clone();
            placed.images.into_iter().map(move |image| ((image.reference, image.arch), digest.clone()))
        })
        .collect();
    let sizes: HashMap<&str, u64> =
        manifest.artifacts.iter().map(|artifact| (artifact.path.as_str(), artifact.size)).collect();
    let blobs = manifest.artifacts.iter().filter(|artifact| artifact.kind == Kind::Blob);
    let image_bytes: u64 = blobs.map(|artifact| artifact.size).sum();
    let images = manifest.images.iter().enumerate().map(|(number, image)| {
        let key = (image.reference.clone(), image.arch.clone());
        let bytes: u64 =
            image.blobs.iter().filter_map(|digest| sizes.get(bundle::blob_path(digest).as_str())).sum();
        Value::from(Map::from([
            ("name", Value::from(image.reference.clone())),
            ("arch", Value::from(image.arch.clone())),
            ("digest", Value::from(image.digest.clone())),
            ("registry_digest", Value::from(in_registry.get(&key).unwrap_or(&image.digest).clone())),
            ("bytes", Value::from(bytes)),
            ("archive", Value::from(archive_path(number))),
        ]))
    });
    let by_arch = |lists: BTreeMap<&str, Vec<Value>>| {
        let mut map = Map::new();
        for (arch, list) in lists {
            map.insert(arch, list);
        }
        Value::from(map)
    };
    let sources = [
        ("etcd", "etcd_source"),
        ("containerd", "containerd_source"),
        ("kubeadm", "kubernetes_source"),
        ("registry", "registry_source"),
    ];
    let has = |name: &str| manifest.artifacts.iter().any(|one| one.kind == Kind::Program && one.name == name);
    let from_bundle: Vec<&str> =
        sources.iter().filter(|(name, _)| has(name)).map(|(_, variable)| *variable).collect();
    let mut vars = Map::from([
        ("bundle_dir", Value::from(file.display().to_string())),
        ("bundle_offline", Value::from(true)),
        ("bundle_architectures", Value::from(archs)),
        ("bundle_programs", by_arch(programs)),
        ("bundle_plugins", by_arch(plugins)),
        ("bundle_packages", by_arch(packages)),
        ("bundle_package_sets", sets(manifest).into_iter().map(Value::from).collect::<Value>()),
        ("bundle_image_bytes", Value::from(image_bytes)),
        ("bundle_images", images.collect::<Value>()),
        ("bundle_manifests", paths(Kind::Manifest)),
        ("bundle_charts", paths(Kind::Chart)),
    ]);
    for variable in from_bundle {
        vars.insert(variable, "bundle");
    }
    vars
}

/// The package sets of a bundle, such as `debian-12`.
fn sets(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.artifacts.iter().filter_map(|artifact| artifact.set.as_deref()).collect()
}

fn archive_path(number: usize) -> String {
    format!("{ARCHIVES}/{number:04}.tar")
}

/// A bundle, addressed as if it were a folder: `FILE/bin/amd64/etcd`.
struct BundleFiles {
    bundle: Bundle,
    /// By path: hash, size, place, mode.
    files: BTreeMap<String, PackedFile>,
    blobs: HashMap<String, (u64, bundle::Content)>,
    /// Archives of images that were asked for: their hashes take a while.
    archives: Mutex<HashMap<usize, PackedFile>>,
    /// Lets hosts give large files on.
    fan_out: Option<Arc<FanOut>>,
}

impl BundleFiles {
    /// Opens a bundle and checks all of it, so that a damaged one is found before any host is touched.
    fn open(file: &Path, key: Option<&PublicKey>, fan_out: bool) -> Result<Self, BundleError> {
        let bundle = Bundle::open(file)?;
        if let Some(key) = key {
            bundle.check_signature(key)?;
        }
        bundle.verify()?;
        let contents = bundle.contents()?;
        let fan_out = fan_out.then(Arc::default);
        let mut files = BTreeMap::new();
        let mut blobs = HashMap::new();
        for artifact in &bundle.manifest().artifacts {
            let Some(content) = contents.get(&artifact.path) else { continue };
            if artifact.kind == Kind::Blob {
                blobs.insert(artifact.path.clone(), (artifact.size, content.clone()));
                continue;
            }
            let unreadable = |error| BundleError::File { action: "read", path: file.to_owned(), error };
            let content = Content::from_parts([part(content)], hash(&artifact.sha256)).map_err(unreadable)?;
            let content = shared(content, fan_out.as_ref());
            let mode = if artifact.executable { 0o755 } else { 0o644 };
            files.insert(artifact.path.clone(), PackedFile { content, mode });
        }
        for (path, bytes) in indexes(&bundle, &contents)? {
            files.insert(path, PackedFile { content: Content::from_bytes(bytes), mode: 0o644 });
        }
        Ok(Self { bundle, files, blobs, archives: Mutex::default(), fan_out })
    }

    fn archive(&self, number: usize) -> io::Result<Option<PackedFile>> {
        let Some(image) = self.bundle.manifest().images.get(number) else { return Ok(None) };
        // Held while the hash is made: hosts that ask for the same archive at the same time wait for one of them.
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = archives.get(&number) {
            return Ok(Some(known.clone()));
        }
        let file = self.put_together(image)?;
        archives.insert(number, file.clone());
        Ok(Some(file))
    }

    fn put_together(&self, image: &Image) -> io::Result<PackedFile> {
        let pieces = image_archive(image, &self.blobs)?;
        let parts: Vec<Part> = pieces.iter().map(|(_, content)| part(content)).collect();
        let content = shared(Content::from_parts(parts, None)?, self.fan_out.as_ref());
        Ok(PackedFile { content, mode: 0o644 })
    }
}

/// Content that hosts may give on, if it is worth it.
fn shared(content: Content, fan_out: Option<&Arc<FanOut>>) -> Content {
    match fan_out {
        Some(fan_out) if content.size() >= WORTH_SHARING => content.shared_by(fan_out),
        _ => content,
    }
}

/// The indexes of the packages, of each set and architecture: apt's list, and dnf's repository.
fn indexes(
    bundle: &Bundle,
    contents: &HashMap<String, bundle::Content>,
) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
    let manifest = bundle.manifest();
    let mut found = Vec::new();
    for set in std::iter::once(None).chain(sets(manifest).into_iter().map(Some)) {
        for arch in manifest.architectures() {
            let folder = match set {
                Some(set) => format!("{INDEXES}/{set}/{arch}"),
                None => format!("{INDEXES}/{arch}"),
            };
            found.push((format!("{folder}/Packages"), packages_index(manifest, set, arch).into_bytes()));
            for (path, bytes) in rpm_repository(manifest, contents, set, arch)? {
                found.push((format!("{folder}/{path}"), bytes));
            }
        }
    }
    Ok(found)
}

impl PackedFiles for BundleFiles {
    fn push_images(&self, to: &RegistryAccess, look_only: bool) -> Result<Vec<PushedImage>, String> {
        let contents: HashMap<String, bundle::Content> =
            self.blobs.iter().map(|(path, (_, content))| (path.clone(), content.clone())).collect();
        let mut pushed = Vec::new();
        let mut say = |placed: &bundle::Placed, one: bundle::Pushed| {
            pushed.push(PushedImage { name: placed.name(), changed: one.changed, sent: one.sent });
        };
        push_all_to(to, (self.bundle.manifest(), &contents), look_only, &mut say)
            .map_err(|error| explained(&error))?;
        Ok(pushed)
    }

    fn find(&self, path: &Path) -> io::Result<Option<Packed>> {
        let Ok(below) = path.strip_prefix(self.bundle.path()) else { return Ok(None) };
        let Some(below) = below.to_str().map(|below| below.trim_end_matches('/')) else { return Ok(None) };
        let number = below
            .strip_prefix(ARCHIVES)
            .and_then(|name| name.strip_prefix('/')?.strip_suffix(".tar")?.parse().ok());
        if let Some(number) = number {
            return Ok(self.archive(number)?.map(Packed::File));
        }
        if let Some(file) = self.files.get(below) {
            return Ok(Some(Packed::File(file.clone())));
        }
        let folder = format!("{below}/");
        let inside: Vec<(PathBuf, PackedFile)> = self
            .files
            .range(folder.clone()..)
            .take_while(|(path, _)| path.starts_with(&folder))
            .map(|(path, file)| (PathBuf::from(&path[folder.len()..]), file.clone()))
            .collect();
        if inside.is_empty() {
            let missing = format!("the bundle {} has no `{below}`", self.bundle.path().display());
            return Err(io::Error::new(io::ErrorKind::NotFound, missing));
        }
        Ok(Some(Packed::Folder(inside)))
    }
}

/// An error and what to do about it, as one text.
fn explained(error: &BundleError) -> String {
    let texts = error.diagnostics().into_iter().map(|diagnostic| {
        let help = diagnostic.helps.join("; ");
        if help.is_empty() { diagnostic.title } else { format!("{}: {help}", diagnostic.title) }
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn part(content: &bundle::Content) -> Part {
    match content {
        bundle::Content::Bytes(bytes) => Part::Bytes(bytes.clone()),
        bundle::Content::Range { path, offset, size } => {
            Part::Range { path: path.clone(), offset: *offset, size: *size }
        }
        bundle::Content::File(path) => Part::Range { path: path.clone(), offset: 0, size: u64::MAX },
    }
}

fn hash(hex: &str) -> Option<ContentHash> {
    let bytes: Option<Vec<u8>> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle::Builder;

    fn sample(folder: &Path) -> PathBuf {
        let mut builder = Builder::new(None);
        for (path, kind) in [("bin/amd64/etcd", Kind::Program), ("bin/amd64/cni/bridge", Kind::CniPlugin)] {
            let artifact = Artifact {
                path: path.into(),
                kind,
                executable: true,
                name: path.rsplit('/').next().unwrap().into(),
                arch: Some("amd64".into()),
                ..Artifact::default()
            };
            builder.add(artifact, bundle::Content::Bytes(path.as_bytes().into())).unwrap();
        }
        let to = folder.join("b.bundle");
        builder.write(&to).unwrap();
        to
    }

    #[test]
    fn a_bundle_is_addressed_as_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample(dir.path());
        let files = BundleFiles::open(&path, None, true).unwrap();
        let Some(Packed::File(etcd)) = files.find(&path.join("bin/amd64/etcd")).unwrap() else {
            panic!("a file")
        };
        assert_eq!((etcd.content.size(), etcd.mode), (14, 0o755));
        assert_eq!(etcd.content.hex(), Content::from_bytes(&b"bin/amd64/etcd"[..]).hex());
        let Some(Packed::Folder(cni)) =
            files.find(Path::new(&format!("{}/bin/amd64/cni/", path.display()))).unwrap()
        else {
            panic!("a folder")
        };
        assert_eq!(cni[0].0, Path::new("bridge"));
        assert!(files.find(Path::new("/etc/passwd")).unwrap().is_none());
        let missing = files.find(&path.join("bin/arm64/etcd")).unwrap_err();
        assert!(missing.to_string().ends_with("has no `bin/arm64/etcd`"), "{missing}");
    }

    #[test]
    fn the_roles_learn_what_the_bundle_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample(dir.path());
        let vars = variables(&path, Bundle::open(&path).unwrap().manifest());
        assert_eq!(vars.get_str("etcd_source"), Some("bundle"));
        assert!(vars.get("containerd_source").is_none());
        assert_eq!(vars.get("bundle_architectures").map(data::python::str).as_deref(), Some("['amd64']"));
    }
}
