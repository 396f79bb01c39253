//! The variables that only a template file sees: where it lies, whose it is, where it goes, and `ansible_managed`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use data::{Map, Text, Value};
use jiff::tz::TimeZone;

use crate::methods::strftime;
use crate::val::Moment;

/// Ansible's `DEFAULT_MANAGED_STR`.
pub const DEFAULT_MANAGED: &str = "Ansible managed";

/// `template_path` and its kin: `shown` is the path as the task names it, `destination` where the result goes, if anywhere. The times
/// (`template_mtime`, `template_run_date`) are added by the engine, since no plain value is a time.
pub fn template_vars(shown: &str, path: &Path, destination: Option<&str>) -> Map {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    Map::from([
        ("template_host", Value::from(host_name())),
        ("template_path", shown.into()),
        ("template_uid", owner(path)),
        ("template_destpath", destination.map(str::to_owned).into()),
        ("template_fullpath", full.display().to_string().into()),
    ])
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_end().to_owned()
}

/// The name of the file's owner, or its number when `/etc/passwd` has none for it.
fn owner(path: &Path) -> Value {
    let uid = std::fs::metadata(path).map(|meta| meta.uid()).unwrap_or(0);
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.map_or_else(|| Value::from(i128::from(uid)), Value::from)
}

/// `ansible_managed`: the setting of that name, with `{file}`, `{host}` and `{uid}` as templates of the variables above and the file's time
/// in strftime's letters. Names of files and hosts come in as variables, so they are never templates themselves.
pub fn managed(setting: &str, path: &Path) -> Text {
    let mut text = String::new();
    let mut rest = setting;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [
            ("{{", "{"),
            ("}}", "}"),
            ("{host}", "{{ template_host }}"),
            ("{uid}", "{{ template_uid }}"),
            ("{file}", "{{ template_path }}"),
        ];
        let (written, stands_for) = known
            .into_iter()
            .find(|(written, _)| rest.starts_with(written))
            .unwrap_or((&rest[..1], &rest[..1]));
        text.push_str(stands_for);
        rest = &rest[written.len()..];
    }
    text.push_str(rest);
    if text.contains('%')
        && let Some(changed) = changed(path)
        && let Ok(dated) = strftime(&changed, &text)
    {
        text = dated;
    }
    Text::template(text, None)
}

/// When the file was last written, in local time.
pub(crate) fn changed(path: &Path) -> Option<Moment> {
    moment(std::fs::metadata(path).ok()?.modified().ok()?)
}

/// Now, in local time.
pub(crate) fn now() -> Option<Moment> {
    moment(SystemTime::now())
}

fn moment(time: SystemTime) -> Option<Moment> {
    let stamp = jiff::Timestamp::try_from(time).ok()?;
    let micros = jiff::Timestamp::from_microsecond(stamp.as_microsecond()).ok()?;
    Some(Moment { time: micros.to_zoned(TimeZone::system()).datetime(), offset: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_come_into_the_managed_line_as_variables() {
        let path = Path::new("/{{ 1 / 0 }}");
        assert_eq!(managed(DEFAULT_MANAGED, path).as_str(), "Ansible managed");
        assert_eq!(
            managed("by {uid} on {host}: {file} ({{x}})", path).as_str(),
            "by {{ template_uid }} on {{ template_host }}: {{ template_path }} ({x})"
        );
    }

    #[test]
    fn a_template_knows_its_file() {
        let vars = template_vars("a.j2", Path::new("/etc/passwd"), Some("/tmp/a"));
        assert_eq!(vars.get_str("template_path"), Some("a.j2"));
        assert_eq!(vars.get_str("template_uid"), Some("root"));
        assert_eq!(vars.get_str("template_destpath"), Some("/tmp/a"));
        assert_eq!(vars.get_str("template_fullpath"), Some("/etc/passwd"));
    }
}
