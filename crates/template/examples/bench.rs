//! The work of `tests/bench/templates` with our engine: prints seconds of processor time per render and per set of lazy variables.
//!
//! `bench FOLDER RENDERS SETS`, with the files that `make_template.py` writes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench stops where it cannot go on")]

use std::path::Path;

use data::{Map, Text, Value};
use sha2::{Digest, Sha256};
use taskbox_template::{Context, Engine, SearchPath, Settings};

/// The time this process has had on a processor, in seconds: other work on the machine does not count.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn timed(times: u32, mut work: impl FnMut() -> Value) -> (f64, Value) {
    // Compiled templates are kept by both engines.
    let mut result = work();
    let start = processor_time();
    for _ in 0..times {
        result = work();
    }
    ((processor_time() - start) / f64::from(times), result)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn variables(folder: &Path, name: &str, templates: bool) -> Map {
    let parsed = data::json::parse(&read(folder, name)).unwrap();
    let map = parsed.as_map().unwrap();
    let marked = map.iter().map(|(key, value)| match value {
        Value::Str(text) if templates => (key.clone(), Value::Str(text.clone().into_template())),
        other => (key.clone(), other.clone()),
    });
    marked.collect()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, renders, sets] = &args[..] else { panic!("bench FOLDER RENDERS SETS") };
    let folder = Path::new(folder);
    let search = SearchPath::default();
    let engine = Engine::new(Settings::default());
    let template = |name: &str| Value::Str(Text::template(read(folder, name), None));

    let (text, vars) = (template("haproxy.cfg.j2"), variables(folder, "vars.json", false));
    let (seconds, out) =
        timed(renders.parse().unwrap(), || engine.resolve(&text, &Context::new(&vars, &search)).unwrap());
    let digest = Sha256::digest(out.as_str().unwrap().as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{{\"render\": {seconds:e}, \"sha256\": \"{digest}\"}}");

    let (text, vars) = (template("lazy.j2"), variables(folder, "lazy.json", true));
    let (seconds, out) =
        timed(sets.parse().unwrap(), || engine.resolve(&text, &Context::new(&vars, &search)).unwrap());
    println!("{{\"lazy\": {seconds:e}, \"result\": {}}}", data::python::str(&out));
}
