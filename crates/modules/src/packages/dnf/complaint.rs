//! What the program says when it does not do what it was asked to, in the words of Ansible's module.

use data::Value;

use super::failed;
use crate::Failure;
use crate::process::Output;

/// Both outputs: some messages go to one, some to the other, and releases differ.
pub(super) fn said(output: &Output) -> String {
    format!("{}\n{}", output.stderr_text(), output.stdout_text())
}

/// The repository that was to be enabled and that does not exist.
pub(super) fn unknown_repository(said: &str) -> Option<&str> {
    let after = |line: &'_ str, words: &str| line.find(words).map(|at| at + words.len());
    said.lines().find_map(|line| {
        // dnf 4, yum 3, dnf 5.
        ["Unknown repo: '", "Error getting repository data for ", "No matching repositories for \""]
            .iter()
            .find_map(|words| after(line, words).map(|at| line[at..].split(['\'', '"', ',']).next()))
            .flatten()
    })
}

/// Whether another program was at work.
pub(super) fn is_locked(said: &str) -> bool {
    ["Failed to obtain the transaction lock", "is locked by another", "holding the yum lock", ".rpm.lock"]
        .iter()
        .any(|words| said.contains(words))
}

/// Whether no repository is enabled, so that nothing at all is available.
pub(super) fn has_no_repository(said: &str) -> bool {
    said.contains("There are no enabled repositories") || said.contains("There are no enabled repos.")
}

/// The failure of a transaction that was to install or upgrade these names.
pub(super) fn explain_transaction(output: &Output, subcommand: &str, names: &[&str]) -> Failure {
    let said = said(output);
    if has_no_repository(&said) {
        let failures: Value =
            names.iter().map(|name| Value::from(format!("No package {name} available."))).collect();
        return of("Failed to install some of the specified packages").with("failures", failures);
    }
    if subcommand == "upgrade" {
        // Only what is installed is upgraded, so an exclude has hidden it.
        let hidden = "All matches were filtered out by exclude filtering for argument: ";
        let stderr = said.replace("No match for argument: ", hidden).into_bytes();
        return explain(&Output { stderr, stdout: Vec::new(), ..*output });
    }
    explain(output)
}

/// The failure that an output tells of.
pub(super) fn explain(output: &Output) -> Failure {
    let said = said(output);
    if let Some(group) = missing_group(&said) {
        return failed(format!("No group {group} available."));
    }
    let missing = missing(&said);
    if !missing.is_empty() {
        let failures: Value = missing.into_iter().map(Value::from).collect();
        return of("Failed to install some of the specified packages").with("failures", failures);
    }
    if let Some(package) = unsigned(&said) {
        return Failure::new(package);
    }
    if let Some(line) = said.lines().find(|line| line.starts_with("Could not open: ")) {
        return failed(format!("Error occurred attempting remote rpm operation: {line}")).with("rc", 1);
    }
    let none = || Vec::<Value>::new();
    if let Some(problem) = problem(&said) {
        return of(&format!("Depsolve Error occurred: {problem}")).with("failures", none());
    }
    match error_line(&said) {
        Some(text) if text.starts_with("Failed to download metadata") => failed(text).with("rc", 1),
        Some(text) if text.starts_with("Error downloading packages") => {
            of(&format!("Failed to download packages: {text}")).with("failures", none())
        }
        Some(text) => of(&format!("Unknown Error occurred: {text}")).with("failures", none()),
        None => of(&format!("Unknown Error occurred: {}", said.trim())).with("failures", none()),
    }
}

fn of(msg: &str) -> Failure {
    failed(msg).with("rc", 1)
}

/// A sentence for each name that no repository has, or that an exclude hides.
fn missing(said: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    for line in said.lines().map(str::trim) {
        if let Some(name) =
            line.strip_prefix("All matches were filtered out by exclude filtering for argument: ")
        {
            add(format!("{name} {line}"));
        } else if let Some(name) = line.strip_prefix("No match for argument: ") {
            add(format!("No package {name} available."));
        } else if line.starts_with("No package ") && line.ends_with(" available.") {
            add(line.to_owned());
        }
    }
    found
}

fn missing_group(said: &str) -> Option<&str> {
    said.lines().find_map(|line| {
        // dnf 4, yum 3.
        let quoted = line.strip_prefix("Module or Group '").or_else(|| line.strip_prefix("Warning: Group "));
        quoted.and_then(|rest| rest.split(['\'', ' ']).next()).map(|name| name.trim_start_matches('@'))
    })
}

/// The failed check of a signature.
fn unsigned(said: &str) -> Option<String> {
    said.lines().map(str::trim).find_map(|line| {
        let words = line.strip_prefix("Error: ").unwrap_or(line);
        let package = words.strip_prefix("Package ")?.strip_suffix(" is not signed")?;
        let name = package.strip_suffix(".rpm").unwrap_or(package);
        Some(format!("Failed to validate GPG signature for {name}: {words}"))
    })
}

/// Why no transaction fits, from the first `Problem`; hints about options of the command line are left out.
fn problem(said: &str) -> Option<String> {
    let lines: Vec<&str> = said.lines().collect();
    let first = lines.iter().position(|line| line.trim_start().starts_with("Problem"))?;
    let belongs = |line: &&&str| line.starts_with(' ') && !line.trim().is_empty();
    let text: Vec<&str> = lines[first..].iter().take_while(belongs).copied().collect();
    Some(format!("\n{}", text.join("\n")))
}

fn error_line(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("Error: ")).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stderr: &str) -> Failure {
        explain(&Output { code: 1, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() })
    }

    /// The sentences are those of dnf 4.14.
    #[test]
    fn complaints_of_dnf_become_those_of_the_module() {
        let failure = of("No match for argument: nope\nError: Unable to find a match: nope\n");
        assert_eq!(failure.msg, "Failed to install some of the specified packages");
        let failures = failure.fields.get("failures").and_then(Value::as_list).unwrap();
        assert_eq!(failures[0].as_str(), Some("No package nope available."));
        let failure = of(
            "Error: \n Problem: conflicting requests\n  - nothing provides x needed by y\n(try to add '--skip-broken' to skip uninstallable packages)\n",
        );
        assert_eq!(
            failure.msg,
            "Depsolve Error occurred: \n Problem: conflicting requests\n  - nothing provides x needed by y"
        );
        assert_eq!(unknown_repository("Error: Unknown repo: 'nosuch'"), Some("nosuch"));
        assert_eq!(
            of("Error: Failed to download metadata for repo 'x': Cannot download repomd.xml").msg,
            "Failed to download metadata for repo 'x': Cannot download repomd.xml"
        );
    }
}
