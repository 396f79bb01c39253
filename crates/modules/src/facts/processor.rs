//! Processor facts, counted from `/proc/cpuinfo` as Ansible counts them.

use std::path::Path;

use data::{Map, Value};
use indexmap::IndexMap;

use super::files;

/// `processor`, `processor_count`, `processor_cores`, `processor_threads_per_core`, `processor_vcpus`, `processor_nproc` and `flags`.
/// `architecture` is the fact of that name: some families of processors describe themselves in their own way.
pub(super) fn processor(architecture: &str) -> Map {
    let Some(text) = files::content("/proc/cpuinfo") else { return Map::new() };
    let usable = rustix::thread::sched_getaffinity(None).ok().map(|set| i64::from(set.count()));
    from_cpuinfo(&text, architecture, is_xen(), usable)
}

/// Whether this is a Xen domain, whose cpuinfo may show one core only.
fn is_xen() -> bool {
    Path::new("/proc/xen").exists() || files::text("/sys/hypervisor/type").lines().next() == Some("xen")
}

/// What the lines of cpuinfo add up to.
#[derive(Default)]
struct Tally {
    described: Vec<Value>,
    flags: Option<Vec<Value>>,
    vendors: i64,
    models: i64,
    processors: i64,
    active: Option<i64>,
    sockets: IndexMap<String, i64>,
    cores: IndexMap<String, i64>,
    s390_processors: i64,
    s390_threads: i64,
    paravirtual: bool,
}

/// The facts for this text of cpuinfo; `usable` is how many processors the process may run on.
fn from_cpuinfo(text: &str, architecture: &str, xen: bool, usable: Option<i64>) -> Map {
    let tally = Tally::read(text, xen);
    let mut listed = tally.active.unwrap_or(tally.described.len() as i64);
    if tally.vendors > 0 && tally.vendors == tally.models {
        listed = tally.vendors;
    }
    if ["armv", "aarch", "ppc"].iter().any(|family| architecture.starts_with(family)) {
        listed = tally.processors;
    }

    let (count, cores, threads, vcpus, nproc);
    if architecture == "s390x" {
        threads = tally.s390_threads.max(1);
        (count, cores, vcpus, nproc) =
            (1, tally.s390_processors / threads, tally.s390_processors, tally.s390_processors);
    } else if tally.paravirtual {
        (count, cores, threads, vcpus, nproc) = (listed, listed, 1, listed, listed);
    } else {
        count = if tally.sockets.is_empty() { listed } else { tally.sockets.len() as i64 };
        cores = tally.sockets.values().next().copied().filter(|cores| *cores > 0).unwrap_or(1);
        threads = round_half_even(tally.cores.values().next().copied().unwrap_or(1), cores);
        vcpus = threads * count * cores;
        nproc = tally.processors;
    }
    let mut facts = Map::from([("processor", Value::from(tally.described))]);
    if let Some(flags) = tally.flags {
        facts.insert("flags", flags);
    }
    facts.insert("processor_count", count);
    facts.insert("processor_cores", cores);
    facts.insert("processor_threads_per_core", threads);
    facts.insert("processor_vcpus", vcpus);
    facts.insert("processor_nproc", usable.unwrap_or(nproc));
    facts
}

impl Tally {
    fn read(text: &str, xen: bool) -> Self {
        let mut tally = Self::default();
        let (mut socket, mut core) = (String::from("0"), String::from("0"));
        for line in text.lines() {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            match key {
                "flags" => {
                    tally.paravirtual |= xen && !value.contains("vme");
                    tally.flags = Some(value.split_whitespace().map(Value::from).collect());
                }
                "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                    tally.described.push(value.into());
                    tally.vendors += i64::from(key == "vendor_id");
                    tally.models += i64::from(key == "model name");
                    tally.processors += i64::from(key == "processor");
                }
                "physical id" => {
                    value.clone_into(&mut socket);
                    tally.sockets.entry(socket.clone()).or_insert(1);
                }
                "core id" => {
                    value.clone_into(&mut core);
                    if !tally.sockets.contains_key(&core) {
                        tally.cores.insert(core.clone(), 1);
                    }
                }
                "cpu cores" => drop(tally.sockets.insert(socket.clone(), number(value))),
                "siblings" => drop(tally.cores.insert(core.clone(), number(value))),
                "# processors" => tally.s390_processors = number(value),
                "max thread id" => tally.s390_threads = number(value) + 1,
                "ncpus active" => tally.active = Some(number(value)),
                _ => {}
            }
        }
        tally
    }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// Python's `round(a / b)`: a half goes to the even neighbor.
fn round_half_even(a: i64, b: i64) -> i64 {
    (a as f64 / b as f64).round_ties_even() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(facts: &Map) -> [i128; 5] {
        ["count", "cores", "threads_per_core", "vcpus", "nproc"]
            .map(|name| facts.get(format!("processor_{name}").as_str()).and_then(Value::as_int).unwrap())
    }

    #[test]
    fn two_sockets_of_two_cores_with_two_threads() {
        let mut text = String::new();
        for id in 0..8 {
            let (socket, core) = (id / 4, (id / 2) % 2);
            text += &format!(
                "processor\t: {id}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: {socket}\nsiblings\t: 4\n\
                 core id\t\t: {core}\ncpu cores\t: 2\nflags\t\t: fpu vme\n\n"
            );
        }
        let facts = from_cpuinfo(&text, "x86_64", false, None);
        assert_eq!(counts(&facts), [2, 2, 2, 8, 8]);
        assert_eq!(facts.get("processor").unwrap().as_list().unwrap().len(), 24);
        assert_eq!(facts.get("flags").unwrap().as_list().unwrap().len(), 2);
    }

    #[test]
    fn arm_lists_processors_only() {
        let text = "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n";
        assert_eq!(counts(&from_cpuinfo(text, "aarch64", false, Some(1))), [2, 1, 1, 2, 1]);
    }

    #[test]
    fn a_xen_paravirtual_guest_counts_what_is_listed() {
        let text = "processor\t: 0\nvendor_id\t: A\nmodel name\t: B\nflags\t: fpu\nphysical id\t: 0\nsiblings\t: 9\ncpu cores\t: 9\n";
        assert_eq!(counts(&from_cpuinfo(text, "x86_64", true, None)), [1, 1, 1, 1, 1]);
    }
}
