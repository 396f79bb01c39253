//! helm: the few words of it that the roles use. A stand-in's chart is a chart whose templates know `{{ .Values.a.b }}` and `{{ .Release.Namespace }}` only.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api_client::Api;
use crate::{Result, documents, print};

/// Does what the words say.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["version", ..] => {
            print("v3.18.4+standin");
            Ok(())
        }
        ["status", release, flags @ ..] => status(release, &self::flags(flags)?),
        ["upgrade", "--install", release, chart, flags @ ..] => upgrade(release, chart, &self::flags(flags)?),
        other => Err(format!("unknown command {:?} for \"helm\"", other.join(" "))),
    }
}

/// `--name value`, `--name=value` and `--create-namespace`.
fn flags(words: &[&str]) -> Result<BTreeMap<String, String>> {
    const KNOWN: [&str; 6] = ["namespace", "output", "values", "version", "repo", "set"];
    let mut found = BTreeMap::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let bare = word.strip_prefix("--").ok_or_else(|| format!("unexpected argument {word:?}"))?;
        let (name, value) = match bare.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None if bare == "create-namespace" => (bare, "true".to_owned()),
            None => {
                (bare, (*words.next().ok_or_else(|| format!("flag needs an argument: --{bare}"))?).to_owned())
            }
        };
        if name != "create-namespace" && !KNOWN.contains(&name) {
            return Err(format!("unknown flag: --{name}"));
        }
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn api() -> Result<Api> {
    let path = std::env::var("KUBECONFIG")
        .map_err(|_| "Kubernetes cluster unreachable: no KUBECONFIG".to_owned())?;
    Api::from_kubeconfig(&path)
}

fn namespace(flags: &BTreeMap<String, String>) -> &str {
    flags.get("namespace").map_or("default", String::as_str)
}

fn status(release: &str, flags: &BTreeMap<String, String>) -> Result<()> {
    let path = format!("/api/v1/namespaces/{}/secrets/sh.helm.release.v1.{release}.v1", namespace(flags));
    let found = api()?.get(&path)?.ok_or("release: not found")?;
    let state = STANDARD.decode(found["data"]["status"].as_str().unwrap_or_default()).unwrap_or_default();
    print(&json!({"name": release, "info": {"status": String::from_utf8_lossy(&state)}}).to_string());
    Ok(())
}

fn upgrade(release: &str, chart: &str, flags: &BTreeMap<String, String>) -> Result<()> {
    let api = api()?;
    let namespace = namespace(flags);
    let about = file(chart, "Chart.yaml")?;
    if !(about["apiVersion"].is_string() && about["name"].is_string() && about["version"].is_string()) {
        return Err("chart metadata (Chart.yaml) is missing apiVersion, name or version".to_owned());
    }
    let mut values = file(chart, "values.yaml")?;
    if let Some(path) = flags.get("values") {
        overlay(&mut values, documents::read(path)?.into_iter().next().unwrap_or_default());
    }
    if api.get(&format!("/api/v1/namespaces/{namespace}"))?.is_none() {
        if !flags.contains_key("create-namespace") {
            return Err(format!("create: failed to create: namespaces \"{namespace}\" not found"));
        }
        api.apply("/api/v1/namespaces", &json!({"metadata": {"name": namespace}}))?;
    }
    for template in templates(chart)? {
        apply(&render(&template, &values, namespace)?, namespace)?;
    }
    let secret = json!({
        "metadata": {"name": format!("sh.helm.release.v1.{release}.v1"), "labels": {"owner": "helm", "name": release}},
        "type": "helm.sh/release.v1",
        "data": {"status": STANDARD.encode("deployed")},
    });
    api.apply(&format!("/api/v1/namespaces/{namespace}/secrets"), &secret)?;
    print(&format!("Release \"{release}\" has been upgraded. Happy Helming! [taskbox's stand-in]"));
    Ok(())
}

fn tar(words: &[&str]) -> Result<String> {
    let done = Command::new("tar").args(words).output().map_err(|error| format!("tar: {error}"))?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        Err(format!(
            "file does not appear to be a chart archive: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        ))
    }
}

/// One file of the chart, as a document.
fn file(chart: &str, name: &str) -> Result<Value> {
    let text = tar(&["-xzOf", chart, "--wildcards", &format!("*/{name}"), "--no-wildcards-match-slash"])?;
    parse(&text, name)
}

fn parse(text: &str, name: &str) -> Result<Value> {
    let path =
        std::env::temp_dir().join(format!("helm-standin-{}-{}", std::process::id(), name.replace('/', "-")));
    std::fs::write(&path, text).map_err(|error| error.to_string())?;
    let read = documents::read(&path.to_string_lossy());
    let _ = std::fs::remove_file(&path);
    Ok(read?.into_iter().next().unwrap_or_default())
}

fn templates(chart: &str) -> Result<Vec<String>> {
    let names = tar(&["-tzf", chart])?;
    let names = names.lines().filter(|name| name.contains("/templates/") && name.ends_with(".yaml"));
    names.map(|name| tar(&["-xzOf", chart, name])).collect()
}

fn overlay(values: &mut Value, over: Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (name, value) in over {
                overlay(values.entry(name).or_insert(Value::Null), value);
            }
        }
        (values, over) => *values = over,
    }
}

fn render(template: &str, values: &Value, namespace: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}").ok_or("unclosed action")?;
        text.push_str(before);
        match inside.trim() {
            ".Release.Namespace" => text.push_str(namespace),
            path => {
                let path =
                    path.strip_prefix(".Values.").ok_or_else(|| format!("function {path:?} not defined"))?;
                let value = path.split('.').fold(values, |value, name| &value[name]);
                match value {
                    Value::Null => return Err(format!("nil pointer evaluating .Values.{path}")),
                    Value::String(value) => text.push_str(value),
                    value => text.push_str(&value.to_string()),
                }
            }
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn apply(text: &str, namespace: &str) -> Result<()> {
    let mut kubectl = Command::new("kubectl")
        .args(["apply", "--namespace", namespace, "--filename", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("kubectl: {error}"))?;
    if let Some(mut input) = kubectl.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    }
    let done = kubectl.wait_with_output().map_err(|error| error.to_string())?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_know_values_and_nothing_else() {
        let values = json!({"console": {"nodePort": 30880}, "name": "a"});
        assert_eq!(
            render(
                "n: {{ .Values.console.nodePort }}/{{ .Values.name }} {{ .Release.Namespace }}",
                &values,
                "x"
            ),
            Ok("n: 30880/a x".to_owned())
        );
        assert!(render("{{ .Values.missing }}", &values, "x").is_err());
        assert!(render("{{ include \"x\" . }}", &values, "x").is_err());
    }

    #[test]
    fn given_values_win() {
        let mut values = json!({"a": {"b": 1, "c": 2}});
        overlay(&mut values, json!({"a": {"b": 3}}));
        assert_eq!(values, json!({"a": {"b": 3, "c": 2}}));
    }
}
