//! What helm knows of a release and of a chart.

use std::path::PathBuf;

use data::{Map, Source, Value, json, yaml};

use super::access::Access;
use crate::process::{Command, Output};
use crate::{Context, Failure};

/// `helm` of the target in one namespace.
#[derive(Debug)]
pub(super) struct Helm {
    pub(super) program: PathBuf,
    pub(super) access: Access,
    pub(super) namespace: String,
}

impl Helm {
    pub(super) fn command(&self, words: &[String]) -> Command {
        let command = self.access.helm(&self.program).arg(format!("--namespace={}", self.namespace));
        command.args(words)
    }

    /// Runs it; another exit code than 0 is a failure with all that it said.
    ///
    /// # Errors
    /// What helm said.
    pub(super) fn run(&self, words: &[String], context: &mut Context) -> Result<Output, Failure> {
        let command = self.command(words);
        let output = command.run(context)?;
        if output.ok() {
            return Ok(output);
        }
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        let msg = format!(
            "Failure when executing Helm command. Exited {}.\nstdout: {stdout}\nstderr: {stderr}",
            output.code
        );
        let failure = Failure::new(msg).with("command", command.display()).with("rc", output.code);
        Err(failure.with("stdout", stdout).with("stderr", stderr))
    }

    /// The release of this name with its values; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn release(
        &self,
        name: &str,
        all: bool,
        context: &mut Context,
    ) -> Result<Option<Map>, Failure> {
        let mut words = ["list", "--output=json", "--filter"].map(str::to_owned).to_vec();
        words.push(format!("^{}$", name.replace('.', "\\.")));
        if all {
            words.push("--all".to_owned());
        }
        let listed = json_of(&self.run(&words, context)?)?;
        let found = listed.as_list().and_then(|all| {
            all.iter()
                .filter_map(Value::as_map)
                .find(|release| release.get_str("name") == Some(name))
                .cloned()
        });
        let Some(mut release) = found else { return Ok(None) };
        let words = ["get", "values", "--output=json", name].map(str::to_owned);
        let values = json_of(&self.run(&words, context)?)?;
        release.insert("values", values.as_map().cloned().unwrap_or_default());
        Ok(Some(release))
    }

    /// A chart's own description.
    ///
    /// # Errors
    /// As [`Self::run`], and if it is no YAML.
    pub(super) fn chart(
        &self,
        options: &[String],
        reference: &str,
        context: &mut Context,
    ) -> Result<Map, Failure> {
        let mut words = vec!["show".to_owned(), "chart".to_owned(), reference.to_owned()];
        words.extend(options.iter().cloned());
        let output = self.run(&words, context)?;
        yaml_map(&output.stdout_text(), reference)
    }

    /// The version of a plugin, if it is installed.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn plugin(&self, name: &str, context: &mut Context) -> Result<Option<String>, Failure> {
        let output = self.run(&["plugin".to_owned(), "list".to_owned()], context)?;
        let text = output.stdout_text();
        let found = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        Ok(found
            .filter(|row| row.first() == Some(&name))
            .find_map(|row| row.get(1).map(|text| (*text).to_owned())))
    }
}

fn json_of(output: &Output) -> Result<Value, Failure> {
    let text = output.stdout_text();
    json::parse(&text).map_err(|error| Failure::new(format!("helm printed no JSON: {error}")))
}

/// A document that is a dictionary.
///
/// # Errors
/// If it is none.
pub(super) fn yaml_map(text: &str, name: &str) -> Result<Map, Failure> {
    let loaded =
        yaml::load(&Source::new(name, text)).map_err(|error| Failure::new(format!("{name}: {error}")))?;
    Ok(loaded.node.and_then(|node| node.to_value().as_map().cloned()).unwrap_or_default())
}

/// Whether a release differs from a chart and values, as far as helm's list tells.
pub(super) fn differs(release: &Map, chart: &Map, values: &Map) -> bool {
    let text = |map: &Map, key: &str| map.get(key).filter(|value| !value.is_null()).map(data::python::str);
    let same_app = match (text(chart, "appVersion"), text(release, "app_version")) {
        (None, Some(released)) => released.is_empty(),
        (wanted, released) => wanted == released,
    };
    let wanted =
        format!("{}-{}", text(chart, "name").unwrap_or_default(), text(chart, "version").unwrap_or_default());
    let current = release.get("values").and_then(Value::as_map).cloned().unwrap_or_default();
    current != *values || text(release, "chart").as_deref() != Some(wanted.as_str()) || !same_app
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_differs_by_chart_version_app_or_values() {
        let map = |text: &str| json::parse(text).unwrap().as_map().unwrap().clone();
        let release = map(r#"{"chart": "web-1.2.0", "app_version": "3", "values": {"a": 1}}"#);
        let chart = yaml_map("name: web\nversion: 1.2.0\nappVersion: 3\n", "Chart.yaml").unwrap();
        assert!(!differs(&release, &chart, &map(r#"{"a": 1}"#)));
        assert!(differs(&release, &chart, &map(r#"{"a": 2}"#)));
        assert!(differs(
            &release,
            &yaml_map("name: web\nversion: 1.3.0\nappVersion: 3\n", "c").unwrap(),
            &map(r#"{"a": 1}"#)
        ));
        assert!(differs(
            &release,
            &yaml_map("name: web\nversion: 1.2.0\n", "c").unwrap(),
            &map(r#"{"a": 1}"#)
        ));
    }
}
