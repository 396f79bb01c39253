//! Templates that would never end or fill the memory: each ends in an error, soon, and leaves the memory as it was.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use data::{Map, Text, Value};
use taskbox_template::{Context, Engine, Limits, SearchPath, Settings};

/// How long each may keep the processor, in a build that is not optimized.
const SOON: Duration = Duration::from_secs(20);

/// Limits that are reached soon in such a build; those that users have are wider by far.
const NARROW: Limits = Limits { output: 2 << 20, depth: 200, steps: 1_000_000 };

/// How much memory the process may have had at most, with the limits that users have.
const MEMORY: u64 = 2 << 30;

fn template(text: &str) -> Value {
    Value::Str(Text::template(text, None))
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// How long this thread has been running, waiting not counted.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split_whitespace().next().unwrap().parse().unwrap())
}

fn refused(text: &str, vars: &Map) -> String {
    refused_within(NARROW, text, vars)
}

fn refused_within(limits: Limits, text: &str, vars: &Map) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("itself.j2"), "{% include 'itself.j2' %}").unwrap();
    std::fs::write(folder.path().join("parent.j2"), "{% extends 'parent.j2' %}").unwrap();
    std::fs::write(folder.path().join("import.j2"), "{% import 'import.j2' as m %}{{ m }}").unwrap();
    let search = SearchPath::new([folder.path().to_path_buf()]);
    let begun = processor_time();
    let result = Engine::new(Settings { limits }).resolve(&template(text), &Context::new(vars, &search));
    let (took, memory) = (processor_time() - begun, peak_memory());
    assert!(took < SOON, "{text} took {took:?}");
    assert!(memory < MEMORY, "{text} took {memory} bytes");
    match result {
        Err(error) => error.to_string(),
        Ok(value) => panic!("{text} gave {:.100}", data::python::repr(&value)),
    }
}

fn all_are_refused(texts: &[&str]) {
    for text in texts {
        refused(text, &Map::new());
    }
}

#[test]
fn endless_recursion_ends() {
    all_are_refused(&[
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro m() %}{{ caller() }}{% call m() %}x{% endcall %}{% endmacro %}{% call m() %}y{% endcall %}",
        "{% include 'itself.j2' %}",
        "{% extends 'parent.j2' %}",
        "{% import 'import.j2' as m %}{{ m }}",
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set l = [1] %}{% set _ = l.append(l) %}{{ l | to_json }}",
        "{% set l = [1] %}{% set _ = l.append(l) %}{{ l | flatten }}",
        "{% set d = {} %}{% set _ = d.update({'d': d}) %}{{ d | to_nice_yaml }}",
        "{% set d = {} %}{% set _ = d.update({'d': d}) %}{{ d | ansible.utils.to_paths }}",
        "{% set d = {} %}{% set _ = d.update({'d': d}) %}{{ d | combine(d, recursive=true) }}{{ d }}",
    ]);
    for (a, b) in [("{{ b }}", "{{ a }}"), ("{{ [b] }}", "x{{ a }}"), ("{{ a }}", "")] {
        let message = refused("{{ a }}", &Map::from([("a", template(a)), ("b", template(b))]));
        assert!(message.contains("Recursive loop") || message.contains("deep"), "{message}");
    }
    let own: Map = Map::from([("a", Value::from(vec![template("{{ a }}")]))]);
    refused("{{ a }}", &own);
    let looked_up = Map::from([("a", template("{{ lookup('vars', 'a') }}"))]);
    refused("{{ a }}", &looked_up);
}

