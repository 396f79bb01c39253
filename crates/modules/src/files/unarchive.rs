//! `unarchive`: a tar archive, compressed or not, unpacked into a folder; what is right already is left alone.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command as System, Stdio};

use data::{Map, Value};
use flate2::read::MultiGzDecoder;
use tar::Archive;

use super::tar_entry::{Item, Selection};
use super::zip_reader;
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::process::find_program;
use crate::{Arg, ArgType, Args, Blob, Context, Default, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "unarchive",
    summary: "Unpacks an archive after (optionally) copying it from the local machine",
    args: &[
        Arg::path("src").required().help("The archive: on the controller, or on the host with `remote_src`."),
        Arg::str("content_blob").help("SHA-256 of the archive that the controller sends."),
        Arg::path("dest").required().help("The folder to unpack into; must be there."),
        Arg::bool("remote_src").default_bool(false).help("`src` is on the host itself."),
        Arg::path("creates").help("A file; if it is there, nothing is done."),
        Arg::bool("list_files").default_bool(false).help("Return the names in the archive."),
        Arg::bool("keep_newer").default_bool(false).help("Leave files that are newer than the archive's."),
        Arg::list("exclude", ArgType::Str)
            .default(Default::List(&[]))
            .help("Patterns of names to leave out."),
        Arg::list("include", ArgType::Str)
            .default(Default::List(&[]))
            .help("Patterns of names to unpack, and no others."),
        Arg::list("extra_opts", ArgType::Str)
            .default(Default::List(&[]))
            .help("Options of `tar`; of these `--strip-components=N` is known."),
        Arg::bool("validate_certs").default_bool(true).help("Accepted for Ansible's sake."),
        Arg::int("io_buffer_size").default_int(65536).help("Accepted for Ansible's sake."),
        Arg::bool("copy").default_bool(true).help("The opposite of `remote_src`, older."),
        Arg::bool("decrypt").default_bool(true).help("Decrypt a vaulted archive; done by the controller."),
    ],
    shared: file_attributes::ARGS,
    rules: Rules { mutually_exclusive: &[&["include", "exclude"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (source, dest) = (args.str("src")?, args.path("dest")?);
    let outcome = Outcome::unchanged().with("dest", dest.display().to_string()).with("src", source);
    if let Some(path) = args.opt_path("creates").filter(|path| path.exists()) {
        return Ok(outcome.msg(format!("skipped, since {} exists", path.display())));
    }
    if !dest.is_dir() {
        return Err(Failure::new(format!("Destination '{}' is not a directory", dest.display())));
    }
    let dest =
        std::fs::canonicalize(&dest).map_err(|error| Failure::io("could not look at", &dest, &error))?;
    let selection = Selection::from_args(args)?;
    let source = Source::from_args(args, context)?;
    let format = source.format(context)?;
    // All is looked at before anything is written: an archive that may not be unpacked leaves nothing behind.
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    let mut changed = false;
    let keep_newer = args.bool("keep_newer");
    each(&source, format, &selection, context, |item, _| {
        paths.push(item.path.display().to_string());
        names.push(item.name.clone());
        changed |= item.differs(&dest, keep_newer)?;
        Ok(())
    })?;
    if changed && !context.check {
        let mut folders = Vec::new();
        each(&source, format, &selection, context, |mut item, _| {
            if item.differs_without_reading(&dest, keep_newer) {
                item.unpack(&dest)?;
            }
            folders.extend(item.is_folder().then(|| item.folder_state()));
            Ok(())
        })?;
        // Times and modes of folders come last: filling them changes the one and may need the other.
        for folder in folders.iter().rev() {
            folder.apply(&dest)?;
        }
    }
    let mut outcome = outcome.with("handler", format.handler());
    outcome.changed = changed;
    if changed && !context.check {
        let done = Map::from([
            ("rc", Value::from(0)),
            ("out", "".into()),
            ("err", "".into()),
            ("cmd", Value::from(Vec::new())),
        ]);
        outcome = outcome.with("extract_results", done);
    }
    if !context.check {
        outcome.changed |= set_attributes(&paths, &dest, args, context)?;
    }
    if args.bool("list_files") {
        outcome = outcome.with("files", names.into_iter().map(Value::from).collect::<Value>());
    }
    Ok(outcome)
}

/// Owner, group and mode of all that was in the archive.
fn set_attributes(
    names: &[String],
    dest: &Path,
    args: &Args,
    context: &mut Context,
) -> Result<bool, Failure> {
    let attributes = FileAttributes::from_args(args)?;
    let mut changed = false;
    if !attributes.is_empty() {
        for name in names {
            changed |= attributes.apply(&dest.join(name), context, &mut Changes::default())?;
        }
    }
    Ok(changed)
}

/// Reads the archive once, entry by entry.
fn each(
    source: &Source,
    format: Format,
    selection: &Selection,
    context: &mut Context,
    mut take: impl FnMut(Item<'_>, &Context) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if format == Format::Zip {
        for entry in zip_reader::entries(source.seekable(context)?, &source.name)? {
            context.go_on()?;
            if let Some(item) = Item::of_zip(entry, selection)? {
                take(item, context)?;
            }
        }
        return Ok(());
    }
    let broken =
        |error: std::io::Error| Failure::new(format!("could not read the archive {}: {error}", source.name));
    let mut archive = Archive::new(format.open(source, context)?);
    for entry in archive.entries().map_err(broken)? {
        context.go_on()?;
        let entry = entry.map_err(broken)?;
        if let Some(item) = Item::of_tar(entry, selection)? {
            take(item, context)?;
        }
    }
    Ok(())
}

/// Where the archive is.
struct Source {
    name: String,
    place: Place,
}

enum Place {
    File(PathBuf),
    Sent(Blob),
}

impl Source {
    fn from_args(args: &Args, context: &Context) -> Result<Self, Failure> {
        let name = args.str("src")?.to_string();
        if let Some(sha256) = args.opt_str("content_blob") {
            let blob = context.blobs.get(sha256).ok_or_else(|| Failure::need(sha256))?;
            return Ok(Self { name, place: Place::Sent(blob) });
        }
        if name.contains("://") {
            return Err(Failure::new(format!(
                "`src` is the URL {name}; download it with `get_url` first, with its checksum, then unpack the file"
            )));
        }
        let path = PathBuf::from(&name);
        match path.metadata() {
            Err(_) => Err(Failure::new(format!("Source '{name}' does not exist"))),
            Ok(about) if about.len() == 0 => {
                Err(Failure::new(format!("Invalid archive '{name}', the file is 0 bytes")))
            }
            Ok(_) => Ok(Self { name, place: Place::File(path) }),
        }
    }

    fn open(&self) -> Result<Box<dyn Read>, Failure> {
        let opened = match &self.place {
            Place::File(path) => File::open(path).map(|file| Box::new(BufReader::new(file)) as Box<dyn Read>),
            Place::Sent(blob) => blob.open(),
        };
        opened.map_err(|error| Failure::new(format!("Source '{}' not readable, {error}", self.name)))
    }

    /// A file that can be read anywhere, as zip archives must be.
    fn seekable(&self, context: &Context) -> Result<File, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(format!("Source '{}' not readable, {error}", self.name));
        if let Place::File(path) = &self.place {
            return File::open(path).map_err(failed);
        }
        let mut file = tempfile::tempfile_in(&context.tmpdir).map_err(failed)?;
        std::io::copy(&mut self.open()?, &mut file).map_err(failed)?;
        Ok(file)
    }

    /// What the first bytes say, whatever the name says.
    fn format(&self, context: &Context) -> Result<Format, Failure> {
        let mut head = Vec::new();
        let read = self.open()?.take(512).read_to_end(&mut head);
        read.map_err(|error| Failure::new(format!("Source '{}' not readable, {error}", self.name)))?;
        let format = Format::of(&head).ok_or_else(|| {
            Failure::new(format!(
                "Failed to find handler for \"{}\": it is neither zip nor tar nor tar compressed by gzip, bzip2, xz or zstd",
                self.name
            ))
        })?;
        if let Some(program) = format.program().filter(|program| find_program(program, context).is_none()) {
            let said =
                format!("the program `{program}` is needed to unpack {} and is not on the host", self.name);
            return Err(Failure::new(said));
        }
        Ok(format)
    }
}

/// How the archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Zip,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Format {
    fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ if head.get(257..262) == Some(b"ustar") => Self::Plain,
            _ => return None,
        })
    }

    /// Ansible's name of what unpacks it.
    fn handler(self) -> &'static str {
        match self {
            Self::Plain => "TarArchive",
            Self::Zip => "ZipArchive",
            Self::Gzip => "TgzArchive",
            Self::Bzip2 => "TarBzipArchive",
            Self::Xz => "TarXzArchive",
            Self::Zstd => "TarZstdArchive",
        }
    }

    /// The program that decompresses it, where we do not.
    fn program(self) -> Option<&'static str> {
        match self {
            Self::Bzip2 => Some("bzip2"),
            Self::Xz => Some("xz"),
            Self::Plain | Self::Zip | Self::Gzip | Self::Zstd => None,
        }
    }

    fn open(self, source: &Source, context: &Context) -> Result<Box<dyn Read>, Failure> {
        let raw = source.open()?;
        Ok(match self {
            Self::Plain | Self::Zip => raw,
            Self::Gzip => Box::new(MultiGzDecoder::new(raw)),
            Self::Zstd => {
                let wrong =
                    |error| Failure::new(format!("could not read the archive {}: {error}", source.name));
                Box::new(ruzstd::decoding::StreamingDecoder::new(raw).map_err(wrong)?)
            }
            Self::Bzip2 | Self::Xz => through(self.program().unwrap_or_default(), raw, context)?,
        })
    }
}

