//! `json_query`: JMESPath (jmespath.org) over our values. The crate `jmespath` reads the expression.

mod functions;

use jmespath::ast::{Ast, Comparator};
use jmespath::{Rcvar, Variable};

use crate::args::Bound;
use crate::eval::Eval;
use crate::ir::Comparison;
use crate::registry::Filter;
use crate::val::{Res, Val, equal, fail};

pub(crate) const FILTERS: &[Filter] = &[Filter::new("json_query", &["expr"], json_query)];

fn json_query(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Val::Str(expr) = args.val(0) else {
        return fail("Error in jmespath.search in json_query filter plugin: the expression must be text");
    };
    match jmespath::parse(&expr) {
        Ok(ast) => search(ev, &ast, value),
        Err(error) => fail(format!("JMESPathError in json_query filter plugin:\n{error}")),
    }
}

/// The value of an expression at a value.
fn search(ev: &Eval<'_>, ast: &Ast, at: &Val) -> Res<Val> {
    ev.spend(1, 0)?;
    ev.deeper(|| node(ev, ast, at))
}

fn node(ev: &Eval<'_>, ast: &Ast, at: &Val) -> Res<Val> {
    Ok(match ast {
        Ast::Identity { .. } => at.clone(),
        Ast::Field { name, .. } => match ev.mapping(at)? {
            Some(dict) => dict.get_str(ev, name)?.unwrap_or(Val::None).used()?,
            None => Val::None,
        },
        Ast::Subexpr { lhs, rhs, .. } => {
            let left = search(ev, lhs, at)?;
            if matches!(left, Val::None) { Val::None } else { search(ev, rhs, &left)? }
        }
        Ast::Index { idx, .. } => match at {
            Val::List(_) | Val::Tuple(_) => {
                let items = ev.items(at)?;
                let index = crate::eval::at_index((*idx).into(), items.len());
                index.map_or(Val::None, |index| items[index].clone())
            }
            _ => Val::None,
        },
        Ast::Slice { start, stop, step, .. } => match at {
            Val::List(_) | Val::Tuple(_) => {
                let bound = |bound: Option<i32>| bound.map(|bound| Val::Int(bound.into()));
                ev.slice(at, &[bound(*start), bound(*stop), Some(Val::Int((*step).into()))])?
            }
            _ => Val::None,
        },
        Ast::Literal { value, .. } => literal(value),
        Ast::Projection { lhs, rhs, .. } => {
            let left = search(ev, lhs, at)?;
            let (Val::List(_) | Val::Tuple(_)) = left else { return Ok(Val::None) };
            let mut found = Vec::new();
            for item in ev.items(&left)? {
                let value = search(ev, rhs, &item)?;
                if !matches!(value, Val::None) {
                    found.push(value);
                }
            }
            Val::list(found)
        }
        Ast::ObjectValues { node, .. } => match ev.mapping(&search(ev, node, at)?)? {
            Some(dict) => Val::list(dict.entries(ev)?.into_iter().map(|(_, value)| value).collect()),
            None => Val::None,
        },
        Ast::Flatten { node, .. } => {
            let inner = search(ev, node, at)?;
            let (Val::List(_) | Val::Tuple(_)) = inner else { return Ok(Val::None) };
            Val::list(crate::filters::flatten(ev, &ev.items(&inner)?, Some(1), false)?)
        }
        Ast::MultiList { .. } | Ast::MultiHash { .. } if matches!(at, Val::None) => Val::None,
        Ast::MultiList { elements, .. } => {
            Val::list(elements.iter().map(|element| search(ev, element, at)).collect::<Res<_>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut made = indexmap::IndexMap::new();
            for pair in elements {
                made.insert(data::Key::from(pair.key.as_str()), search(ev, &pair.value, at)?);
            }
            Val::dict(made)
        }
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compared(ev, comparator, &search(ev, lhs, at)?, &search(ev, rhs, at)?)?
        }
        Ast::Condition { predicate, then, .. } => {
            if holds(ev, &search(ev, predicate, at)?)? {
                search(ev, then, at)?
            } else {
                Val::None
            }
        }
        Ast::And { lhs, rhs, .. } => {
            let left = search(ev, lhs, at)?;
            if holds(ev, &left)? { search(ev, rhs, at)? } else { left }
        }
        Ast::Or { lhs, rhs, .. } => {
            let left = search(ev, lhs, at)?;
            if holds(ev, &left)? { left } else { search(ev, rhs, at)? }
        }
        Ast::Not { node, .. } => Val::Bool(!holds(ev, &search(ev, node, at)?)?),
        Ast::Function { name, args, .. } => functions::call(ev, name, args, at)?,
        Ast::Expref { .. } => return fail("an expression reference stands outside of a function"),
    })
}

/// JMESPath's truth: numbers are always true.
fn holds(ev: &Eval<'_>, value: &Val) -> Res<bool> {
    Ok(match value {
        Val::Int(_) | Val::Float(_) => true,
        Val::Object(_) => ev.mapping(value)?.is_none_or(|dict| dict.len() != 0),
        other => other.truth()?,
    })
}

fn is_number(value: &Val) -> bool {
    matches!(value, Val::Int(_) | Val::Float(_))
}

/// Equality tells numbers and booleans apart; only numbers (and, as in the Python library, texts) have an order.
fn compared(ev: &Eval<'_>, how: &Comparator, left: &Val, right: &Val) -> Res<Val> {
    let same = || -> Res<bool> {
        let differs = matches!(left, Val::Bool(_)) != matches!(right, Val::Bool(_));
        Ok(!differs && equal(ev, left, right)?)
    };
    let how = match how {
        Comparator::Equal => return Ok(Val::Bool(same()?)),
        Comparator::NotEqual => return Ok(Val::Bool(!same()?)),
        Comparator::LessThan => Comparison::Lt,
        Comparator::LessThanEqual => Comparison::Le,
        Comparator::GreaterThan => Comparison::Gt,
        Comparator::GreaterThanEqual => Comparison::Ge,
    };
    let texts = matches!((left, right), (Val::Str(_), Val::Str(_)));
    if texts || (is_number(left) && is_number(right)) {
        return Ok(Val::Bool(ev.holds(how, left, right)?));
    }
    Ok(Val::None)
}

fn literal(value: &Rcvar) -> Val {
    match &**value {
        Variable::Null | Variable::Expref(_) => Val::None,
        Variable::Bool(flag) => Val::Bool(*flag),
        Variable::String(text) => Val::from(text.as_str()),
        Variable::Number(number) => match number.as_i64() {
            Some(number) => Val::Int(number.into()),
            None => Val::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Variable::Array(items) => Val::list(items.iter().map(literal).collect()),
        Variable::Object(map) => Val::dict(
            map.iter().map(|(key, value)| (data::Key::from(key.as_str()), literal(value))).collect(),
        ),
    }
}
