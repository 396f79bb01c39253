//! Makes a bundle from a folder.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::manifest::{FORMAT, MANIFEST};
use crate::{Artifact, BundleError, Manifest};

/// Packs every file below `folder` into a new bundle at `to` and returns what went in.
///
/// The bundle appears under its name only when it is whole.
///
/// # Errors
/// When a file cannot be read, the bundle cannot be written, or the folder holds a link, device or a name that is not UTF-8.
pub fn pack(folder: &Path, to: &Path) -> Result<Manifest, BundleError> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    files.sort();
    let artifacts = files.iter().map(|path| describe(folder, path)).collect::<Result<Vec<_>, _>>()?;
    let manifest = Manifest { format: FORMAT, artifacts };
    let unfinished = to.with_extension("unfinished");
    write(folder, &manifest, &unfinished).inspect_err(|_| drop(std::fs::remove_file(&unfinished)))?;
    std::fs::rename(&unfinished, to).map_err(file_error("create", to))?;
    Ok(manifest)
}

pub(crate) fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |error| BundleError::File { action, path, error }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<(), BundleError> {
    for entry in std::fs::read_dir(folder).map_err(file_error("read", folder))? {
        let entry = entry.map_err(file_error("read", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(file_error("read", &path))?;
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            files.push(relative(root, &path)?);
        } else {
            return Err(BundleError::Unpackable { path, reason: "it is a link or a device" });
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> Result<String, BundleError> {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| BundleError::Unpackable { path: path.to_owned(), reason: "its name is not UTF-8" })
}

fn describe(folder: &Path, path: &str) -> Result<Artifact, BundleError> {
    let full = folder.join(path);
    let mut file = File::open(&full).map_err(file_error("read", &full))?;
    let mode = file.metadata().map_err(file_error("read", &full))?.permissions().mode();
    let (size, sha256) = copy_digest(&mut file, &mut io::sink()).map_err(file_error("read", &full))?;
    Ok(Artifact { path: path.to_owned(), size, sha256, executable: mode & 0o111 != 0 })
}

/// Copies all that is left to read; returns its size and SHA-256.
pub(crate) fn copy_digest(reader: &mut impl Read, writer: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, hex(&hash.finalize())));
        }
        size += read as u64;
        hash.update(&buffer[..read]);
        writer.write_all(&buffer[..read])?;
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write(folder: &Path, manifest: &Manifest, to: &Path) -> Result<(), BundleError> {
    let out = File::create(to).map_err(file_error("create", to))?;
    let mut archive = tar::Builder::new(BufWriter::new(out));
    let text = serde_json::to_vec_pretty(manifest).map_err(|error| BundleError::File {
        action: "write",
        path: to.to_owned(),
        error: error.into(),
    })?;
    let mut append = |path: &str, size: u64, executable: bool, content: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(if executable { 0o755 } else { 0o644 });
        archive.append_data(&mut header, path, content).map_err(file_error("write", to))
    };
    append(MANIFEST, text.len() as u64, false, &mut text.as_slice())?;
    for artifact in &manifest.artifacts {
        let full: PathBuf = folder.join(&artifact.path);
        let file = File::open(&full).map_err(file_error("read", &full))?;
        append(
            &artifact.path,
            artifact.size,
            artifact.executable,
            &mut BufReader::new(file).take(artifact.size),
        )?;
    }
    let mut out = archive.into_inner().map_err(file_error("write", to))?;
    out.flush().map_err(file_error("write", to))?;
    out.get_ref().sync_all().map_err(file_error("write", to))
}
