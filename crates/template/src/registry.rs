//! The tables of filters and tests, by their names with and without a collection.

use std::collections::HashMap;

use crate::args::{Args, Bound};
use crate::eval::Eval;
use crate::val::{Res, Val};

type RunFilter = fn(&Eval<'_>, &Val, &Bound) -> Res<Val>;
type RunTest = fn(&Eval<'_>, &Val, &Bound) -> Res<bool>;

/// A filter.
pub(crate) struct Filter {
    name: &'static str,
    params: &'static [&'static str],
    run: RunFilter,
    /// Whether it looks at missing values itself.
    pub(crate) takes_missing: bool,
}

impl Filter {
    pub(crate) const fn new(name: &'static str, params: &'static [&'static str], run: RunFilter) -> Self {
        Self { name, params, run, takes_missing: false }
    }

    pub(crate) const fn lenient(name: &'static str, params: &'static [&'static str], run: RunFilter) -> Self {
        Self { name, params, run, takes_missing: true }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn run(&self, ev: &Eval<'_>, value: &Val, args: Args) -> Res<Val> {
        (self.run)(ev, value, &args.bind(last_part(self.name), self.params)?)
    }
}

/// A test.
pub(crate) struct Test {
    name: &'static str,
    params: &'static [&'static str],
    run: RunTest,
    /// Whether it looks at missing values itself.
    pub(crate) takes_missing: bool,
}

impl Test {
    pub(crate) const fn new(name: &'static str, params: &'static [&'static str], run: RunTest) -> Self {
        Self { name, params, run, takes_missing: false }
    }

    pub(crate) const fn lenient(name: &'static str, params: &'static [&'static str], run: RunTest) -> Self {
        Self { name, params, run, takes_missing: true }
    }

    pub(crate) fn run(&self, ev: &Eval<'_>, value: &Val, args: Args) -> Res<bool> {
        (self.run)(ev, value, &args.bind(last_part(self.name), self.params)?)
    }
}

/// The name of a plugin in its collection.
fn last_part(name: &'static str) -> &'static str {
    name.rsplit('.').next().unwrap_or(name)
}

/// All filters and tests.
pub(crate) struct Registry {
    filters: HashMap<&'static str, &'static Filter>,
    tests: HashMap<&'static str, &'static Test>,
}

/// The collections whose filters, tests and lookups are built in.
const COLLECTIONS: &[&str] = &[
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.utils.",
    "ansible.netcommon.",
    "ansible.posix.",
    "community.general.",
];

/// A name without its collection.
pub(crate) fn short(name: &str) -> &str {
    COLLECTIONS.iter().find_map(|collection| name.strip_prefix(collection)).unwrap_or(name)
}

fn title(name: &str, collection: fn(&str) -> &'static str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{}.{name}", collection(name)) }
}

impl Registry {
    pub(crate) fn new() -> Self {
        let filters = crate::filters::tables().iter().flat_map(|table| table.iter());
        let tests = crate::checks::tables().iter().flat_map(|table| table.iter());
        Self {
            filters: filters.map(|filter| (filter.name, filter)).collect(),
            tests: tests.map(|test| (test.name, test)).collect(),
        }
    }

    pub(crate) fn filter(&self, name: &str) -> Option<&'static Filter> {
        self.filters.get(name).or_else(|| self.filters.get(short(name))).copied()
    }

    /// A filter's name with its collection, as Ansible's messages have it.
    pub(crate) fn filter_title(&self, name: &str) -> String {
        title(name, crate::filters::collection)
    }

    /// A test's name with its collection.
    pub(crate) fn test_title(&self, name: &str) -> String {
        title(name, crate::checks::collection)
    }

    pub(crate) fn test(&self, name: &str) -> Option<&'static Test> {
        self.tests.get(name).or_else(|| self.tests.get(short(name))).copied()
    }
}
