//! `stat`: all about a file.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use data::{Map, Value};
use rustix::fs::Access;

use crate::process::{Command, find_program};
use crate::{Arg, Args, Context, Failure, ModuleSpec, Outcome, accounts, digest_of_file};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "stat",
    summary: "Retrieve file or file system status",
    args: &[
        Arg::path("path").required().aliases(&["dest", "name"]).help("The file."),
        Arg::bool("follow").default_bool(false).help("Look at what a link points to."),
        Arg::bool("get_checksum").default_bool(true).help("Return a checksum of the content."),
        Arg::bool("get_mime")
            .default_bool(true)
            .aliases(&["mime", "mime_type", "mime-type"])
            .help("Return what the `file` program says of the content."),
        Arg::bool("get_attributes")
            .default_bool(true)
            .aliases(&["attr", "attributes"])
            .help("Return what the `lsattr` program says."),
        Arg::str("checksum_algorithm")
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
            .default_str("sha1")
            .aliases(&["checksum", "checksum_algo"])
            .help("The checksum's algorithm."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let path = args.path("path")?;
    let found = if args.bool("follow") { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
    let found = match found {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound) => {
            return Ok(Outcome::unchanged().with("stat", Map::from([("exists", false)])));
        }
        Err(error) => return Err(Failure::io("could not look at", &path, &error)),
    };
    let mut stat = describe(&path, &found);
    if found.is_symlink() {
        let source = fs::canonicalize(&path).unwrap_or_else(|_| link_target(&path));
        stat.insert("lnk_source", source.display().to_string());
        stat.insert("lnk_target", fs::read_link(&path).unwrap_or_default().display().to_string());
    }
    if let Some(user) = accounts::user_by_id(found.uid()) {
        stat.insert("pw_name", user.name);
    }
    if let Some(group) = accounts::group_by_id(found.gid()) {
        stat.insert("gr_name", group.name);
    }
    if found.is_file() && args.bool("get_checksum") && rustix::fs::access(&path, Access::READ_OK).is_ok() {
        stat.insert("checksum", checksum(&path, args.str("checksum_algorithm")?)?);
    }
    if args.bool("get_mime") {
        let (kind, charset) = mime(&path, context);
        stat.insert("mimetype", kind);
        stat.insert("charset", charset);
    }
    if args.bool("get_attributes") {
        add_attributes(&path, &mut stat, context);
    }
    Ok(Outcome::unchanged().with("stat", stat))
}

/// Where a broken link would lead.
fn link_target(path: &Path) -> std::path::PathBuf {
    let target = fs::read_link(path).unwrap_or_default();
    path.parent().unwrap_or_else(|| Path::new("/")).join(target)
}

fn describe(path: &Path, found: &Metadata) -> Map {
    let mut stat = Map::from([("exists", Value::from(true)), ("path", path.display().to_string().into())]);
    stat.extend_from(&status(found));
    stat.insert("blocks", found.blocks());
    stat.insert("block_size", found.blksize());
    stat.insert("device_type", found.rdev());
    for (name, access) in
        [("readable", Access::READ_OK), ("writeable", Access::WRITE_OK), ("executable", Access::EXEC_OK)]
    {
        stat.insert(name, rustix::fs::access(path, access).is_ok());
    }
    stat
}

/// What both `stat` and `find` tell of a file.
fn status(found: &Metadata) -> Map {
    let mode = found.mode();
    let kind = found.file_type();
    let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
    let mut status = Map::from([
        ("mode", Value::from(format!("{:04o}", mode & 0o7777))),
        ("isdir", kind.is_dir().into()),
        ("ischr", kind.is_char_device().into()),
        ("isblk", kind.is_block_device().into()),
        ("isreg", kind.is_file().into()),
        ("isfifo", kind.is_fifo().into()),
        ("islnk", kind.is_symlink().into()),
        ("issock", kind.is_socket().into()),
        ("uid", found.uid().into()),
        ("gid", found.gid().into()),
        ("size", found.size().into()),
        ("inode", found.ino().into()),
        ("dev", found.dev().into()),
        ("nlink", found.nlink().into()),
        ("atime", seconds(found.atime(), found.atime_nsec()).into()),
        ("mtime", seconds(found.mtime(), found.mtime_nsec()).into()),
        ("ctime", seconds(found.ctime(), found.ctime_nsec()).into()),
    ]);
    for (name, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        status.insert(name, mode & bit != 0);
    }
    status
}

/// [`status`] with the names of owner and group, empty where there are none, as `find` returns it.
pub(super) fn mode_and_owner(found: &Metadata) -> Map {
    let mut status = status(found);
    status.insert("pw_name", accounts::user_by_id(found.uid()).map(|user| user.name).unwrap_or_default());
    status.insert("gr_name", accounts::group_by_id(found.gid()).map(|group| group.name).unwrap_or_default());
    status
}

/// A checksum of a file by the name that Ansible has for the algorithm.
pub(crate) fn checksum(path: &Path, algorithm: &str) -> Result<String, Failure> {
    let digest = match algorithm {
        "md5" => digest_of_file::<md5::Md5>(path),
        "sha1" => digest_of_file::<sha1::Sha1>(path),
        "sha224" => digest_of_file::<sha2::Sha224>(path),
        "sha256" => digest_of_file::<sha2::Sha256>(path),
        "sha384" => digest_of_file::<sha2::Sha384>(path),
        "sha512" => digest_of_file::<sha2::Sha512>(path),
        "sha3_224" => digest_of_file::<sha3::Sha3_224>(path),
        "sha3_256" => digest_of_file::<sha3::Sha3_256>(path),
        "sha3_384" => digest_of_file::<sha3::Sha3_384>(path),
        "sha3_512" => digest_of_file::<sha3::Sha3_512>(path),
        other => {
            let known = "md5, sha1, sha224, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512";
            let said = format!(
                "Could not hash file '{}' with algorithm '{other}'. Available algorithms: {known}",
                path.display()
            );
            return Err(Failure::new(said));
        }
    };
    digest.map_err(|error| Failure::io("could not read", path, &error))
}

fn mime(path: &Path, context: &mut Context) -> (String, String) {
    let unknown = || ("unknown".to_string(), "unknown".to_string());
    let Some(program) = find_program("file", context) else { return unknown() };
    let command = Command::new(program).args(["--mime-type", "--mime-encoding"]).arg(path);
    let Some(output) = command.run(context).ok().filter(crate::process::Output::ok) else { return unknown() };
    let text = output.stdout_text();
    let parts = text.rsplit_once(':').and_then(|(_, said)| said.split_once(';'));
    match parts.and_then(|(kind, charset)| Some((kind.trim(), charset.split_once('=')?.1.trim()))) {
        Some((kind, charset)) => (kind.to_string(), charset.to_string()),
        None => unknown(),
    }
}

fn add_attributes(path: &Path, stat: &mut Map, context: &mut Context) {
    let (mut version, mut flags) = (Value::Null, String::new());
    if let Some(program) = find_program("lsattr", context) {
        let output =
            Command::new(program).arg("-vd").arg(path).run(context).ok().filter(crate::process::Output::ok);
        let text = output.map(|output| output.stdout_text()).unwrap_or_default();
        let mut words = text.split_whitespace();
        if let (Some(first), Some(second)) = (words.next(), words.next()) {
            version = Value::from(first);
            flags = second.replace('-', "");
        }
    }
    stat.insert("version", version);
    stat.insert("attributes", flags.chars().filter_map(flag_name).map(Value::from).collect::<Value>());
    stat.insert("attr_flags", flags);
}

/// Ansible's words for the flags of `lsattr`.
fn flag_name(flag: char) -> Option<&'static str> {
    Some(match flag {
        'A' => "noatime",
        'a' => "append",
        'c' => "compressed",
        'C' => "nocow",
        'd' => "nodump",
        'D' => "dirsync",
        'e' => "extents",
        'E' => "encrypted",
        'h' => "blocksize",
        'i' => "immutable",
        'I' => "indexed",
        'j' => "journalled",
        'N' => "inline",
        's' => "zero",
        'S' => "synchronous",
        't' => "notail",
        'T' => "blockroot",
        'u' => "undelete",
        'X' => "compressedraw",
        'Z' => "compresseddirty",
        _ => return None,
    })
}
