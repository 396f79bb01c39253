//! The lookups of ansible.utils that are filters, too: `get_path`, `to_paths`, `index_of`.

use crate::args::Args;
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[
    Lookup::new("get_path", |request| by_filter(request, "ansible.utils.get_path")),
    Lookup::new("to_paths", |request| by_filter(request, "ansible.utils.to_paths")),
    Lookup::new("index_of", |request| by_filter(request, "ansible.utils.index_of")),
];

/// The first term is what the filter works on, the others are its arguments.
fn by_filter(request: &mut Request<'_, '_>, filter: &str) -> Res<Vec<Val>> {
    let mut terms = std::mem::take(&mut request.terms).into_iter();
    let Some(value) = terms.next() else { return fail("missing required arguments: the value to look into") };
    let args = Args { pos: terms.collect(), named: std::mem::take(&mut request.options.named) };
    match request.ev.filter(filter, &value, args)? {
        list @ Val::List(_) => request.ev.items(&list),
        other => Ok(vec![other]),
    }
}
