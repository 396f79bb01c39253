//! Expressions.

use std::rc::Rc;

use data::{Diagnostic, Place, Span, Text, Value};
use indexmap::IndexMap;

use crate::error::{ErrorKind, Origin, TemplateError};
use crate::eval::{Eval, Frame, binary};
use crate::ir::{Comparison, Expr, ExprKind, Name};
use crate::val::{Object, Res, Val, compare, contains, display, equal, key_of};

impl Eval<'_> {
    /// The value of an expression. It may be missing: whoever uses it raises the error.
    pub(crate) fn expr(&self, expr: &Expr, frame: &Rc<Frame>) -> Res<Val> {
        let result = match &expr.kind {
            ExprKind::Const(value) => return Ok(constant(value)),
            ExprKind::Var(name) => self.name(name, frame),
            _ => stacker::maybe_grow(super::RED_ZONE, super::NEW_STACK, || self.expr_inner(expr, frame)),
        };
        match result {
            Ok(Val::Missing(error)) if error.place().is_none() => {
                let error = (*error).clone().located(&frame.template.origin, expr.span);
                Ok(Val::Missing(Rc::new(error)))
            }
            Ok(value) => Ok(value),
            Err(error) => Err(error.located(&frame.template.origin, expr.span)),
        }
    }

    fn name(&self, name: &Name, frame: &Rc<Frame>) -> Res<Val> {
        if let Some(value) = frame.resolve(self, name)? {
            return Ok(value);
        }
        if &**name == "self" {
            return Ok(Val::object(Object::Template(frame.outermost())));
        }
        let error = TemplateError::new(ErrorKind::Undefined(format!("'{name}' is undefined")));
        Ok(Val::Missing(Rc::new(error)))
    }

    fn expr_inner(&self, expr: &Expr, frame: &Rc<Frame>) -> Res<Val> {
        Ok(match &expr.kind {
            ExprKind::Const(value) => constant(value),
            ExprKind::Embedded(text) => self.embedded(text, frame)?,
            ExprKind::Var(name) => self.name(name, frame)?,
            ExprKind::Attr(object, name) => {
                let object = self.expr(object, frame)?;
                self.attribute(&object, name)?
            }
            ExprKind::Item(object, key) => {
                let object = self.expr(object, frame)?;
                let key = self.expr(key, frame)?;
                self.item(&object, &key)?
            }
            ExprKind::Slice(object, bounds) => {
                let object = self.expr(object, frame)?;
                let mut at = [None, None, None];
                for (bound, slot) in bounds.iter().zip(&mut at) {
                    if let Some(bound) = bound {
                        *slot = Some(self.expr(bound, frame)?);
                    }
                }
                self.slice(&object, &at)?
            }
            ExprKind::Not(value) => Val::Bool(!self.expr(value, frame)?.truth()?),
            ExprKind::Neg(value) => super::ops::signed(&self.expr(value, frame)?, '-')?,
            ExprKind::Pos(value) => super::ops::signed(&self.expr(value, frame)?, '+')?,
            ExprKind::And(left, right) => {
                let left = self.expr(left, frame)?;
                if left.truth()? { self.expr(right, frame)? } else { left }
            }
            ExprKind::Or(left, right) => {
                let left = self.expr(left, frame)?;
                if left.truth()? { left } else { self.expr(right, frame)? }
            }
            ExprKind::Binary(operator, left, right) => {
                let left = self.expr(left, frame)?.used()?;
                let right = self.expr(right, frame)?.used()?;
                binary(self, *operator, &left, &right)?
            }
            ExprKind::Concat(parts) => self.concat(parts, frame)?,
            ExprKind::Compare(first, rest) => self.comparisons(first, rest, frame)?,
            ExprKind::If(condition, yes, no) => {
                if self.expr(condition, frame)?.truth()? {
                    self.expr(yes, frame)?
                } else if let Some(no) = no {
                    self.expr(no, frame)?
                } else {
                    let hint = "the inline if-expression evaluated to false and no else section was defined.";
                    Val::undefined(hint.to_owned())
                }
            }
            ExprKind::Filter(target, name, args) => {
                let value = match target {
                    Some(target) => self.expr(target, frame)?,
                    None => Val::None,
                };
                let args = self.args(args, frame)?;
                self.deferred(self.filter(name, &value, args))?
            }
            ExprKind::Test(target, name, args) => {
                let value = self.expr(target, frame)?;
                let args = self.args(args, frame)?;
                self.deferred(self.test(name, &value, args).map(Val::Bool))?
            }
            ExprKind::Call(target, args) => self.deferred(self.call_expr(target, args, frame))?,
            ExprKind::List(items) => Val::list(self.exprs(items, frame)?),
            ExprKind::Tuple(items) => Val::tuple(self.exprs(items, frame)?),
            ExprKind::Dict(entries) => {
                let mut dict = IndexMap::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = key_of(self, &self.expr(key, frame)?)?;
                    dict.insert(key, self.expr(value, frame)?);
                }
                Val::dict(dict)
            }
        })
    }

    /// Ansible keeps the error of a filter, test or call until its result is used.
    fn deferred(&self, result: Res<Val>) -> Res<Val> {
        match result {
            Err(error) if !error.is_fatal() => Ok(Val::Missing(Rc::new(error))),
            other => other,
        }
    }

    fn exprs(&self, exprs: &[Expr], frame: &Rc<Frame>) -> Res<Vec<Val>> {
        exprs.iter().map(|expr| self.expr(expr, frame)).collect()
    }

    /// A template inside a string constant, which Ansible still renders in lookups and conditions.
    fn embedded(&self, text: &Text, frame: &Rc<Frame>) -> Res<Val> {
        let warning = Diagnostic::warning(
            "Jinja constant strings should not contain embedded templates. This feature will be disabled by default in ansible-core 2.23.",
        );
        let place = match &frame.template.origin {
            Origin::Text(text) => text.place().cloned(),
            Origin::File(source) => Some(Place::new(source, Span::default())),
        };
        self.warn_of(warning.at_opt(place.as_ref(), "").help(
            "Use inline expressions, for example: `when: \"{{ a_var }}\" == 42` becomes `when: a_var == 42`",
        ));
        match frame.unit.scope {
            Some(scope) => self.render_text(text, scope),
            None => Ok(Val::Str(text.clone().into_plain())),
        }
    }

    fn concat(&self, parts: &[Expr], frame: &Rc<Frame>) -> Res<Val> {
        let mut whole = String::new();
        let mut secret = false;
        for part in parts {
            match self.expr(part, frame)?.used()? {
                Val::Str(text) => {
                    secret |= text.is_secret();
                    whole.push_str(&text);
                }
                other => whole.push_str(&display(self, &other)?),
            }
        }
        self.spend(1, whole.len())?;
        let text = Text::plain(whole);
        Ok(Val::Str(if secret { text.into_secret() } else { text }))
    }

    fn comparisons(&self, first: &Expr, rest: &[(Comparison, Expr)], frame: &Rc<Frame>) -> Res<Val> {
        let mut left = self.expr(first, frame)?.used()?;
        for (how, right) in rest {
            let right = self.expr(right, frame)?.used()?;
            if !self.holds(*how, &left, &right)? {
                return Ok(Val::Bool(false));
            }
            left = right;
        }
        Ok(Val::Bool(true))
    }

    /// Whether a comparison holds.
    pub(crate) fn holds(&self, how: Comparison, left: &Val, right: &Val) -> Res<bool> {
        let order = || compare(self, left, right, how.symbol());
        Ok(match how {
            Comparison::Eq => equal(self, left, right)?,
            Comparison::Ne => !equal(self, left, right)?,
            Comparison::Lt => order()?.is_some_and(std::cmp::Ordering::is_lt),
            Comparison::Le => order()?.is_some_and(std::cmp::Ordering::is_le),
            Comparison::Gt => order()?.is_some_and(std::cmp::Ordering::is_gt),
            Comparison::Ge => order()?.is_some_and(std::cmp::Ordering::is_ge),
            Comparison::In => contains(self, right, left)?,
            Comparison::NotIn => !contains(self, right, left)?,
        })
    }

    /// Runs the filters of a `{% filter %}` or `{% set x | f %}` over a value.
    pub(crate) fn filter_chain(&self, chain: &Expr, value: Val, frame: &Rc<Frame>) -> Res<Val> {
        let ExprKind::Filter(target, name, args) = &chain.kind else { return Ok(value) };
        let value = match target {
            Some(target) => self.filter_chain(target, value, frame)?,
            None => value,
        };
        let args = self.args(args, frame)?;
        self.filter(name, &value, args).map_err(|error| error.located(&frame.template.origin, chain.span))
    }
}

/// A constant; only scalars are constants.
fn constant(value: &Value) -> Val {
    Val::scalar(value).unwrap_or(Val::None)
}
