//! The `mounts` fact: mounted file systems with their sizes, asked in parallel because a dead NFS server answers nobody.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use data::{Map, Value};

use super::files;

/// One line of mtab that Ansible reports.
#[derive(Clone, Debug, PartialEq)]
struct Mount {
    device: String,
    mount: String,
    fstype: String,
    options: String,
    dump: i64,
    passno: i64,
}

/// `mounts`, and the warnings about mounts that did not answer in time.
pub(super) fn mounts(timeout: Duration) -> (Map, Vec<String>) {
    let mtab = files::content("/etc/mtab").unwrap_or_else(|| files::text("/proc/mounts"));
    let mut found = parse_mtab(&mtab);
    let bound = bind_mounts(&files::text("/proc/self/mountinfo"));
    for mount in &mut found {
        if bound.contains(&mount.mount) && !mount.options.contains("bind") {
            mount.options += ",bind";
        }
    }
    let uuids = device_uuids();
    let mut warnings = Vec::new();
    let list = with_sizes(&found, timeout).into_iter().map(|(mount, size)| {
        let mut fact = describe(&mount);
        match size {
            Some(size) => {
                fact.extend_from(&size);
                fact.insert("uuid", uuids.get(&mount.device).cloned().unwrap_or_else(|| "N/A".to_owned()));
            }
            None => {
                warnings.push(format!("Timeout exceeded when getting mount info for {}", mount.mount));
                fact.insert("note", "Could not get extra information due to timeout");
            }
        }
        Value::from(fact)
    });
    let list: Vec<_> = list.collect();
    (Map::from([("mounts", list)]), warnings)
}

fn describe(mount: &Mount) -> Map {
    Map::from([
        ("mount", Value::from(mount.mount.as_str())),
        ("device", mount.device.as_str().into()),
        ("fstype", mount.fstype.as_str().into()),
        ("options", mount.options.as_str().into()),
        ("dump", mount.dump.into()),
        ("passno", mount.passno.into()),
    ])
}

/// The mounts of real devices and network shares; pseudo file systems are left out. A mount point listed twice is reported as its last.
fn parse_mtab(mtab: &str) -> Vec<Mount> {
    let mut found: Vec<Mount> = Vec::new();
    for line in mtab.lines() {
        let fields: Vec<String> = line.split_whitespace().map(unescape).collect();
        let [device, mount, fstype, options, rest @ ..] = fields.as_slice() else { continue };
        if (!device.starts_with(['/', '\\']) && !device.contains(":/")) || fstype == "none" {
            continue;
        }
        let number = |index: usize| rest.get(index).and_then(|text| text.parse().ok()).unwrap_or(0);
        let entry = Mount {
            device: device.clone(),
            mount: mount.clone(),
            fstype: fstype.clone(),
            options: options.clone(),
            dump: number(0),
            passno: number(1),
        };
        match found.iter_mut().find(|known| known.mount == entry.mount) {
            Some(known) => *known = entry,
            None => found.push(entry),
        }
    }
    found
}

/// Mount points whose root is not the root of their file system (what `findmnt` shows as `device[/folder]`).
fn bind_mounts(mountinfo: &str) -> HashSet<String> {
    let bound = mountinfo.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (root, mount) = (fields.nth(3)?, fields.next()?);
        (root != "/").then(|| unescape(mount))
    });
    bound.collect()
}

/// Replaces the `\040` forms that the kernel writes for white space.
fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

/// File system ids by device path, from udev's links.
fn device_uuids() -> HashMap<String, String> {
    let folder = "/dev/disk/by-uuid";
    let known = files::names(folder).into_iter().filter_map(|uuid| {
        let device = fs::canonicalize(format!("{folder}/{uuid}")).ok()?;
        Some((device.to_string_lossy().into_owned(), uuid))
    });
    known.collect()
}

/// Asks every file system for its size at once; `None` for those that had not answered after `timeout`. Their threads stay behind:
/// a thread that hangs in the kernel cannot be ended.
fn with_sizes(mounts: &[Mount], timeout: Duration) -> Vec<(Mount, Option<Map>)> {
    let (sender, receiver) = mpsc::channel();
    for (index, mount) in mounts.iter().enumerate() {
        let (sender, path) = (sender.clone(), mount.mount.clone());
        thread::spawn(move || sender.send((index, size_of(&path))));
    }
    drop(sender);
    let mut sizes: Vec<Option<Map>> = vec![None; mounts.len()];
    let end = Instant::now() + timeout;
    while let Ok((index, size)) = receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
        sizes[index] = Some(size);
    }
    mounts.iter().cloned().zip(sizes).collect()
}

/// Sizes as `statvfs` gives them; empty if the mount point may not be asked.
fn size_of(path: &str) -> Map {
    let Ok(stat) = rustix::fs::statvfs(path) else { return Map::new() };
    Map::from([
        ("size_total", stat.f_frsize * stat.f_blocks),
        ("size_available", stat.f_frsize * stat.f_bavail),
        ("block_size", stat.f_bsize),
        ("block_total", stat.f_blocks),
        ("block_available", stat.f_bavail),
        ("block_used", stat.f_blocks.saturating_sub(stat.f_bavail)),
        ("inode_total", stat.f_files),
        ("inode_available", stat.f_favail),
        ("inode_used", stat.f_files.saturating_sub(stat.f_favail)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_file_systems_are_left_out_and_the_last_of_one_place_wins() {
        let mtab = "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 1\nnas:/share /mnt/a\\040b nfs4 rw 0 0\n\
                    /dev/sdb1 /data xfs rw 0 0\n/dev/sdc1 /data xfs ro 0 0\ntmpfs /run tmpfs rw 0 0\n";
        let found = parse_mtab(mtab);
        let seen: Vec<_> = found.iter().map(|mount| (mount.device.as_str(), mount.mount.as_str())).collect();
        assert_eq!(seen, [("/dev/sda1", "/"), ("nas:/share", "/mnt/a b"), ("/dev/sdc1", "/data")]);
        assert_eq!(found[0].passno, 1);
    }

    #[test]
    fn a_mount_of_a_folder_is_a_bind_mount() {
        let info = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n30 21 254:0 /var/lib /mnt/with\\040space rw - ext4 /dev/vda rw\n";
        assert_eq!(bind_mounts(info), HashSet::from(["/mnt/with space".to_owned()]));
    }

    #[test]
    fn the_root_has_a_size() {
        let root = Mount {
            device: "/dev/x".into(),
            mount: "/".into(),
            fstype: "ext4".into(),
            options: "rw".into(),
            dump: 0,
            passno: 0,
        };
        let sized = with_sizes(&[root], Duration::from_secs(60));
        assert!(sized[0].1.as_ref().unwrap().get("size_total").unwrap().as_int().unwrap() > 0);
    }
}
