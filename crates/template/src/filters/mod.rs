//! The filters, one file per family.

mod address;
mod address_forms;
mod attribute;
mod basic;
mod certificates;
mod community;
mod dict;
mod duration;
mod encode;
mod html;
mod ipaddr;
mod json_patch;
mod keys;
mod math;
mod password;
mod path;
mod query;
mod random;
mod regex;
mod sequence;
mod serial;
mod sets;
mod shell;
mod structure;
mod subnets;
mod tables;
mod text;
mod urlize;
mod wrap;

use crate::registry::Filter;

pub(crate) use address::Net;
pub(crate) use attribute::Getter;
pub(crate) use basic::{bool_word, parse_float, parse_int};
pub(crate) use community::ansible_type;
pub(crate) use html::split_url;
pub(crate) use keys::class;
pub(crate) use password::{hash_password, random_salt};
pub(crate) use path::normpath;
pub(crate) use random::Random;
pub(crate) use regex::{compiled, matches};
pub(crate) use sequence::flatten;

/// The collection that a filter comes from, by its name without one.
pub(crate) fn collection(name: &str) -> &'static str {
    let in_any = |tables: &[&[Filter]]| tables.iter().any(|table| table.iter().any(|one| one.name() == name));
    if in_any(&[ipaddr::FILTERS, subnets::FILTERS]) {
        "ansible.utils"
    } else if in_any(&[community::FILTERS, query::FILTERS]) {
        "community.general"
    } else {
        "ansible.builtin"
    }
}

/// All tables of filters.
pub(crate) fn tables() -> &'static [&'static [Filter]] {
    &[
        basic::FILTERS,
        sequence::FILTERS,
        dict::FILTERS,
        text::FILTERS,
        serial::FILTERS,
        regex::FILTERS,
        encode::FILTERS,
        password::FILTERS,
        path::FILTERS,
        random::FILTERS,
        math::FILTERS,
        sets::FILTERS,
        shell::FILTERS,
        html::FILTERS,
        ipaddr::FILTERS,
        subnets::FILTERS,
        community::FILTERS,
        query::FILTERS,
        keys::FILTERS,
        address_forms::FILTERS,
        structure::FILTERS,
        tables::FILTERS,
        duration::FILTERS,
        json_patch::FILTERS,
        certificates::FILTERS,
    ]
}
