//! Calls: of functions, methods, macros, blocks and loops; and the entry to filters and tests.

use std::rc::Rc;
use std::sync::Arc;

use data::Key;
use indexmap::IndexMap;

use crate::args::Args;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::{Eval, Frame, Out};
use crate::ir::{Arg, Expr, ExprKind};
use crate::methods;
use crate::val::{MacroObject, Object, Res, Val, display, fail};

impl Eval<'_> {
    /// The arguments of a call, filter or test.
    pub(crate) fn args(&self, args: &[Arg], frame: &Rc<Frame>) -> Res<Args> {
        let mut found = Args::default();
        for arg in args {
            match arg {
                Arg::Pos(expr) => found.pos.push(self.expr(expr, frame)?),
                Arg::Named(name, expr) => found.named.push((Arc::clone(name), self.expr(expr, frame)?)),
                Arg::Splat(expr) => found.pos.extend(self.items_loose(&self.expr(expr, frame)?)?),
                Arg::NamedSplat(expr) => {
                    let value = self.expr(expr, frame)?.used()?;
                    let Some(dict) = self.mapping(&value)? else {
                        return fail("argument after ** must be a mapping");
                    };
                    for (key, value) in dict.entries(self)? {
                        if found.named.iter().any(|(known, _)| key.as_str() == Some(known)) {
                            return fail(format!("got multiple values for keyword argument '{key}'"));
                        }
                        found.named.push((key.to_string().into(), value));
                    }
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn call_expr(&self, target: &Expr, args: &[Arg], frame: &Rc<Frame>) -> Res<Val> {
        // A method is called on its object at once.
        if let ExprKind::Attr(object, name) = &target.kind {
            let object = self.expr(object, frame)?;
            if let Val::Missing(_) = object {
                return Ok(object);
            }
            if methods::exists(&object, name) {
                let args = self.args(args, frame)?;
                args.check()?;
                return methods::call(self, &object, name, args);
            }
            let function = self.attribute(&object, name)?;
            let args = self.args(args, frame)?;
            return self.call(&function, args, frame);
        }
        let function = self.expr(target, frame)?;
        let args = self.args(args, frame)?;
        self.call(&function, args, frame)
    }

    /// `{% call %}`
    pub(crate) fn call_with_caller(&self, call: &Expr, caller: Val, frame: &Rc<Frame>) -> Res<Val> {
        let ExprKind::Call(target, args) = &call.kind else { return Ok(Val::None) };
        let function = self.expr(target, frame)?;
        let mut args = self.args(args, frame)?;
        args.named.push(("caller".into(), caller));
        self.call(&function, args, frame).map_err(|error| error.located(&frame.template.origin, call.span))
    }

    /// Calls a value.
    pub(crate) fn call(&self, function: &Val, args: Args, frame: &Rc<Frame>) -> Res<Val> {
        function.check()?;
        let Val::Object(object) = function else {
            return fail(format!("'{}' object is not callable", function.type_name()));
        };
        match &**object {
            Object::Macro(code) => return self.call_macro(code, args),
            Object::Function(function) if function.takes_missing => {}
            _ => args.check()?,
        }
        match &**object {
            Object::Function(function) => (function.run)(self, args, frame),
            Object::Method(object, name) => methods::call(self, object, name, args),
            Object::Loop(state) => {
                let [over] = args.exactly("loop")?;
                self.recurse(state, over)
            }
            Object::Block(outer, name, depth) => {
                let mut out = Out::default();
                self.block_at(name, *depth, outer, &mut out)?;
                Ok(out.finish())
            }
            Object::Joiner(separator, used) => {
                Ok(if used.replace(true) { Val::str(separator.as_str()) } else { Val::str("") })
            }
            other => fail(format!("'{}' object is not callable", other.type_name())),
        }
    }

    fn call_macro(&self, object: &MacroObject, args: Args) -> Res<Val> {
        let code = &object.code;
        let frame = Frame::child_of(&object.frame, Arc::clone(&object.template));
        self.bind(object, args, &frame)?;
        self.spend(1, 0)?;
        self.deeper(|| {
            let mut out = Out::default();
            self.stmts(&code.body, &frame, &mut out)?;
            Ok(out.finish())
        })
    }

    /// Gives a macro's parameters their values.
    fn bind(&self, object: &MacroObject, args: Args, frame: &Rc<Frame>) -> Res<()> {
        let code = &object.code;
        let mut named = args.named;
        let mut pos = args.pos.into_iter();
        let first_default = code.params.len() - code.defaults.len();
        for (index, param) in code.params.iter().enumerate() {
            // A parameter that has its value by place leaves the named one to `kwargs`.
            let by_place = pos.next();
            let by_name = match by_place {
                Some(_) => None,
                None => named.iter().position(|(name, _)| name == param).map(|at| named.remove(at).1),
            };
            let value = match by_place.or(by_name) {
                Some(value) => value,
                None => match index.checked_sub(first_default) {
                    Some(at) => self.expr(&code.defaults[at], frame)?,
                    None => Val::undefined(format!("parameter '{param}' was not provided")),
                },
            };
            frame.set(param, value);
        }
        let declares_caller = code.params.iter().any(|param| &**param == "caller");
        let caller = named.iter().position(|(name, _)| &**name == "caller").map(|at| named.remove(at).1);
        if code.takes_caller && !declares_caller {
            let caller = caller.unwrap_or_else(|| Val::undefined("No caller defined".to_owned()));
            frame.set(&"caller".into(), caller);
        } else if caller.is_some() && !code.takes_kwargs {
            return fail(format!(
                "macro '{}' was invoked with two values for the special caller argument. This is most likely a bug.",
                code.name
            ));
        }
        let rest: Vec<Val> = pos.collect();
        if code.takes_varargs {
            frame.set(&"varargs".into(), Val::tuple(rest));
        } else if !rest.is_empty() {
            let count = code.params.len();
            return fail(format!("macro '{}' takes not more than {count} argument(s)", code.name));
        }
        if code.takes_kwargs {
            let kwargs: IndexMap<Key, Val> =
                named.into_iter().map(|(name, value)| (Key::from(&*name), value)).collect();
            frame.set(&"kwargs".into(), Val::dict(kwargs));
        } else if let Some((name, _)) = named.first() {
            return fail(format!("macro '{}' takes no keyword argument '{name}'", code.name));
        }
        Ok(())
    }

    /// Runs a filter by its name.
    pub(crate) fn filter(&self, name: &str, value: &Val, args: Args) -> Res<Val> {
        let Some(filter) = self.engine.filter(name) else {
            return Err(TemplateError::new(ErrorKind::Syntax(format!("No filter named '{name}'."))));
        };
        if !filter.takes_missing {
            value.check()?;
            args.check()?;
        }
        let wrap = |message: String| ErrorKind::Filter { name: self.engine.filter_title(name), message };
        let result = filter.run(self, value, args).map_err(|error| wrapped(error, wrap))?;
        // As in Ansible, a range that comes out of a filter is a list.
        match &result {
            Val::Str(text) => {
                self.spend(0, text.len())?;
                Ok(result)
            }
            Val::Object(object) if matches!(&**object, Object::Range(..)) => {
                Ok(Val::list(self.items(&result)?))
            }
            _ => Ok(result),
        }
    }

    /// Runs a test by its name.
    pub(crate) fn test(&self, name: &str, value: &Val, args: Args) -> Res<bool> {
        let Some(test) = self.engine.test(name) else {
            return Err(TemplateError::new(ErrorKind::Syntax(format!("No test named '{name}'."))));
        };
        if !test.takes_missing {
            value.check()?;
            args.check()?;
        }
        let wrap = |message: String| ErrorKind::Test { name: self.engine.test_title(name), message };
        test.run(self, value, args).map_err(|error| wrapped(error, wrap))
    }

    /// Python's `str()`, for filters that take text.
    pub(crate) fn text(&self, value: &Val) -> Res<String> {
        display(self, value)
    }
}

/// Says which filter or test an operation failed in.
fn wrapped(error: TemplateError, wrap: impl FnOnce(String) -> ErrorKind) -> TemplateError {
    match error.kind() {
        ErrorKind::Operation(message) if error.place().is_none() => {
            let kind = wrap(message.clone());
            error.with_kind(kind)
        }
        _ => error,
    }
}
