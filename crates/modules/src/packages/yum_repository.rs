//! `yum_repository`: package sources of yum and dnf, a section in a file of `/etc/yum.repos.d`.

use std::fs;
use std::io;
use std::path::Path;

use data::Value;

use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{
    Arg, ArgType, Args, Context, Diff, Failure, ModuleSpec, Outcome, RequiredIf, Rules, atomic_write,
};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "yum_repository",
    summary: "Add or remove YUM repositories",
    args: &[
        Arg::str("bandwidth").help("How many bytes a second may be used."),
        Arg::list("baseurl", ArgType::Str).help("Where it is; more than one are tried in turn."),
        Arg::str("cost").help("How expensive it is compared with others."),
        Arg::bool("countme").help("Whether hosts are counted."),
        Arg::str("deltarpm_metadata_percentage")
            .help("When lists are worth fetching as differences; no effect with dnf."),
        Arg::str("deltarpm_percentage").help("When packages are worth fetching as differences."),
        Arg::str("description").help("Its name for people."),
        Arg::bool("enabled").help("Whether it is used."),
        Arg::bool("enablegroups").help("Whether its groups are used."),
        Arg::list("exclude", ArgType::Str).aliases(&["excludepkgs"]).help("Packages to leave out."),
        Arg::str("failovermethod")
            .choices(&["roundrobin", "priority"])
            .help("In which order addresses are tried."),
        Arg::str("file").help("The file's name without `.repo`; the repository's name if not given."),
        Arg::str("gpgcakey").help("Where the key of the keys is; no effect with dnf."),
        Arg::bool("gpgcheck").help("Whether packages must be signed."),
        Arg::list("gpgkey", ArgType::Str).help("Where the keys are."),
        Arg::bool("module_hotfixes").help("Whether it may replace packages of modules."),
        Arg::str("http_caching")
            .choices(&["all", "packages", "none"])
            .help("What proxies may keep; no effect with dnf."),
        Arg::str("include").help("More configuration to read."),
        Arg::list("includepkgs", ArgType::Str).help("The only packages to take from it."),
        Arg::str("ip_resolve")
            .choices(&["4", "6", "IPv4", "IPv6", "whatever"])
            .help("Which kind of address to use."),
        Arg::bool("keepalive").help("Whether connections are kept; no effect with dnf."),
        Arg::str("keepcache")
            .choices(&["0", "1"])
            .help("Whether packages are kept after they were installed."),
        Arg::str("metadata_expire").help("How old lists may be, in seconds."),
        Arg::str("metadata_expire_filter")
            .choices(&["never", "read-only:past", "read-only:present", "read-only:future"])
            .help("Which commands may use old lists; no effect with dnf."),
        Arg::str("metalink").help("The address of a metalink."),
        Arg::str("mirrorlist").help("The address of a list of mirrors."),
        Arg::str("mirrorlist_expire").help("How old that list may be, in seconds; no effect with dnf."),
        Arg::str("name").required().help("Its id."),
        Arg::str("password").no_log().help("The password to send."),
        Arg::str("priority").help("Its priority: the lower the number the sooner it is used."),
        Arg::bool("protect").help("Whether others may not replace its packages; no effect with dnf."),
        Arg::str("proxy").help("The proxy to use, or `_none_`."),
        Arg::str("proxy_password").no_log().help("The proxy's password."),
        Arg::str("proxy_username").help("The user at the proxy."),
        Arg::bool("repo_gpgcheck").help("Whether its lists must be signed."),
        Arg::path("reposdir").default_str("/etc/yum.repos.d").help("The folder of the files."),
        Arg::str("retries").help("How often to try again; 0 is for ever."),
        Arg::bool("s3_enabled").help("Whether it lies in S3."),
        Arg::bool("skip_if_unavailable").help("Whether to go on without it when it does not answer."),
        Arg::str("sslcacert").aliases(&["ca_cert"]).help("The authorities to trust."),
        Arg::bool("ssl_check_cert_permissions")
            .help("Whether the permissions of certificates are checked; no effect with dnf."),
        Arg::str("sslclientcert").aliases(&["client_cert"]).help("The certificate to show."),
        Arg::str("sslclientkey").aliases(&["client_key"]).help("Its key."),
        Arg::bool("sslverify").aliases(&["validate_certs"]).help("Refuse certificates that nobody trusts."),
        Arg::str("state")
            .default_str("present")
            .choices(&["present", "absent"])
            .help("Whether the repository is to be there."),
        Arg::str("throttle").help("How fast packages may be fetched."),
        Arg::str("timeout").help("How many seconds to wait for an answer."),
        Arg::str("ui_repoid_vars").help("Which variables show in its id; no effect with dnf."),
        Arg::str("username").help("The user to send."),
        Arg::bool("async").help("Whether lists are fetched beside each other; no effect with dnf."),
    ],
    shared: file_attributes::ARGS,
    rules: Rules {
        required_if: &[
            RequiredIf::any("state", "present", &["baseurl", "mirrorlist", "metalink"]),
            RequiredIf::all("state", "present", &["description"]),
        ],
        ..Rules::NONE
    },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let (name, state) = (args.str("name")?, args.str("state")?);
    let folder = args.path("reposdir")?;
    if !folder.is_dir() {
        return Err(Failure::new(format!("Repo directory '{}' does not exist.", folder.display())));
    }
    let path = folder.join(format!("{}.repo", args.opt_str("file").unwrap_or(name)));
    let mut file = RepoFile::read(&path)?;
    let before = file.shown();
    file.sections.retain(|section| section.name != name);
    if state == "present" {
        file.sections.push(section(name, args));
    }
    let after = file.shown();
    let mut changed = before != after;
    if changed && !context.check {
        file.write(&path, args.bool("unsafe_writes"))?;
    }
    if path.is_file() {
        let attributes = FileAttributes::from_args(args)?;
        changed |= attributes.apply(&path, context, &mut Changes::default())?;
    }
    let shown = path.display().to_string();
    let diff = Diff::text(before, after).headers(shown.clone(), shown);
    Ok(Outcome::new(changed).with("repo", name).with("state", state).with_diff(diff))
}

