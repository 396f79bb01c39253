//! Which files a conf folder has, under the names that the releases and their documents gave them.

use std::path::{Path, PathBuf};

use data::Diagnostic;

/// The file that describes the hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Description {
    /// `hosts.ini`
    Hosts(PathBuf),
    /// `config-sample.yaml`
    KubeKey(PathBuf),
}

/// The files of a conf folder.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) description: Option<Description>,
    /// Variable files; later ones win.
    pub(crate) vars: Vec<PathBuf>,
}

/// Names of variable files, weakest first, each with the right name where it is a slip.
const VARS: [(&str, Option<&str>); 4] = [
    ("common.yml", Some("common.yaml")),
    ("common.yaml", None),
    ("vars.yaml", Some("vars.yml")),
    ("vars.yml", None),
];

impl Files {
    /// Looks for the files of `folder`.
    pub(crate) fn find(folder: &Path, findings: &mut Vec<Diagnostic>) -> Self {
        let vars = vars_files(folder, findings);
        let hosts = hosts_file(folder, findings);
        let kubekey = kubekey_file(folder);
        let description = match (hosts, kubekey) {
            (Some(hosts), Some(kubekey)) => {
                findings.push(
                    Diagnostic::error(format!(
                        "both `{}` and `{}` describe the hosts",
                        hosts.display(),
                        kubekey.display()
                    ))
                    .help("keep the one that you edited and move the other one out of the folder"),
                );
                None
            }
            (Some(hosts), None) => Some(Description::Hosts(hosts)),
            (None, Some(kubekey)) => Some(Description::KubeKey(kubekey)),
            (None, None) => {
                findings.push(
                    Diagnostic::error(format!("there is no `hosts.ini` in `{}`", folder.display()))
                        .help("copy one from `inventory/samples/` and fill in your hosts, or put KubeKey's `config-sample.yaml` there"),
                );
                None
            }
        };
        Self { description, vars }
    }

    /// All of them.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let described = self.description.iter().map(|description| match description {
            Description::Hosts(path) | Description::KubeKey(path) => path.clone(),
        });
        described.chain(self.vars.iter().cloned()).collect()
    }
}

fn hosts_file(folder: &Path, findings: &mut Vec<Diagnostic>) -> Option<PathBuf> {
    let right = folder.join("hosts.ini");
    if right.is_file() {
        return Some(right);
    }
    let slip = folder.join("host.ini");
    slip.is_file().then(|| {
        findings.push(misnamed(&slip, "hosts.ini"));
        slip
    })
}

fn vars_files(folder: &Path, findings: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (name, right) in VARS {
        let path = folder.join(name);
        if path.is_file() {
            findings.extend(right.map(|right| misnamed(&path, right)));
            files.push(path);
        }
    }
    if let [weaker @ .., winner] = &files[..]
        && !weaker.is_empty()
    {
        let names: Vec<String> = weaker.iter().map(|path| format!("`{}`", path.display())).collect();
        findings.push(
            Diagnostic::warning(format!(
                "variables stand in {} and in `{}`",
                names.join(", "),
                winner.display()
            ))
            .note(format!("where both name a variable, `{}` wins", winner.display()))
            .help("keep one of the files"),
        );
    }
    files.extend(plugin_files(folder));
    files
}

/// `plugin-*.yaml` of the 2.1 installer, by name.
fn plugin_files(folder: &Path) -> Vec<PathBuf> {
    listed(folder, |name| name.starts_with("plugin-") && (name.ends_with(".yaml") || name.ends_with(".yml")))
}

/// `config-sample.yaml`, or a file of another name that says it is KubeKey's.
fn kubekey_file(folder: &Path) -> Option<PathBuf> {
    let named = ["config-sample.yaml", "config-sample.yml"].map(|name| folder.join(name));
    if let Some(path) = named.into_iter().find(|path| path.is_file()) {
        return Some(path);
    }
    let others = listed(folder, |name| name.ends_with(".yaml") || name.ends_with(".yml"));
    others.into_iter().find(|path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| line.starts_with("apiVersion: kubekey.kubesphere.io/"))
    })
}

fn listed(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let paths = data::fs::list(folder).unwrap_or_default();
    let is_wanted = |path: &PathBuf| {
        path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted)
    };
    paths.into_iter().filter(is_wanted).collect()
}

fn misnamed(path: &Path, right: &str) -> Diagnostic {
    Diagnostic::warning(format!("`{}` is read as `{right}`", path.display()))
        .help(format!("rename it to `{right}`, the name that all documents use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut findings = Vec::new();
        let files = Files::find(folder.path(), &mut findings);
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let prefix = format!("{}/", folder.path().display());
        let titles = findings.iter().map(|finding| finding.title.replace(&prefix, "")).collect();
        (files.paths().into_iter().map(name).collect(), titles)
    }

    #[test]
    fn each_release_has_its_names() {
        for (names, read) in [
            (vec!["hosts.ini", "vars.yml"], vec!["hosts.ini", "vars.yml"]),
            (
                vec!["hosts.ini", "common.yaml", "plugin-qingcloud.yaml", "plugin-b.yaml"],
                vec!["hosts.ini", "common.yaml", "plugin-b.yaml", "plugin-qingcloud.yaml"],
            ),
            (vec!["config-sample.yaml"], vec!["config-sample.yaml"]),
        ] {
            assert_eq!(find(&names), (read.into_iter().map(str::to_owned).collect(), vec![]), "{names:?}");
        }
    }

    #[test]
    fn slips_of_the_documents_are_read_with_a_warning() {
        for (slip, right) in
            [("host.ini", "hosts.ini"), ("vars.yaml", "vars.yml"), ("common.yml", "common.yaml")]
        {
            let (files, titles) =
                find(&["hosts.ini", slip].map(|name| if slip == "host.ini" { slip } else { name }));
            assert!(files.iter().any(|file| file == slip));
            assert_eq!(titles, [format!("`{slip}` is read as `{right}`")]);
        }
    }

    #[test]
    fn two_descriptions_or_none_are_mistakes() {
        assert_eq!(
            find(&["hosts.ini", "config-sample.yaml"]).1,
            ["both `hosts.ini` and `config-sample.yaml` describe the hosts"]
        );
        assert!(find(&[]).1[0].starts_with("there is no `hosts.ini` in"));
    }

    #[test]
    fn of_two_variable_files_the_later_release_yields() {
        let (files, titles) = find(&["hosts.ini", "common.yaml", "vars.yml"]);
        assert_eq!(files, ["hosts.ini", "common.yaml", "vars.yml"]);
        assert_eq!(titles, ["variables stand in `common.yaml` and in `vars.yml`"]);
    }
}
