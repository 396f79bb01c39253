//! The functions of JMESPath.

use data::json::{self, JsonStyle};
use jmespath::ast::Ast;

use crate::eval::{Eval, binary};
use crate::filters::query::{is_number, search};
use crate::ir::Operator;
use crate::methods::sort_by;
use crate::val::{Res, Val, compare, contains, fail, finalize};

/// Name and number of arguments; 0 stands for any number of them from 1.
const ARITIES: &[(&str, usize)] = &[
    ("abs", 1),
    ("avg", 1),
    ("ceil", 1),
    ("contains", 2),
    ("ends_with", 2),
    ("floor", 1),
    ("join", 2),
    ("keys", 1),
    ("length", 1),
    ("map", 2),
    ("max", 1),
    ("max_by", 2),
    ("merge", 0),
    ("min", 1),
    ("min_by", 2),
    ("not_null", 0),
    ("reverse", 1),
    ("sort", 1),
    ("sort_by", 2),
    ("starts_with", 2),
    ("sum", 1),
    ("to_array", 1),
    ("to_number", 1),
    ("to_string", 1),
    ("type", 1),
    ("values", 1),
];

pub(super) fn call(ev: &Eval<'_>, name: &str, args: &[Ast], at: &Val) -> Res<Val> {
    let Some((_, arity)) = ARITIES.iter().find(|(known, _)| *known == name) else {
        return fail(format!("JMESPathError in json_query filter plugin:\nUnknown function: {name}()"));
    };
    if (*arity == 0 && args.is_empty()) || (*arity != 0 && args.len() != *arity) {
        return fail(format!(
            "JMESPathError in json_query filter plugin:\nExpected {arity} argument for function {name}(), received {}",
            args.len()
        ));
    }
    match name {
        "map" => return map(ev, args, at),
        "sort_by" | "max_by" | "min_by" => return by(ev, name, args, at),
        _ => {}
    }
    let mut values = Vec::with_capacity(args.len());
    for arg in args {
        values.push(search(ev, arg, at)?);
    }
    let first = &values[0];
    Ok(match name {
        "abs" | "ceil" | "floor" => round(name, first)?,
        "avg" | "sum" => sum(ev, name, first)?,
        "contains" => match first {
            Val::Str(_) if !matches!(values[1], Val::Str(_)) => Val::Bool(false),
            Val::Str(_) | Val::List(_) | Val::Tuple(_) => Val::Bool(contains(ev, first, &values[1])?),
            other => return wrong(name, other, "array or string"),
        },
        "starts_with" => Val::Bool(text(name, first)?.starts_with(text(name, &values[1])?)),
        "ends_with" => Val::Bool(text(name, first)?.ends_with(text(name, &values[1])?)),
        "join" => {
            let items = list(ev, name, &values[1])?;
            let parts = items.iter().map(|item| text(name, item)).collect::<Res<Vec<_>>>()?;
            Val::from(parts.join(text(name, first)?))
        }
        "keys" | "values" => match ev.mapping(first)? {
            Some(dict) if name == "keys" => {
                Val::list(dict.keys().iter().map(crate::val::key_value).collect())
            }
            Some(dict) => Val::list(dict.entries(ev)?.into_iter().map(|(_, value)| value).collect()),
            None => return wrong(name, first, "object"),
        },
        "length" => match first {
            Val::None | Val::Bool(_) | Val::Int(_) | Val::Float(_) => {
                return wrong(name, first, "string, array or object");
            }
            other => Val::from(ev.length(other)?),
        },
        "max" | "min" => extreme(ev, name, ordered(ev, name, first)?)?,
        "merge" => {
            let merged = crate::val::Dict::new(indexmap::IndexMap::new());
            for value in &values {
                match ev.mapping(value)? {
                    Some(dict) => merged.update(&dict),
                    None => return wrong(name, value, "object"),
                }
            }
            Val::Dict(std::rc::Rc::new(merged))
        }
        "not_null" => values.iter().find(|value| !matches!(value, Val::None)).cloned().unwrap_or(Val::None),
        "reverse" => match first {
            Val::Str(text) => Val::from(text.chars().rev().collect::<String>()),
            other => Val::list(list(ev, name, other)?.into_iter().rev().collect()),
        },
        "sort" => {
            let mut items = ordered(ev, name, first)?;
            sort_by(&mut items, false, |a, b| compare(ev, a, b, "<"))?;
            Val::list(items)
        }
        "to_array" => match first {
            Val::List(_) | Val::Tuple(_) => first.clone(),
            other => Val::list(vec![other.clone()]),
        },
        "to_number" => match first {
            Val::Int(_) | Val::Float(_) => first.clone(),
            Val::Str(text) => {
                match (crate::filters::parse_int(text, 10), crate::filters::parse_float(text)) {
                    (Some(number), _) => Val::Int(number),
                    (None, Some(number)) => Val::Float(number),
                    _ => Val::None,
                }
            }
            _ => Val::None,
        },
        "to_string" => match first {
            Val::Str(_) => first.clone(),
            other => Val::from(json::write(&finalize(ev, other)?, &JsonStyle::compact())),
        },
        _ => Val::from(kind(ev, first)?),
    })
}

