//! The text of a value: Python's `str()` and `repr()`, and what a template prints.

use std::fmt::Write as _;

use crate::eval::Eval;
use crate::val::order::key_value;
use crate::val::{Object, Res, Val, fail};

/// Python's `str()`.
pub(crate) fn display(ev: &Eval<'_>, value: &Val) -> Res<String> {
    match value {
        Val::Str(text) => Ok(text.to_string()),
        Val::Object(object) if is_time(object) => Ok(time_str(object)),
        other => {
            let mut out = String::new();
            write(ev, other, &mut out, Style { lists_only: false }, 0)?;
            Ok(out)
        }
    }
}

/// Python's `repr()`.
pub(crate) fn repr(ev: &Eval<'_>, value: &Val) -> Res<String> {
    let mut out = String::new();
    if let Val::Str(text) = value {
        out.push_str(&data::python::repr_str(text));
    } else {
        write(ev, value, &mut out, Style { lists_only: false }, 0)?;
    }
    Ok(out)
}

/// The text of a `repr` as Python's `ascii()` has it.
pub(crate) fn ascii(repr: &str) -> String {
    let mut out = String::with_capacity(repr.len());
    for c in repr.chars() {
        let code = u32::from(c);
        let _ = match code {
            0..0x80 => write!(out, "{c}"),
            0x80..0x100 => write!(out, "\\x{code:02x}"),
            0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out
}

/// What a template prints: as `str()`, but tuples show as lists and `omit` takes its item away, since Ansible finalizes a value before.
pub(crate) fn output(ev: &Eval<'_>, value: &Val, out: &mut String) -> Res<()> {
    match value {
        Val::Str(text) => out.push_str(text),
        Val::Missing(error) => out.push_str(&ev.stand_in(error)?),
        Val::Object(object) if is_time(object) => out.push_str(&time_str(object)),
        other if other.is_omit() => {}
        other => write(ev, other, out, Style { lists_only: true }, 0)?,
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Style {
    lists_only: bool,
}

const DEPTH: usize = 200;

fn write(ev: &Eval<'_>, value: &Val, out: &mut String, style: Style, depth: usize) -> Res<()> {
    if depth > DEPTH {
        return fail("maximum recursion depth exceeded while getting the text of a value");
    }
    match value {
        Val::None => out.push_str("None"),
        Val::Bool(flag) => out.push_str(if *flag { "True" } else { "False" }),
        Val::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Val::Float(number) => out.push_str(&data::python::float_text(*number)),
        Val::Str(text) => out.push_str(&data::python::repr_str(text)),
        Val::List(list) => {
            ev.spend(list.len(), out.len())?;
            members(ev, &list.items(ev)?, out, style, depth, ('[', ']'))?;
        }
        Val::Tuple(items) if style.lists_only => members(ev, items, out, style, depth, ('[', ']'))?,
        Val::Tuple(items) => {
            members(ev, items, out, style, depth, ('(', ')'))?;
            if items.len() == 1 {
                out.insert(out.len() - 1, ',');
            }
        }
        Val::Dict(dict) => {
            ev.spend(dict.len(), out.len())?;
            out.push('{');
            let mut first = true;
            for (key, value) in dict.entries(ev)? {
                if style.lists_only && value.is_omit() {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push_str(", ");
                }
                write(ev, &key_value(&key), out, Style { lists_only: false }, depth + 1)?;
                out.push_str(": ");
                write(ev, &value, out, style, depth + 1)?;
            }
            out.push('}');
        }
        Val::Missing(error) => out.push_str(&data::python::repr_str(&ev.stand_in(error)?)),
        Val::Object(object) => match ev.mapping(value)? {
            // `vars` and the variables of hosts: finalized they are dictionaries, in `~` and `string` objects of Ansible's.
            Some(dict) if style.lists_only => write(ev, &Val::Dict(dict), out, style, depth + 1)?,
            _ => object_text(ev, object, out)?,
        },
    }
    Ok(())
}

fn members(
    ev: &Eval<'_>,
    items: &[Val],
    out: &mut String,
    style: Style,
    depth: usize,
    (open, close): (char, char),
) -> Res<()> {
    out.push(open);
    let mut first = true;
    for item in items {
        if style.lists_only && item.is_omit() {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
        write(ev, item, out, style, depth + 1)?;
    }
    out.push(close);
    Ok(())
}

fn object_text(ev: &Eval<'_>, object: &Object, out: &mut String) -> Res<()> {
    match object {
        Object::Range(start, stop, 1) => {
            let _ = write!(out, "range({start}, {stop})");
        }
        Object::Range(start, stop, step) => {
            let _ = write!(out, "range({start}, {stop}, {step})");
        }
        Object::Group(key, items) => {
            let pair = Val::tuple(vec![key.clone(), items.clone()]);
            write(ev, &pair, out, Style { lists_only: false }, 1)?;
        }
        Object::Date(_) | Object::Moment(_) | Object::Delta(_) => out.push_str(&time_repr(object)),
        Object::Bytes(bytes) => out.push_str(&bytes_text(bytes)),
        Object::Omit => out.push_str("<<Omit>>"),
        Object::Module(_, body) => output(ev, body, out)?,
        Object::Namespace(namespace) => {
            out.push_str("<Namespace {");
            for (at, (key, value)) in namespace.values.borrow().iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(ev, &key_value(key), out, Style { lists_only: false }, 1)?;
                out.push_str(": ");
                write(ev, value, out, Style { lists_only: false }, 1)?;
            }
            out.push_str("}>");
        }
        Object::Loop(state) => {
            let _ = write!(out, "<LoopContext {}/{}>", state.index0.get() + 1, state.items.len());
        }
        Object::Macro(code) => {
            let _ = write!(out, "<Macro '{}'>", code.code.name);
        }
        other => {
            let _ = write!(out, "<{}>", other.type_name());
        }
    }
    Ok(())
}

/// Whether Python's `str()` and `repr()` of it differ, as they do for dates, points in time and the spans between them.
fn is_time(object: &Object) -> bool {
    matches!(object, Object::Date(_) | Object::Moment(_) | Object::Delta(_))
}

fn time_str(object: &Object) -> String {
    match object {
        Object::Date(date) => date.to_string(),
        Object::Moment(moment) => moment.to_string(),
        Object::Delta(delta) => delta.to_string(),
        _ => String::new(),
    }
}

fn time_repr(object: &Object) -> String {
    match object {
        Object::Date(date) => data::date::repr(&date.to_string()),
        Object::Moment(moment) => data::date::repr(&moment.isoformat()),
        Object::Delta(delta) => format!("{delta:?}"),
        _ => String::new(),
    }
}

/// Python's `repr(bytes)`.
fn bytes_text(bytes: &[u8]) -> String {
    let mut out = String::from("b'");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(*byte)),
            other => {
                let _ = write!(out, "\\x{other:02x}");
            }
        }
    }
    out.push('\'');
    out
}