#[test]
fn endless_loops_end() {
    all_are_refused(&[
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{% for i in range(10 ** 30) %}x{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{{ range(10 ** 12) | list }}",
        "{{ range(10 ** 12) | sum }}",
        "{{ range(10 ** 12) | map('string') | join }}",
        "{{ range(10 ** 12) | select('odd') | first is undefined or range(10 ** 12) | max }}",
        "{{ range(100000) | product(range(100000)) | list | length }}",
        "{{ range(1000) | permutations | list }}",
        "{{ range(1000) | combinations(500) | list }}",
        "{{ query('sequence', 'start=0 end=1000000000') }}",
        "{{ lookup('sequence', 'count=99999999999') }}",
        "{{ ['a'] | zip_longest(range(10 ** 10)) | list }}",
        "{{ '10.0.0.0/1' | ansible.utils.usable_range }}",
        "{{ '::/0' | ansible.utils.usable_range }}",
        "{{ [range(10 ** 10)] | flatten }}",
        "{{ range(10 ** 10) | batch(2) | list }}",
        "{{ range(10 ** 10) | random }}{{ range(10 ** 10) | shuffle }}",
        "{{ 5 in range(0, 10 ** 30, 7) or range(10 ** 12) | unique }}",
    ]);
}

#[test]
fn texts_that_grow_without_bound_end() {
    all_are_refused(&[
        "{{ 'a' * 10 ** 10 }}",
        "{{ 10 ** 10 * 'ab' }}",
        "{{ [0] * 10 ** 10 }}",
        "{{ (1, 2) * 10 ** 12 }}",
        "{{ 'x' * 10 ** 30 }}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(100) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
        "{% set ns = namespace(t='xy') %}{% for i in range(100) %}{% set ns.t = ns.t | replace('x', ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = [ns.t, ns.t] | join(ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t.join([ns.t, ns.t]) %}{% endfor %}",
        "{% set ns = namespace(t='xx') %}{% for i in range(100) %}{% set ns.t = ns.t.replace('x', ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = '%s%s' % (ns.t, ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = '{0}{0}'.format(ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='xx') %}{% for i in range(100) %}{% set ns.t = ns.t | regex_replace('x', ns.t) %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t | b64encode | b64encode %}{% endfor %}",
        "{% set ns = namespace(t='\"') %}{% for i in range(100) %}{% set ns.t = ns.t | to_json %}{% endfor %}",
        "{% set ns = namespace(t='x') %}{% for i in range(100) %}{% set ns.t = ns.t | indent(99999, true) ~ ns.t %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | to_yaml }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | flatten }}",
        "{% for i in range(10000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(150) }}",
    ]);
}

#[test]
fn huge_numbers_end() {
    all_are_refused(&[
        "{{ 10 ** 10 ** 8 }}",
        "{{ 2 ** 1000000000000 }}",
        "{{ (10 ** 30) ** 30 }}",
        "{{ 10 ** 38 * 10 ** 38 }}",
        "{{ 10 | pow(10 ** 9) | int }}",
        "{{ 2.5 ** (10 ** 9) }}",
        "{{ 10 ** (10 ** 8) }}",
    ]);
}

#[test]
fn huge_widths_end() {
    all_are_refused(&[
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ '{:>99999999999999999999999999}'.format(1) }}",
        "{{ '{:{}}'.format(1, 10 ** 12) }}",
        "{{ '{:.9999999999f}'.format(1.5) }}",
        "{{ '{:09999999999d}'.format(1) }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ '%99999999999999999999d' % 1 }}",
        "{{ '%.9999999999f' % 1.5 }}",
        "{{ '%.9999999999d' % 1 }}",
        "{{ '%*d' % (10 ** 12, 1) }}",
        "{{ 'x'.ljust(10 ** 12) }}",
        "{{ 'x'.rjust(10 ** 12) }}",
        "{{ 'x'.center(10 ** 12) }}",
        "{{ 'x'.zfill(10 ** 12) }}",
        "{{ 'x' | center(10 ** 12) }}",
        "{{ ('%c' % 9 * 1000).expandtabs(10 ** 9) }}",
        "{{ '%9999999999d' | format(1) }}",
    ]);
}

#[test]
fn patterns_that_go_back_for_ever_end() {
    let hostile = format!("{}!", "a".repeat(60));
    let vars = Map::from([("s", Value::from(hostile.as_str()))]);
    for text in [
        "{{ s | regex_search('^(a+)+(?=b)$') }}",
        "{{ s | regex_search('^(?:(a|aa)+)(?!c)$') or s | regex_search('(a*)*\\\\1b') }}",
        "{{ s is match('^(?:a|a)*(?=c)c$') or (s is search('^((a*)*)*(?=z)z')) }}",
        "{{ s | regex_replace('^(([a-z])+.)+[A-Z](?=x)([a-z])+$', '') | length > 61 or s | regex_findall('(?=(a+)+b)c') }}",
        "{{ s | regex_search('a{1,1000}{1,1000}{1,1000}') }}",
    ] {
        let begun = processor_time();
        let search = SearchPath::default();
        // Either the engine finds the answer, or it says that it takes too long.
        let _ = Engine::new(Settings::default()).resolve(&template(text), &Context::new(&vars, &search));
        let took = processor_time() - begun;
        assert!(took < SOON, "{text} took {took:?}");
        assert!(peak_memory() < MEMORY, "{text}");
    }
    let error = refused("{{ s | regex_search('^(a+)+(?=b)$') or missing }}", &vars);
    assert!(!error.is_empty());
}

#[test]
fn the_limits_of_users_hold_too() {
    for text in [
        "{{ range(10 ** 12) | list }}",
        "{{ [0] * 10 ** 10 }}",
        "{{ 'x' * 10 ** 10 }}",
        "{% set ns = namespace(t='xy') %}{% for i in range(100) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ] {
        refused_within(Limits::default(), text, &Map::new());
    }
}
