//! How archives are written and compared: tar, plain or compressed, and zip.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command as System, Stdio};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::{Crc, GzBuilder};

use super::zip_reader;
use super::zip_writer::ZipWriter;
use crate::process::require_program;
use crate::{Context, Failure, accounts};

/// What is packed, by name and sum: two archives with the same are the same.
pub(super) type Sums = BTreeSet<(String, u64)>;

/// A kind of archive, or of compressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Tar,
    /// A tar archive (or one file) compressed by this.
    Compressed {
        by: Compressor,
        tar: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compressor {
    Gzip,
    Bzip2,
    Xz,
}

impl Compressor {
    /// The program that does what we do not.
    fn program(self) -> Option<&'static str> {
        match self {
            Self::Gzip => None,
            Self::Bzip2 => Some("bzip2"),
            Self::Xz => Some("xz"),
        }
    }
}

impl Format {
    pub(super) fn named(name: &str, as_archive: bool) -> Self {
        let compressed = |by| Self::Compressed { by, tar: as_archive };
        match name {
            "zip" => Self::Zip,
            "tar" => Self::Tar,
            "bz2" => compressed(Compressor::Bzip2),
            "xz" => compressed(Compressor::Xz),
            _ => compressed(Compressor::Gzip),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Compressed { by: Compressor::Gzip, .. } => "tar.gz",
            Self::Compressed { by: Compressor::Bzip2, .. } => "tar.bz2",
            Self::Compressed { by: Compressor::Xz, .. } => "tar.xz",
        }
    }

    /// Whether it keeps names, even for one file.
    pub(super) fn is_container(self) -> bool {
        matches!(self, Self::Zip | Self::Tar)
    }

    /// Packs entries: paths with their names in the archive.
    pub(super) fn pack(
        self,
        entries: &[(PathBuf, String)],
        out: &mut impl Write,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(error.to_string());
        match self {
            Self::Zip => pack_zip(entries, out, context),
            Self::Tar => pack_tar(entries, out, context),
            Self::Compressed { by: Compressor::Gzip, .. } => {
                let mut gzip = GzBuilder::new().write(out, Compression::best());
                pack_tar(entries, &mut gzip, context)?;
                gzip.finish().map(drop).map_err(failed)
            }
            Self::Compressed { by, .. } => {
                let mut plain = tempfile::tempfile_in(&context.tmpdir).map_err(failed)?;
                pack_tar(entries, &mut plain, context)?;
                plain.seek(SeekFrom::Start(0)).map_err(failed)?;
                through(by, &["-9", "-c"], plain, out, context)
            }
        }
    }

    /// Compresses one file.
    pub(super) fn compress(
        self,
        mut file: File,
        path: &Path,
        out: &mut impl Write,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(format!("Unable to write to compressed file: {error}"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::Zip | Self::Tar => self.pack(&[(path.to_path_buf(), name)], out, context),
            Self::Compressed { by: Compressor::Gzip, .. } => {
                let mut gzip = GzBuilder::new().filename(name.into_bytes()).write(out, Compression::best());
                io::copy(&mut file, &mut gzip).map_err(failed)?;
                gzip.finish().map(drop).map_err(failed)
            }
            Self::Compressed { by, .. } => through(by, &["-9", "-c"], file, out, context),
        }
    }

    /// What an archive holds; nothing if it is not there, an empty set if it cannot be read.
    pub(super) fn sums(self, path: &Path, context: &mut Context) -> Option<Sums> {
        let file = File::open(path).ok()?;
        Some(self.read_sums(file, context).unwrap_or_default())
    }

    fn read_sums(self, file: File, context: &mut Context) -> Result<Sums, Failure> {
        match self {
            Self::Zip => {
                let entries = zip_reader::entries(file, "")?;
                Ok(entries.into_iter().map(|entry| (entry.name, u64::from(entry.crc))).collect())
            }
            Self::Tar => tar_sums(file),
            Self::Compressed { by, tar } => {
                let mut plain = tempfile::tempfile_in(&context.tmpdir)
                    .map_err(|error| Failure::io("could not write in", &context.tmpdir, &error))?;
                let failed = |error: io::Error| Failure::new(error.to_string());
                if by == Compressor::Gzip {
                    io::copy(&mut MultiGzDecoder::new(file), &mut plain).map_err(failed)?;
                } else {
                    through(by, &["-dc"], file, &mut plain, context)?;
                }
                plain.seek(SeekFrom::Start(0)).map_err(failed)?;
                if tar { tar_sums(plain) } else { content_sum(plain) }
            }
        }
    }
}

/// The header's own sum covers name, mode, owner, time and size.
fn tar_sums(file: impl Read) -> Result<Sums, Failure> {
    let broken = |error: io::Error| Failure::new(error.to_string());
    let mut archive = tar::Archive::new(file);
    let mut sums = Sums::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.display().to_string();
        let header = u64::from(entry.header().cksum().map_err(broken)?);
        // Ansible compares headers only; the content's sum notices a file that changed within the second too.
        let mut crc = Crc::new();
        copy_to(&mut entry, &mut crc).map_err(broken)?;
        sums.insert((name, header << 32 | u64::from(crc.sum())));
    }
    Ok(sums)
}

