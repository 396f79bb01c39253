//! Tests of community.general: `a_module`, `ansible_type`, `fqdn_valid`.

use crate::args::Bound;
use crate::eval::Eval;
use crate::filters::ansible_type;
use crate::registry::Test;
use crate::val::{Res, Val, display, fail};

pub(crate) const TESTS: &[Test] = &[
    Test::new("community.general.a_module", &[], |ev, value, _| {
        let name = ev.text(value)?;
        Ok(ev.ctx.host.is_some_and(|host| host.is_module(&name)))
    }),
    Test::new("community.general.ansible_type", &["dtype", "alias?"], |ev, value, args| {
        let found = ansible_type(ev, value, args.get(1))?;
        match args.val(0) {
            Val::Str(wanted) => Ok(*wanted == *found),
            wanted @ (Val::List(_) | Val::Tuple(_)) => {
                Ok(ev.items(&wanted)?.iter().any(|one| one.as_str() == Some(&found)))
            }
            other => fail(format!(
                "The argument dtype must be a string or a list. dtype is {}.",
                display(ev, &other)?
            )),
        }
    }),
    Test::new("community.general.fqdn_valid", &["min_labels?", "allow_underscores?"], fqdn_valid),
];

/// A host name by RFC 1123 (with underscores, of RFC 2181), of so many labels at least.
fn fqdn_valid(_: &Eval<'_>, value: &Val, args: &Bound) -> Res<bool> {
    let Some(name) = value.as_str().filter(|name| !name.is_empty()) else {
        return fail("fqdn must be str");
    };
    let (least, underscores) = (args.int(0, 1)?, args.flag(1, false)?);
    let relative = name.strip_suffix('.').unwrap_or(name);
    let labels: Vec<&str> = relative.split('.').collect();
    let is_label = |label: &&str| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || (underscores && byte == b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    Ok(relative.len() <= 253
        && i128::try_from(labels.len()).unwrap_or(0) >= least
        && labels.iter().all(is_label))
}
