//! YAML documents as JSON values, and what is read from them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Result;

/// All documents of a file; empty ones are left out.
pub(crate) fn read(path: &str) -> Result<Vec<Value>> {
    Ok(read_all(path)?.into_iter().filter(|document| !document.is_null()).collect())
}

/// All documents of a file; one that holds nothing, or a comment only, is null.
pub(crate) fn read_all(path: &str) -> Result<Vec<Value>> {
    let source = data::fs::read_source(path).map_err(|error| format!("{path}: {error}"))?;
    let documents = data::yaml::load_all(&source).map_err(|error| format!("{path}: {error}"))?;
    let style = data::json::JsonStyle::compact();
    let json = |node: &data::yaml::Node| {
        serde_json::from_str(&data::json::write(&node.to_value(), &style))
            .map_err(|error| format!("{path}: {error}"))
    };
    documents.nodes.iter().map(json).collect()
}

/// Whether a part of a file between lines of dashes is comments only: Kubernetes' readers cut before they parse.
pub(crate) fn has_comment_only(path: &str) -> Result<bool> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let is_comment_only = |part: &str| {
        let mut lines = part.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        lines.peek().is_some() && lines.all(|line| line.starts_with('#'))
    };
    Ok(format!("\n{text}").split("\n---\n").any(is_comment_only))
}

/// The document of a kind.
pub(crate) fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Option<&'a Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

/// The flags of a pod's first container, without dashes.
pub(crate) fn pod_flags(pod: &Value) -> BTreeMap<String, String> {
    let command = pod["spec"]["containers"][0]["command"].as_array().cloned().unwrap_or_default();
    command
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|word| word.strip_prefix("--"))
        .map(|word| word.split_once('=').unwrap_or((word, "true")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A flag that must be there.
pub(crate) fn flag<'a>(flags: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str> {
    flags.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
}

/// The time now, as Kubernetes writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Seconds since a time that [`now`] wrote; very many when it is none.
pub(crate) fn age(time: &str) -> i64 {
    let then: Option<jiff::Timestamp> = time.parse().ok();
    then.map_or(i64::MAX, |then| jiff::Timestamp::now().as_second() - then.as_second())
}