/// The output of a decompressing program. Its input is a file, so that nobody has to feed it while it is read.
fn through(program: &str, mut raw: Box<dyn Read>, context: &Context) -> Result<Box<dyn Read>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("could not run `{program}`: {error}"));
    let mut file = tempfile::tempfile_in(&context.tmpdir).map_err(failed)?;
    std::io::copy(&mut raw, &mut file).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let path = find_program(program, context).unwrap_or_else(|| program.into());
    let mut command = System::new(path);
    command.arg("-dc").stdin(file).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = data::program::start(&mut command).map_err(failed)?;
    let out = child.stdout.take().ok_or_else(|| Failure::new(format!("could not read from `{program}`")))?;
    Ok(Box::new(Piped { child, out }))
}

/// A program that is read from; it ends when it is no longer read.
struct Piped {
    child: std::process::Child,
    out: std::process::ChildStdout,
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.out.read(buffer)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// An archive of these entries: name, kind, content or link target.
    fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            // The builder refuses what is dangerous; we must be able to make it.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(if kind.is_dir() { 0o755 } else { 0o640 });
            header.set_mtime(1_000_000_000);
            header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
            header.set_gid(u64::from(rustix::process::getegid().as_raw()));
            let bytes = if kind.is_file() { content.as_bytes() } else { b"" };
            if !kind.is_file() {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpack(bytes: &[u8], dest: &Path, args: &[(&str, Value)]) -> Map {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let mut map: Map = args.iter().cloned().collect();
        map.insert("src", file.path().to_str().unwrap());
        map.insert("dest", dest.to_str().unwrap());
        map.insert("remote_src", true);
        crate::run_local(&crate::RunRequest::new("unarchive", map))
    }

    use tar::EntryType::{Block, Directory, Link, Regular, Symlink};

    #[test]
    fn an_archive_is_unpacked_once_with_modes_and_times() {
        let dest = tempfile::tempdir().unwrap();
        let bytes = archive(&[
            ("d/", Directory, ""),
            ("d/f", Regular, "hello"),
            ("l", Symlink, "d/f"),
            ("h", Link, "d/f"),
        ]);
        let first = unpack(&bytes, dest.path(), &[("list_files", true.into())]);
        assert_eq!(first.get("changed"), Some(&Value::from(true)), "{first:?}");
        assert_eq!(first.get("files").and_then(Value::as_list).map(|list| list.len()), Some(4));
        let file = dest.path().join("d/f");
        assert_eq!(fs::read(&file).unwrap(), b"hello");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_link(dest.path().join("l")).unwrap(), Path::new("d/f"));
        let second = unpack(&bytes, dest.path(), &[]);
        assert_eq!(second.get("changed"), Some(&Value::from(false)), "{second:?}");
        fs::write(&file, "other").unwrap();
        assert_eq!(unpack(&bytes, dest.path(), &[]).get("changed"), Some(&Value::from(true)));
    }