/// The section that the arguments ask for: one option an argument, in the order of the names.
fn section(name: &str, args: &Args) -> Section {
    let not_options = ["name", "state", "reposdir", "file"];
    let mut options: Vec<(String, String)> = Vec::new();
    for arg in SPEC.args.iter().filter(|arg| !not_options.contains(&arg.name)) {
        let text = match args.get(arg.name) {
            None => continue,
            Some(Value::Bool(flag)) => i32::from(*flag).to_string(),
            Some(Value::List(_)) => {
                let separator = if matches!(arg.name, "baseurl" | "gpgkey") { "\n" } else { " " };
                args.strings(arg.name).join(separator)
            }
            Some(other) => data::python::str(other),
        };
        // The section's name is the id; the option of that name is what people read.
        let option = if arg.name == "description" { "name" } else { arg.name };
        options.push((option.to_owned(), text));
    }
    options.sort();
    Section { name: name.to_owned(), options }
}

/// A file of repositories, as Python's `configparser` reads and writes it: comments are lost, names of options are in lower case.
#[derive(Debug, Default)]
struct RepoFile {
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    name: String,
    options: Vec<(String, String)>,
}

impl RepoFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text)
                .map_err(|problem| Failure::new(format!("could not read {}: {problem}", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::io("could not read", path, &error)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut sections: Vec<Section> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                sections.push(Section { name: name.to_owned(), options: Vec::new() });
                continue;
            }
            let Some(section) = sections.last_mut() else {
                return Err(format!("line {} stands before any [section]", number + 1));
            };
            if line.starts_with([' ', '\t'])
                && let Some((_, value)) = section.options.last_mut()
            {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            let Some((key, value)) = trimmed.split_once(['=', ':']) else {
                return Err(format!(
                    "line {} is neither a [section] nor `name = value`: {trimmed}",
                    number + 1
                ));
            };
            let key = key.trim().to_lowercase();
            section.options.retain(|(known, _)| *known != key);
            section.options.push((key, value.trim().to_owned()));
        }
        Ok(Self { sections })
    }

    /// As the diff shows it: sorted.
    fn shown(&self) -> String {
        let mut sections: Vec<&Section> = self.sections.iter().collect();
        sections.sort_by(|a, b| a.name.cmp(&b.name));
        let shown = sections.into_iter().map(|section| {
            let mut options: Vec<&(String, String)> = section.options.iter().collect();
            options.sort();
            let lines = options.into_iter().map(|(key, value)| format!("{key} = {value}\n"));
            format!("[{}]\n{}\n", section.name, lines.collect::<String>())
        });
        shown.collect()
    }

    /// Writes the file; one without sections goes away.
    fn write(&self, path: &Path, unsafe_writes: bool) -> Result<(), Failure> {
        if self.sections.is_empty() {
            return fs::remove_file(path).map_err(|error| {
                Failure::new(format!("Cannot remove empty repo file {}.", path.display()))
                    .with("details", error.to_string())
            });
        }
        let text: String = self.sections.iter().map(Section::written).collect();
        atomic_write::write(path, text.as_bytes(), unsafe_writes)
    }
}

impl Section {
    /// Further lines of a value are indented.
    fn written(&self) -> String {
        let line = |(key, value): &(String, String)| format!("{key} = {}\n", value.replace('\n', "\n\t"));
        format!("[{}]\n{}\n", self.name, self.options.iter().map(line).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sections_stay_and_values_of_several_lines_are_read_back() {
        let file =
            RepoFile::parse("# lost\n[a]\nName=A\nbaseurl = http://x\n\thttp://y\n\n[b]\nname: B\n").unwrap();
        let written: String = file.sections.iter().map(Section::written).collect();
        assert_eq!(written, "[a]\nname = A\nbaseurl = http://x\n\thttp://y\n\n[b]\nname = B\n\n");
        assert_eq!(file.shown(), "[a]\nbaseurl = http://x\nhttp://y\nname = A\n\n[b]\nname = B\n\n");
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_the_line() {
        assert!(RepoFile::parse("name=x\n").unwrap_err().contains("line 1"));
        assert!(RepoFile::parse("[a]\nnonsense\n").unwrap_err().contains("line 2"));
    }
}