fn content_sum(mut file: impl Read) -> Result<Sums, Failure> {
    let mut crc = Crc::new();
    copy_to(&mut file, &mut crc).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Sums::from([(String::new(), u64::from(crc.sum()))]))
}

fn copy_to(from: &mut impl Read, crc: &mut Crc) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => crc.update(&buffer[..count]),
        }
    }
}

fn pack_tar(
    entries: &[(PathBuf, String)],
    out: &mut impl Write,
    context: &mut Context,
) -> Result<(), Failure> {
    let mut builder = tar::Builder::new(out);
    builder.follow_symlinks(false);
    for (path, name) in entries {
        context.go_on()?;
        let failed = |error: io::Error| Failure::io("could not pack", path, &error);
        let about = fs::symlink_metadata(path).map_err(failed)?;
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&about);
        // Names are too long for the header now and then; who they are is told by number then.
        let _ = header.set_username(&accounts::user_name(about.uid()));
        let _ = header.set_groupname(&accounts::group_name(about.gid()));
        if about.is_symlink() {
            header.set_size(0);
            let target = fs::read_link(path).map_err(failed)?;
            builder.append_link(&mut header, name, target).map_err(failed)?;
        } else if about.is_dir() {
            header.set_size(0);
            builder.append_data(&mut header, format!("{name}/"), io::empty()).map_err(failed)?;
        } else if about.is_file() {
            let file = File::open(path).map_err(failed)?;
            // A file that grows meanwhile would not fit what its header says.
            builder.append_data(&mut header, name, file.take(about.len())).map_err(failed)?;
        } else {
            context.warn(format!("{} is no file, folder or link and was not packed", path.display()));
        }
    }
    builder.into_inner().map(drop).map_err(|error| Failure::new(error.to_string()))
}

/// As Python packs: links are followed.
fn pack_zip(
    entries: &[(PathBuf, String)],
    out: &mut impl Write,
    context: &mut Context,
) -> Result<(), Failure> {
    let mut zip = ZipWriter::new(out);
    for (path, name) in entries {
        context.go_on()?;
        let failed = |error: io::Error| Failure::io("could not pack", path, &error);
        let about = fs::metadata(path).map_err(failed)?;
        let (mode, seconds) = (about.permissions().mode() & 0o7777, about.mtime());
        if about.is_dir() {
            zip.folder(&format!("{name}/"), mode, seconds).map_err(failed)?;
        } else {
            zip.file(name, mode, seconds, File::open(path).map_err(failed)?).map_err(failed)?;
        }
    }
    zip.finish().map(drop).map_err(|error| Failure::new(error.to_string()))
}

/// Sends a file through a program of the host.
fn through(
    by: Compressor,
    words: &[&str],
    input: File,
    out: &mut impl Write,
    context: &Context,
) -> Result<(), Failure> {
    let name = by.program().unwrap_or_default();
    let program = require_program(name, context).map_err(|_| {
        Failure::new(format!("the program `{name}` is needed for this format and is not on the host"))
    })?;
    let failed = |error: io::Error| Failure::new(format!("could not run `{name}`: {error}"));
    let mut command = System::new(program);
    command.args(words).stdin(input).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = data::program::start(&mut command).map_err(failed)?;
    let copied = match child.stdout.take() {
        Some(mut from) => io::copy(&mut from, out).map(drop),
        None => Ok(()),
    };
    // Waited for even after an error, so that no dead process is left.
    if copied.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    copied.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{name}` failed: {status}"))) }
}
