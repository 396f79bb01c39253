//! The table of a transaction, as dnf and yum print it before they act.

use crate::packages::rpm::Database;

/// What a transaction does, as the results name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Packages that come, as `name-[epoch:]version-release.arch`.
    pub(super) installed: Vec<String>,
    /// Packages that go.
    pub(super) removed: Vec<String>,
    /// Groups or module streams that are marked.
    pub(super) marked: Vec<String>,
}

/// What a section of the table means for its packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Install,
    /// One comes, the installed one of the same name goes.
    Replace,
    Remove,
    Mark,
    Skip,
}

impl Section {
    /// By the heading, of whatever release: `Installing dependencies:`, `Updating for dependencies:`, `Removing unused dependencies:` ...
    fn of(heading: &str) -> Self {
        let is_mark = ["Groups", "Environment", "module streams", "module profiles", "modules:"];
        match heading {
            _ if heading.starts_with("Skipping") => Self::Skip,
            _ if is_mark.iter().any(|word| heading.contains(word)) && !heading.contains("packages") => {
                Self::Mark
            }
            _ if heading.starts_with("Installing") => Self::Install,
            _ if heading.starts_with("Removing") || heading.starts_with("Erasing") => Self::Remove,
            _ if ["Upgrading", "Updating", "Downgrading", "Reinstalling"]
                .iter()
                .any(|word| heading.starts_with(word)) =>
            {
                Self::Replace
            }
            _ => Self::Skip,
        }
    }
}

impl Transaction {
    /// Reads the table from an output; `database` is what was installed before.
    pub(super) fn parse(text: &str, database: &Database) -> Self {
        let mut found = Self::default();
        let mut section = Section::Skip;
        let mut row: Vec<&str> = Vec::new();
        let table = text.lines().skip_while(|line| !is_table_head(line));
        for line in table.take_while(|line| !line.starts_with("Transaction Summary")) {
            let indent = line.len() - line.trim_start().len();
            let words = line.split_whitespace();
            if indent == 0 {
                found.take(section, &std::mem::take(&mut row), database);
                if line.ends_with(':') {
                    section = Section::of(line);
                }
            } else if indent > 1 && words.clone().next() == Some("replacing") {
                found.replaced(&words.skip(1).collect::<Vec<_>>());
            } else if indent == 1 {
                found.take(section, &std::mem::take(&mut row), database);
                row.extend(words);
            } else {
                // A name that was too long for its column goes on in the next line.
                row.extend(words);
            }
        }
        found.take(section, &row, database);
        found
    }

    /// Whether it does nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.installed.is_empty() && self.removed.is_empty() && self.marked.is_empty()
    }

    /// Adds another that runs after it.
    pub(super) fn then(&mut self, other: Self) {
        for (all, more) in [
            (&mut self.installed, other.installed),
            (&mut self.removed, other.removed),
            (&mut self.marked, other.marked),
        ] {
            for package in more {
                add(all, package);
            }
        }
    }

    fn take(&mut self, section: Section, row: &[&str], database: &Database) {
        if section == Section::Mark && !row.is_empty() {
            add(&mut self.marked, row.join(" "));
        }
        let [name, arch, evr, ..] = row else { return };
        let package = nevra(name, evr, arch);
        match section {
            Section::Install => add(&mut self.installed, package),
            Section::Remove => add(&mut self.removed, package),
            Section::Replace => {
                add(&mut self.installed, package);
                if let Some(old) = database.predecessor(name, arch) {
                    add(&mut self.removed, old.nevra());
                }
            }
            Section::Mark | Section::Skip => {}
        }
    }

    /// `replacing  name.arch version` of dnf 4 and yum, `replacing name arch version ...` of dnf 5.
    fn replaced(&mut self, words: &[&str]) {
        let package = match words {
            [name, arch, evr, _, ..] => nevra(name, evr, arch),
            [full, evr, ..] => match full.rsplit_once('.') {
                Some((name, arch)) => nevra(name, evr, arch),
                None => return,
            },
            _ => return,
        };
        add(&mut self.removed, package);
    }
}

fn is_table_head(line: &str) -> bool {
    let mut words = line.split_whitespace();
    // Where a column is very wide the heading goes on in the next line too.
    words.next() == Some("Package") && matches!(words.next(), None | Some("Architecture" | "Arch"))
}

/// An epoch of zero is not written.
fn nevra(name: &str, evr: &str, arch: &str) -> String {
    format!("{name}-{}.{arch}", evr.strip_prefix("0:").unwrap_or(evr))
}

fn add(all: &mut Vec<String>, package: String) {
    if !all.contains(&package) {
        all.push(package);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::rpm::Package;

    fn parse(text: &str, installed: &str) -> Transaction {
        let packages = installed.lines().filter_map(Package::parse).collect();
        Transaction::parse(text, &Database::of("/", packages))
    }

    /// Printed by dnf 4.14 on Debian 12.
    #[test]
    fn a_table_of_dnf_4_is_read() {
        let found = parse(
            "Last metadata expiration check: 0:00:05 ago on Sat Nov 21 11:53:58 2026.\nDependencies resolved.\n\
             ================================================================================\n\
             \x20Package          Architecture      Version             Repository         Size\n\
             ================================================================================\n\
             Installing:\n gamma            noarch            1.0-1               local             6.1 k\n\
             Installing dependencies:\n omega            noarch            1.0-1               local             6.1 k\n\
             \x20    replacing  beta.noarch 1.1-1\n\
             Upgrading:\n alpha            noarch            1:2.0-1              local            6.0 k\n\
             Removing dependent packages:\n zeta            noarch            1.0-1               @local              4  \n\
             Skipping packages with broken dependencies:\n eta            noarch            1:2.0-1              local            6.0 k\n\
             \nTransaction Summary\n\
             ================================================================================\nInstall  2 Packages\n",
            "alpha\t0\t1.0\t1\tnoarch",
        );
        assert_eq!(found.installed, ["gamma-1.0-1.noarch", "omega-1.0-1.noarch", "alpha-1:2.0-1.noarch"]);
        assert_eq!(found.removed, ["beta-1.1-1.noarch", "alpha-1.0-1.noarch", "zeta-1.0-1.noarch"]);
    }

    #[test]
    fn a_name_too_long_for_its_column_goes_on_in_the_next_line() {
        let found = parse(
            " Package   Arch   Version   Repository   Size\nInstalling:\n a-very-long-name\n           x86_64 0:1.0-1.el7 base 1.0 M\n short x86_64 2-1 base 1 k\n",
            "",
        );
        assert_eq!(found.installed, ["a-very-long-name-1.0-1.el7.x86_64", "short-2-1.x86_64"]);
    }

    #[test]
    fn groups_are_marks_and_no_packages() {
        let found = parse(
            " Package   Arch   Version   Repository   Size\nInstalling group/module packages:\n a x86_64 1-1 base 1 k\nInstalling Groups:\n Development Tools \n",
            "",
        );
        assert_eq!(
            (found.installed.len(), found.marked.as_slice()),
            (1, ["Development Tools".to_owned()].as_slice())
        );
    }
}
