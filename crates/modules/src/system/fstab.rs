//! The lines of fstab(5) and the mounts of the running system.

use std::fs;

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is mounted.
    pub(super) source: String,
    /// Where.
    pub(super) point: String,
    /// The kind of file system.
    pub(super) kind: String,
    /// Options, separated by commas.
    pub(super) options: String,
    /// The fifth field.
    pub(super) dump: String,
    /// The sixth field.
    pub(super) pass: String,
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        if line.trim_start().starts_with('#') {
            return None;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [source, point, kind, options, rest @ ..] = fields.as_slice() else { return None };
        if rest.len() > 2 {
            return None;
        }
        let rest = |index: usize| (*rest.get(index).unwrap_or(&"0")).to_owned();
        Some(Self {
            source: (*source).to_owned(),
            point: (*point).to_owned(),
            kind: (*kind).to_owned(),
            options: (*options).to_owned(),
            dump: rest(0),
            pass: rest(1),
        })
    }

    /// With blanks and the like as fstab writes them.
    fn escaped(&self) -> Self {
        let escape = |text: &str| text.replace('\\', "\\134").replace(' ', "\\040").replace('&', "\\046");
        Self {
            source: escape(&self.source),
            point: escape(&self.point),
            kind: escape(&self.kind),
            options: escape(&self.options),
            dump: self.dump.clone(),
            pass: self.pass.clone(),
        }
    }

    fn line(&self) -> String {
        format!("{} {} {} {} {} {}", self.source, self.point, self.kind, self.options, self.dump, self.pass)
    }

    /// Whether two lines are about the same thing: swap areas have no mount point and are told apart by their source.
    fn is_about(&self, other: &Self) -> bool {
        let nowhere = other.kind == "swap" || other.point == "none";
        if nowhere { self.source == other.source } else { self.point == other.point }
    }
}

/// The file with this entry, in place of one for the same mount point if there is one.
pub(super) fn with_entry(text: &str, entry: &Entry) -> String {
    let wanted = entry.escaped();
    let mut found = false;
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match Entry::parse(line).filter(|old| old.is_about(&wanted)) {
            None => lines.push(line.to_owned()),
            Some(old) => {
                found = true;
                lines.push(if old == wanted { line.to_owned() } else { wanted.line() });
            }
        }
    }
    if !found {
        lines.push(wanted.line());
    }
    joined(&lines)
}

/// The file without lines for this mount point; if a source is given, only those of that source.
pub(super) fn without(text: &str, entry: &Entry) -> String {
    let wanted = entry.escaped();
    let is = |line: &&str| {
        Entry::parse(line).is_some_and(|old| {
            old.is_about(&wanted) && (wanted.source.is_empty() || old.source == wanted.source)
        })
    };
    if !text.lines().any(|line| is(&line)) {
        return text.to_owned();
    }
    joined(&text.lines().filter(|line| !is(line)).map(str::to_owned).collect::<Vec<_>>())
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What is mounted at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// The device or share.
    pub(super) source: String,
    /// The folder of it that is the root of the mount.
    pub(super) root: String,
}

/// What is mounted at a point of the running system; the last mount there counts.
pub(super) fn mounted(point: &str) -> Option<Mounted> {
    let real =
        fs::canonicalize(point).map_or_else(|_| point.to_owned(), |path| path.to_string_lossy().into_owned());
    mounted_in(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default(), &real)
}

fn mounted_in(mountinfo: &str, point: &str) -> Option<Mounted> {
    let point = point.replace('\\', "\\134").replace(' ', "\\040");
    let lines = mountinfo.lines().rev().map(|line| line.split(' ').collect::<Vec<_>>());
    let fields = lines.into_iter().find(|fields| fields.get(4) == Some(&point.as_str()))?;
    let end = fields.iter().position(|field| *field == "-")?;
    Some(Mounted { source: (*fields.get(end + 2)?).to_owned(), root: (*fields.get(3)?).to_owned() })
}

/// Whether that is what an entry would mount: the same source, or the folder that a bind mount names.
pub(super) fn same_source(mounted: &Mounted, entry: &Entry) -> bool {
    let bind =
        entry.options.split(',').any(|option| matches!(option, "bind" | "rbind")) || entry.kind == "none";
    mounted.source == entry.source || (bind && entry.source.ends_with(&mounted.root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, point: &str, options: &str) -> Entry {
        Entry {
            source: source.into(),
            point: point.into(),
            kind: "ext4".into(),
            options: options.into(),
            dump: "0".into(),
            pass: "0".into(),
        }
    }

    const FSTAB: &str = "# comment\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1\t/data\text4\tdefaults\n";

    #[test]
    fn a_line_is_added_kept_or_replaced() {
        assert_eq!(with_entry(FSTAB, &entry("/dev/sdb1", "/data", "defaults")), FSTAB);
        let changed = with_entry(FSTAB, &entry("/dev/sdb1", "/data", "noatime"));
        assert!(
            changed.ends_with("/dev/sdb1 /data ext4 noatime 0 0\n")
                && changed.starts_with("# comment\nUUID=1 /")
        );
        let added = with_entry(FSTAB, &entry("nas:/a b", "/mnt/x", "ro"));
        assert!(added.ends_with("nas:/a\\040b /mnt/x ext4 ro 0 0\n"));
    }

    #[test]
    fn a_line_is_removed_by_its_point_and_source() {
        assert_eq!(without(FSTAB, &entry("", "/data", "")), "# comment\nUUID=1 / ext4 defaults 0 1\n");
        assert_eq!(without(FSTAB, &entry("/dev/other", "/data", "")), FSTAB);
        assert_eq!(without(FSTAB, &entry("", "/none", "")), FSTAB);
    }

    #[test]
    fn swap_areas_are_told_apart_by_their_source() {
        let text = "/dev/a none swap sw 0 0\n/dev/b none swap sw 0 0\n";
        let swap = Entry { kind: "swap".into(), ..entry("/dev/a", "none", "sw") };
        assert_eq!(without(text, &swap), "/dev/b none swap sw 0 0\n");
    }

    #[test]
    fn the_last_mount_at_a_point_counts() {
        let info =
            "20 1 8:1 / /data rw shared:1 - ext4 /dev/sda1 rw\n21 1 8:2 /sub /data rw - xfs /dev/sdb1 rw\n";
        assert_eq!(
            mounted_in(info, "/data"),
            Some(Mounted { source: "/dev/sdb1".into(), root: "/sub".into() })
        );
        assert_eq!(mounted_in(info, "/other"), None);
    }
}