    #[test]
    fn compressed_archives_are_known_by_their_bytes() {
        let plain = archive(&[("f", Regular, "hello")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &plain).unwrap();
        let zstd =
            ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        for (bytes, handler) in
            [(plain, "TarArchive"), (gzip.finish().unwrap(), "TgzArchive"), (zstd, "TarZstdArchive")]
        {
            let dest = tempfile::tempdir().unwrap();
            let result = unpack(&bytes, dest.path(), &[]);
            assert_eq!(result.get_str("handler"), Some(handler), "{result:?}");
            assert_eq!(fs::read(dest.path().join("f")).unwrap(), b"hello");
        }
    }

    #[test]
    fn zip_archives_are_unpacked_and_refused_by_the_same_rules() {
        let zip = |name: &str| {
            let mut zip = crate::files::zip_writer::ZipWriter::new(Vec::new());
            zip.file("good", 0o640, 1_000_000_000, &b"x"[..]).unwrap();
            zip.file(name, 0o640, 1_000_000_000, &b"x"[..]).unwrap();
            zip.finish().unwrap()
        };
        let dest = tempfile::tempdir().unwrap();
        let result = unpack(&zip("d/f"), dest.path(), &[]);
        assert_eq!(result.get_str("handler"), Some("ZipArchive"), "{result:?}");
        let about = fs::metadata(dest.path().join("d/f")).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o640);
        assert_eq!(unpack(&zip("d/f"), dest.path(), &[]).get("changed"), Some(&Value::from(false)));
        for name in ["../evil", "/etc/evil"] {
            let dest = tempfile::tempdir().unwrap();
            assert_eq!(
                unpack(&zip(name), dest.path(), &[]).get("failed"),
                Some(&Value::from(true)),
                "{name}"
            );
            assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0, "{name}");
        }
    }

    #[test]
    fn archives_that_reach_out_are_refused_whole() {
        let reaching: &[&[(&str, tar::EntryType, &str)]] = &[
            &[("good", Regular, "x"), ("../evil", Regular, "x")],
            &[("good", Regular, "x"), ("/etc/evil", Regular, "x")],
            &[("good", Regular, "x"), ("l", Symlink, "../..")],
            &[("good", Regular, "x"), ("l", Symlink, "/etc")],
            &[("good", Regular, "x"), ("h", Link, "../other")],
            &[("good", Regular, "x"), ("disk", Block, "")],
        ];
        for entries in reaching {
            let dest = tempfile::tempdir().unwrap();
            let result = unpack(&archive(entries), dest.path(), &[]);
            assert_eq!(result.get("failed"), Some(&Value::from(true)), "{entries:?}");
            assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0, "{entries:?}");
        }
    }

    #[test]
    fn a_link_that_was_there_before_leads_nowhere_either() {
        let (dest, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(other.path(), dest.path().join("out")).unwrap();
        let result = unpack(&archive(&[("out/evil", Regular, "x")]), dest.path(), &[]);
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
        assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_can_be_chosen_and_shortened() {
        let bytes = archive(&[("top/a", Regular, "1"), ("top/b", Regular, "2"), ("top/sub/c", Regular, "3")]);
        let dest = tempfile::tempdir().unwrap();
        let options = vec![Value::from("--strip-components=1")];
        let args = [("extra_opts", options.into()), ("exclude", vec![Value::from("top/b")].into())];
        let result = unpack(&bytes, dest.path(), &args);
        assert_eq!(result.get("failed"), None, "{result:?}");
        assert!(dest.path().join("a").exists() && dest.path().join("sub/c").exists());
        assert!(!dest.path().join("b").exists());
        let result =
            unpack(&bytes, dest.path(), &[("extra_opts", vec![Value::from("--transform=s/a/b/")].into())]);
        assert!(result.get_str("msg").unwrap().contains("--transform"));
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let bytes = archive(&[("f", Regular, &"x".repeat(5000))]);
        let dest = tempfile::tempdir().unwrap();
        let result = unpack(&bytes[..2000], dest.path(), &[]);
        assert_eq!(result.get("failed"), Some(&Value::from(true)));
        assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0);
    }
}
