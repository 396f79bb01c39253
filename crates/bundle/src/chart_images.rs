//! Images that a chart names: in the notes of its Chart.yaml, in its values, and as plain words in its templates. Charts compose names in
//! templates of their own, so this finds what charts commonly write, parts of it for components that are off by default.

use std::collections::BTreeSet;
use std::io::{self, Read};

use data::Source;
use data::yaml::{self, Node};

use crate::content::Content;
use crate::identify::Compression;
use crate::image::{Reference, full_name};

/// The longest file of a chart that is read.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// Notes of Chart.yaml that list images.
const NOTES: [&str; 2] = ["artifacthub.io/images", "helm.sh/images"];

/// The images' full names, sorted.
///
/// # Errors
/// The chart is damaged.
pub(crate) fn of(chart: &Content) -> io::Result<BTreeSet<String>> {
    let start = chart.read_start(512)?;
    let compression = Compression::of(&start).unwrap_or(Compression::None);
    let mut found = BTreeSet::new();
    // Values come before or after the Chart.yaml that says which version they mean.
    let mut versions: Vec<(String, String)> = Vec::new();
    let mut values: Vec<(String, String)> = Vec::new();
    for entry in tar::Archive::new(compression.over(chart.open()?)?).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
        if !entry.header().entry_type().is_file() || !(file.ends_with(".yaml") || file.ends_with(".tpl")) {
            continue;
        }
        let mut text = String::new();
        // What is no text names no image.
        if entry.by_ref().take(FILE_LIMIT).read_to_string(&mut text).is_err() {
            continue;
        }
        match file {
            "Chart.yaml" => {
                let about = parsed(&name, &text);
                let version = about.as_ref().and_then(|about| word(about.get("appVersion")?));
                versions.push((folder.to_owned(), version.unwrap_or_default()));
                if let Some(about) = &about {
                    noted(about, &mut found);
                }
            }
            "values.yaml" => values.push((folder.to_owned(), text)),
            _ if folder.contains("/templates") => literal(&text, &mut found),
            _ => {}
        }
    }
    for (folder, text) in &values {
        let version =
            versions.iter().find(|(own, _)| own == folder).map_or("", |(_, version)| version.as_str());
        if let Some(values) = parsed("values.yaml", text) {
            walk(&values, version, &mut found);
        }
    }
    Ok(found)
}

/// YAML, if it is such: a chart that is not plain YAML is helm's to judge.
fn parsed(name: &str, text: &str) -> Option<Node> {
    yaml::load(&Source::new(name, text)).ok()?.node
}

fn word(node: &Node) -> Option<String> {
    let text = data::python::str(&node.to_value());
    (node.as_seq().is_none() && node.as_map().is_none() && !node.is_null() && !text.is_empty())
        .then_some(text)
}

/// A list of `image:` in a note, which is YAML inside YAML.
fn noted(about: &Node, found: &mut BTreeSet<String>) {
    let Some(notes) = about.get("annotations") else { return };
    for note in NOTES {
        let Some(list) = notes.get(note).and_then(word).and_then(|text| parsed(note, &text)) else {
            continue;
        };
        for entry in list.as_seq().unwrap_or_default() {
            if let Some(image) = entry.get("image").and_then(word) {
                add(&image, found);
            }
        }
    }
}

/// `image: NAME` where the name is written out.
fn literal(text: &str, found: &mut BTreeSet<String>) {
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches("- ");
        let Some(name) = line.strip_prefix("image:") else { continue };
        let name = name.trim().trim_matches(['"', '\'']);
        if !name.contains("{{") && name.contains(':') {
            add(name, found);
        }
    }
}

/// `{registry, repository, tag}` and `image: NAME:TAG`, wherever they stand in values.
fn walk(node: &Node, version: &str, found: &mut BTreeSet<String>) {
    for item in node.as_seq().unwrap_or_default() {
        walk(item, version, found);
    }
    let Some(entries) = node.as_map() else { return };
    let text = |name: &str| node.get(name).and_then(word);
    let tag = text("tag").or_else(|| Some(version.to_owned()).filter(|version| !version.is_empty()));
    let name = text("repository").or_else(|| text("image").filter(|name| name.contains(['/', ':'])));
    if let Some(name) = name {
        let full = match text("registry") {
            Some(registry) => format!("{}/{name}", registry.trim_end_matches('/')),
            None => name,
        };
        let tagged = full.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        match tag {
            _ if tagged => add(&full, found),
            Some(tag) => add(&format!("{full}:{tag}"), found),
            None => {}
        }
    }
    for (_, value) in entries {
        walk(value, version, found);
    }
}

/// Only what can be an image: a repository of charts or packages has a scheme, for one.
fn add(name: &str, found: &mut BTreeSet<String>) {
    if !name.contains("://") && Reference::parse(name).is_some() {
        found.insert(full_name(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(files: &[(&str, &str)]) -> Content {
        let out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(out);
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        Content::Bytes(archive.into_inner().unwrap().finish().unwrap().into())
    }

    #[test]
    fn images_stand_in_values_notes_and_templates() {
        let chart = chart(&[
            (
                "box/values.yaml",
                "image:\n  registry: quay.io\n  repository: box/box\nsidecar: {image: 'redis:7'}\nrepo: {repository: 'https://charts.example', tag: x}\n",
            ),
            (
                "box/Chart.yaml",
                "name: box\nversion: 1.0.0\nappVersion: v3\nannotations:\n  artifacthub.io/images: |\n    - name: extra\n      image: ghcr.io/box/extra:1.2\n",
            ),
            (
                "box/templates/pod.yaml",
                "      - image: \"registry.k8s.io/pause:3.10\"\n        image: {{ .Values.image.repository }}:x\n",
            ),
            ("box/charts/inner/Chart.yaml", "name: inner\nversion: 1\nappVersion: '2.0'\n"),
            (
                "box/charts/inner/values.yaml",
                "controller:\n  image: {repository: inner/controller, tag: ''}\nother: {image: {repository: inner/other, tag: '9'}}\n",
            ),
        ]);
        let found: Vec<String> = of(&chart).unwrap().into_iter().collect();
        assert_eq!(
            found,
            [
                "docker.io/inner/controller:2.0",
                "docker.io/inner/other:9",
                "docker.io/library/redis:7",
                "ghcr.io/box/extra:1.2",
                "quay.io/box/box:v3",
                "registry.k8s.io/pause:3.10",
            ]
        );
    }

    #[test]
    fn a_damaged_chart_is_told() {
        let Content::Bytes(bytes) = chart(&[("box/values.yaml", "a: 1\n")]) else { panic!("bytes") };
        assert!(of(&Content::Bytes(bytes[..bytes.len() / 2].into())).is_err());
    }
}
