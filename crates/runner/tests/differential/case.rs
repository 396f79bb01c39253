//! A case: a folder with a playbook, its inventory and options, and the recorded answer.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    options: Value,
}

/// All cases below a folder, by name.
pub(crate) fn all(folder: &Path) -> Vec<Case> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.join("playbook.yml").is_file());
    folders.sort();
    folders.into_iter().map(Case::open).collect()
}

impl Case {
    fn open(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let options = fs::read_to_string(folder.join("options.json")).unwrap_or_else(|_| "{}".into());
        let options =
            serde_json::from_str(&options).unwrap_or_else(|error| panic!("{name}/options.json: {error}"));
        Self { name, folder, options }
    }

    /// An option of the command line.
    pub(crate) fn option(&self, name: &str) -> Option<&Value> {
        self.options.get(name)
    }

    /// A list of texts among the options.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let list = self.option(name).and_then(Value::as_array);
        list.into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A fresh copy of the case to run in, which goes away with the guard.
    pub(crate) fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::Builder::new().prefix("case-").tempdir().unwrap();
        copy_folder(&self.folder, copy.path());
        copy
    }

    /// The recorded answer.
    pub(crate) fn answer(&self) -> Value {
        let path = self.folder.join("answer.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// Writes the answer.
    pub(crate) fn record(&self, answer: &Value) {
        let text = serde_json::to_string_pretty(&json!(answer)).unwrap();
        fs::write(self.folder.join("answer.json"), text + "\n").unwrap();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