/// JMESPath's name of a type.
fn kind(ev: &Eval<'_>, value: &Val) -> Res<&'static str> {
    Ok(match value {
        Val::None => "null",
        Val::Bool(_) => "boolean",
        Val::Int(_) | Val::Float(_) => "number",
        Val::Str(_) => "string",
        Val::List(_) | Val::Tuple(_) => "array",
        other if ev.mapping(other)?.is_some() => "object",
        other => other.type_name(),
    })
}

fn wrong<T>(name: &str, value: &Val, wanted: &str) -> Res<T> {
    let kind = value.type_name();
    fail(format!(
        "JMESPathError in json_query filter plugin:\nIn function {name}(), invalid type: expected {wanted}, received '{kind}'"
    ))
}

fn text<'v>(name: &str, value: &'v Val) -> Res<&'v str> {
    value.as_str().map_or_else(|| wrong(name, value, "string"), Ok)
}

fn list(ev: &Eval<'_>, name: &str, value: &Val) -> Res<Vec<Val>> {
    match value {
        Val::List(_) | Val::Tuple(_) => ev.items(value),
        other => wrong(name, other, "array"),
    }
}

/// A list of numbers or of texts.
fn ordered(ev: &Eval<'_>, name: &str, value: &Val) -> Res<Vec<Val>> {
    let items = list(ev, name, value)?;
    match items.iter().find(|item| !is_number(item) && !matches!(item, Val::Str(_))) {
        Some(bad) => wrong(name, bad, "array of strings or of numbers"),
        None => Ok(items),
    }
}

fn round(name: &str, value: &Val) -> Res<Val> {
    Ok(match (name, value) {
        ("abs", Val::Float(number)) => Val::Float(number.abs()),
        ("abs", Val::Int(number)) => Val::Int(number.abs()),
        ("ceil", Val::Float(number)) => Val::Int(number.ceil() as i128),
        ("floor", Val::Float(number)) => Val::Int(number.floor() as i128),
        (_, Val::Int(number)) => Val::Int(*number),
        (_, other) => return wrong(name, other, "number"),
    })
}

fn sum(ev: &Eval<'_>, name: &str, value: &Val) -> Res<Val> {
    let items = list(ev, name, value)?;
    let mut total = Val::Int(0);
    for item in &items {
        if !is_number(item) {
            return wrong(name, item, "array of numbers");
        }
        total = binary(ev, Operator::Add, &total, item)?;
    }
    if name == "sum" {
        return Ok(total);
    }
    if items.is_empty() { Ok(Val::None) } else { binary(ev, Operator::Div, &total, &Val::from(items.len())) }
}

fn extreme(ev: &Eval<'_>, name: &str, items: Vec<Val>) -> Res<Val> {
    let mut best: Option<Val> = None;
    for item in items {
        let better = match &best {
            None => true,
            Some(best) => {
                let order = compare(ev, &item, best, "<")?;
                order.is_some_and(if name == "max" {
                    std::cmp::Ordering::is_gt
                } else {
                    std::cmp::Ordering::is_lt
                })
            }
        };
        if better {
            best = Some(item);
        }
    }
    Ok(best.unwrap_or(Val::None))
}

/// The expression behind `&`.
fn reference<'a>(name: &str, arg: &'a Ast) -> Res<&'a Ast> {
    match arg {
        Ast::Expref { ast, .. } => Ok(ast),
        _ => fail(format!(
            "JMESPathError in json_query filter plugin:\nIn function {name}(), an expression (`&...`) is expected"
        )),
    }
}

fn map(ev: &Eval<'_>, args: &[Ast], at: &Val) -> Res<Val> {
    let ast = reference("map", &args[0])?;
    let items = list(ev, "map", &search(ev, &args[1], at)?)?;
    Ok(Val::list(items.iter().map(|item| search(ev, ast, item)).collect::<Res<_>>()?))
}

fn by(ev: &Eval<'_>, name: &str, args: &[Ast], at: &Val) -> Res<Val> {
    let items = list(ev, name, &search(ev, &args[0], at)?)?;
    let ast = reference(name, &args[1])?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let key = search(ev, ast, &item)?;
        if !is_number(&key) && !matches!(key, Val::Str(_)) {
            return wrong(name, &key, "number or string");
        }
        keyed.push((key, item));
    }
    sort_by(&mut keyed, false, |(a, _), (b, _)| compare(ev, a, b, "<"))?;
    Ok(match name {
        "sort_by" => Val::list(keyed.into_iter().map(|(_, item)| item).collect()),
        "min_by" => keyed.into_iter().next().map_or(Val::None, |(_, item)| item),
        // The first of the largest.
        _ => {
            let last = keyed.last().map(|(key, _)| key.clone());
            let mut best = Val::None;
            for (key, item) in keyed {
                if let Some(last) = &last
                    && crate::val::equal(ev, &key, last)?
                {
                    best = item;
                    break;
                }
            }
            best
        }
    })
}
