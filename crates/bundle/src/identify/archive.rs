//! Archives among loose things: what is in them, and the programs out of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::program;
use crate::BundleError;
use crate::digest::{CopyError, copy};

/// The longest Chart.yaml that is read.
const CHART_LIMIT: u64 = 1024 * 1024;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

impl Compression {
    /// The compression of an archive, by its first 512 bytes; `None` if it is no archive.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else if start.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Some(Self::Xz)
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Self::Zstd)
        } else {
            start.get(257..262).is_some_and(|magic| magic == b"ustar").then_some(Self::None)
        }
    }

    fn open(self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.over(BufReader::with_capacity(1 << 18, File::open(path)?))
    }

    /// The plain bytes behind what is read.
    ///
    /// # Errors
    /// It does not begin as the compression does.
    pub(crate) fn over(self, file: impl Read + 'static) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::None => Box::new(file),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(file, true)),
            Self::Zstd => Box::new(ruzstd::decoding::StreamingDecoder::new(file).map_err(io::Error::other)?),
        })
    }
}

/// A chart's name and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) name: String,
    pub(super) version: String,
}

/// What an archive holds, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct Contents {
    docker: bool,
    layout: bool,
    /// It is this chart.
    pub(super) chart: Option<Chart>,
    /// Members that are programs by their names.
    pub(super) programs: Vec<String>,
}

impl Contents {
    /// Whether it holds container images.
    pub(super) fn is_image(&self) -> bool {
        self.docker || self.layout
    }
}

/// Looks through an archive once.
///
/// # Errors
/// It is damaged.
pub(super) fn look(path: &Path, compression: Compression) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut archive = tar::Archive::new(compression.open(path)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        match name.as_str() {
            "manifest.json" => contents.docker = true,
            "oci-layout" => contents.layout = true,
            _ if !entry.header().entry_type().is_file() => {}
            _ if name.ends_with("/Chart.yaml") && name.matches('/').count() == 1 => {
                let mut text = String::new();
                entry.by_ref().take(CHART_LIMIT).read_to_string(&mut text)?;
                contents.chart = chart(&text);
            }
            _ if program::known(&file_name(Path::new(&name))).is_some() => contents.programs.push(name),
            _ => {}
        }
        if contents.is_image() {
            break;
        }
    }
    Ok(contents)
}

/// Name and version of a Chart.yaml: plain lines at its top level.
fn chart(text: &str) -> Option<Chart> {
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.split(" #").next()?.trim().trim_matches(['"', '\'']).to_owned())
    };
    Some(Chart { name: field("name")?, version: field("version")? })
}

/// An archive that cannot be read to its end.
pub(super) fn damaged(path: &Path) -> impl Fn(io::Error) -> BundleError {
    move |error| BundleError::unusable(path, format!("it is damaged: {error}"))
}

/// Unpacks these members into `folder` under their last names, and says where they are.
///
/// # Errors
/// The archive is damaged, or the folder cannot be written.
pub(super) fn unpack(
    path: &Path,
    compression: Compression,
    members: &[String],
    folder: &Path,
) -> Result<Vec<PathBuf>, BundleError> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(compression.open(path).map_err(damaged(path))?);
    for entry in archive.entries().map_err(damaged(path))? {
        let mut entry = entry.map_err(damaged(path))?;
        let name = entry.path().map_err(damaged(path))?.to_string_lossy().trim_start_matches("./").to_owned();
        if !entry.header().entry_type().is_file() || !members.contains(&name) {
            continue;
        }
        // Only the last part of its path counts, so nothing lands outside of the folder.
        let to = folder.join(file_name(Path::new(&name)));
        write_out(path, &mut entry, &to)?;
        files.push(to);
    }
    Ok(files)
}

/// Decompresses a whole archive to `to`.
///
/// # Errors
/// It is damaged, or `to` cannot be written.
pub(super) fn decompress(path: &Path, compression: Compression, to: &Path) -> Result<PathBuf, BundleError> {
    write_out(path, &mut compression.open(path).map_err(damaged(path))?, to)?;
    Ok(to.to_owned())
}

/// Writes what comes out of an archive to a new file in the place of an old one. A full disk is no damage of the archive.
fn write_out(archive: &Path, content: &mut dyn Read, to: &Path) -> Result<(), BundleError> {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::remove_file(to);
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(to)
        .map_err(BundleError::file("create", to))?;
    copy(content, &mut out, |_| {}).map(drop).map_err(|error| match error {
        CopyError::Read(error) => damaged(archive)(error),
        CopyError::Write(error) => BundleError::file("write", to)(error),
    })
}

/// The last part of a path.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
