//! The evaluation of one value: its scopes, its limits, and the rendering of templates inside variables when they are used.

mod access;
mod call;
mod expr;
mod frame;
mod include;
mod iterate;
mod looping;
mod ops;
mod out;
mod stmt;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use data::{Diagnostic, Text, Value};
use indexmap::IndexMap;

pub(crate) use access::at_index;
pub(crate) use frame::Frame;
pub(crate) use ops::{binary, float_as, format_percent};
pub(crate) use out::Out;

use crate::engine::Engine;
use crate::error::{ErrorKind, TemplateError};
use crate::ir::{Name, Template};
use crate::lower::Mode;
use crate::scope::{Context, Scope};
use crate::stand_in::StandIns;
use crate::val::{Dict, List, Object, Res, ScopeId, Val};

/// Below so many bytes of stack a piece of heap takes over.
const RED_ZONE: usize = 192 << 10;
const NEW_STACK: usize = 2 << 20;

/// One evaluation.
pub(crate) struct Eval<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ctx: Context<'a>,
    scopes: RefCell<Vec<Rc<Variables<'a>>>>,
    /// The templates being rendered now, innermost last, for cycles.
    active: RefCell<Vec<(Text, ScopeId)>>,
    depth: Cell<usize>,
    steps: Cell<u64>,
    /// Set where text stands for what cannot be had.
    pub(crate) stand_ins: Option<StandIns>,
}

/// The variables of one host, with what was opened so far.
struct Variables<'a> {
    vars: Vars<'a>,
    host: Option<String>,
    memo: RefCell<HashMap<Name, Val>>,
    all: RefCell<Option<Rc<Dict>>>,
}

enum Vars<'a> {
    Borrowed(&'a dyn Scope),
    Shared(Arc<dyn Scope>),
}

impl Vars<'_> {
    fn scope(&self) -> &dyn Scope {
        match self {
            Self::Borrowed(scope) => *scope,
            Self::Shared(scope) => &**scope,
        }
    }
}

/// The scope of the context.
pub(crate) const OUTER: ScopeId = ScopeId(0);

impl<'a> Eval<'a> {
    pub(crate) fn new(engine: &'a Engine, ctx: &Context<'a>) -> Self {
        let outer = Variables {
            vars: Vars::Borrowed(ctx.scope),
            host: None,
            memo: RefCell::default(),
            all: RefCell::default(),
        };
        Self {
            engine,
            ctx: *ctx,
            scopes: RefCell::new(vec![Rc::new(outer)]),
            active: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            stand_ins: None,
        }
    }

    /// One in which text stands for what cannot be had.
    pub(crate) fn replacing(engine: &'a Engine, ctx: &Context<'a>, stand_ins: StandIns) -> Self {
        Self { stand_ins: Some(stand_ins), ..Self::new(engine, ctx) }
    }

    /// The text that stands for an error; the error itself where nothing stands for it.
    pub(crate) fn stand_in(&self, error: &TemplateError) -> Res<String> {
        self.stand_ins.as_ref().and_then(|stand_ins| stand_ins.text(error)).ok_or_else(|| error.clone())
    }

    fn variables(&self, scope: ScopeId) -> Rc<Variables<'a>> {
        Rc::clone(&self.scopes.borrow()[scope.0 as usize])
    }

    /// A variable of a scope, rendered and kept.
    pub(crate) fn variable(&self, scope: ScopeId, name: &str) -> Res<Option<Val>> {
        let variables = self.variables(scope);
        if let Some(value) = variables.memo.borrow().get(name) {
            return Ok(Some(value.clone()));
        }
        let value = match variables.vars.scope().get(name) {
            Some(raw) => {
                if name == "play_hosts" {
                    self.deprecated("The `play_hosts` magic variable is deprecated.");
                }
                self.open(&raw, scope)
                    .map_err(|error| error.through(format!("while rendering the variable `{name}`"), None))?
            }
            None => match name {
                "hostvars" if self.ctx.scope.hostvars().is_some() => Val::object(Object::HostVars),
                "vars" => Val::object(Object::Vars(scope)),
                _ => return Ok(None),
            },
        };
        variables.memo.borrow_mut().insert(name.into(), value.clone());
        Ok(Some(value))
    }

    /// The names of the variables of a scope.
    pub(crate) fn names(&self, scope: ScopeId) -> Vec<String> {
        self.variables(scope).vars.scope().names()
    }

    /// All variables of a scope as a dictionary, opened when used.
    pub(crate) fn all_variables(&self, scope: ScopeId) -> Rc<Dict> {
        let variables = self.variables(scope);
        if let Some(all) = &*variables.all.borrow() {
            return Rc::clone(all);
        }
        let vars = variables.vars.scope();
        let map: data::Map =
            vars.names().into_iter().filter_map(|name| vars.get(&name).map(|value| (name, value))).collect();
        let all = Rc::new(Dict::raw(map, scope));
        *variables.all.borrow_mut() = Some(Rc::clone(&all));
        all
    }

    pub(crate) fn host_names(&self) -> Vec<String> {
        self.ctx.scope.hostvars().map(|hosts| hosts.hosts()).unwrap_or_default()
    }

    pub(crate) fn knows_host(&self, name: &str) -> bool {
        self.ctx.scope.hostvars().is_some_and(|hosts| hosts.scope(name).is_some())
    }

    /// The variables of another host.
    pub(crate) fn host_variables(&self, name: &str) -> Res<Option<Val>> {
        let known = self.scopes.borrow().iter().position(|variables| variables.host.as_deref() == Some(name));
        if let Some(at) = known {
            return Ok(Some(Val::object(Object::Vars(ScopeId(at as u32)))));
        }
        let Some(scope) = self.ctx.scope.hostvars().and_then(|hosts| hosts.scope(name)) else {
            return Ok(None);
        };
        let mut scopes = self.scopes.borrow_mut();
        scopes.push(Rc::new(Variables {
            vars: Vars::Shared(scope),
            host: Some(name.to_owned()),
            memo: RefCell::default(),
            all: RefCell::default(),
        }));
        Ok(Some(Val::object(Object::Vars(ScopeId((scopes.len() - 1) as u32)))))
    }

    /// A raw value as a running one: templates are rendered, containers open their members later. What fails inside becomes a missing
    /// value that raises its error when used; only limits and cycles fail at once.
    pub(crate) fn open(&self, raw: &Value, scope: ScopeId) -> Res<Val> {
        Ok(match raw {
            Value::Str(text) if text.is_encrypted() => self.decrypt(text)?,
            Value::Str(text) if text.is_template() && crate::prepare::has_markers(text) => {
                match self.render_text(text, scope) {
                    Err(error) if !error.is_fatal() => Val::Missing(Rc::new(error)),
                    // The variable is another object than the one that its template names.
                    Ok(Val::List(list)) => Val::List(Rc::new(list.again())),
                    Ok(Val::Dict(dict)) => Val::Dict(Rc::new(dict.again())),
                    other => other?,
                }
            }
            Value::List(list) if list.kind() == data::ListKind::Tuple => {
                Val::Tuple(list.iter().map(|item| self.open(item, scope)).collect::<Res<_>>()?)
            }
            Value::List(list) => Val::List(Rc::new(List::raw(list.clone(), scope))),
            Value::Map(map) => Val::Dict(Rc::new(Dict::raw(map.clone(), scope))),
            Value::Undefined(_) if crate::is_omit(raw) => Val::object(Object::Omit),
            Value::Undefined(missing) => {
                let mut error = TemplateError::new(ErrorKind::Undefined(missing.hint.clone()));
                if let Some(place) = &missing.place {
                    error = error.at(place.clone());
                }
                Val::Missing(Rc::new(error))
            }
            other => Val::scalar(other).unwrap_or(Val::None),
        })
    }

    fn decrypt(&self, text: &Text) -> Res<Val> {
        let none = data::vault::Secrets::new();
        Ok(match data::vault::decrypt_text(text, self.ctx.secrets.unwrap_or(&none)) {
            Ok(plain) => Val::Str(plain.into_plain()),
            Err(error) => {
                let kind = ErrorKind::Undecryptable { within: "template", reason: error.reason() };
                Val::Missing(Rc::new(self.vault_error(TemplateError::new(kind), text)))
            }
        })
    }

    fn vault_error(&self, error: TemplateError, text: &Text) -> TemplateError {
        let error = error.help("give it with `--ask-vault-pass` or `--vault-password-file FILE`");
        match text.place() {
            Some(place) => error.at(place.clone()),
            None => error,
        }
    }

    /// Renders a template file inside an evaluation, with names of its own before the variables.
    pub(crate) fn render_source(
        &self,
        source: &Arc<data::Source>,
        options: &crate::FileOptions,
        names: Vec<(String, Val)>,
        scope: ScopeId,
    ) -> Res<Val> {
        let template = Arc::new(self.engine.compile_source(source, options)?);
        self.deeper(|| {
            let trailing = template.trailing_newlines;
            let frame = Frame::root(template, Some(scope));
            for (name, value) in names {
                frame.set(&name.into(), value);
            }
            if let Some(path) = &options.dated {
                set_times(&frame, path);
                self.set_managed(&frame, path, scope)?;
            }
            let mut out = Out::default();
            self.run(&frame, &mut out)?;
            Ok(with_newlines(out.finish(), trailing))
        })
    }

    /// Gives a template file `ansible_managed`, unless a variable of that name is set.
    fn set_managed(&self, frame: &Rc<Frame>, path: &std::path::Path, scope: ScopeId) -> Res<()> {
        let name = "ansible_managed";
        if frame.local(name).is_some() || self.variable(scope, name)?.is_some() {
            return Ok(());
        }
        let setting = self.ctx.host.and_then(|host| host.setting("DEFAULT_MANAGED_STR"));
        let text = crate::template_file::managed(setting.as_deref().unwrap_or(crate::DEFAULT_MANAGED), path);
        let mode = Mode { expression: false, escape_backslashes: true, embedded: false };
        let inner =
            Frame::root_within(self.engine.compiled(&text, mode)?, Some(scope), Some(Rc::clone(frame)));
        let mut out = Out::default();
        self.run(&inner, &mut out)?;
        frame.set(&name.into(), out.finish());
        Ok(())
    }

    /// Renders a string of a scope to its native value.
    pub(crate) fn render_text(&self, text: &Text, scope: ScopeId) -> Res<Val> {
        let mode = Mode { expression: false, escape_backslashes: true, embedded: false };
        let template = self.engine.compiled(text, mode)?;
        {
            let active = self.active.borrow();
            let again =
                active.iter().position(|(one, at)| *at == scope && std::ptr::eq(one.as_str(), text.as_str()));
            if let Some(first) = again {
                let chain: Vec<String> =
                    active[first..].iter().map(|(one, _)| format!("`{}`", one.trim())).collect();
                let error =
                    TemplateError::new(ErrorKind::Cycle(format!("{} needs itself", chain.join(" needs "))));
                return Err(error.located(&template.origin, data::Span::default()));
            }
        }
        self.active.borrow_mut().push((text.clone(), scope));
        let result = self.deeper(|| {
            let frame = Frame::root(Arc::clone(&template), Some(scope));
            let mut out = Out::of(template.body.len());
            if let Err(error) = self.run(&frame, &mut out) {
                let rest = self.stand_ins.as_ref().and_then(|stand_ins| stand_ins.text_of_rest(&error));
                out.push(self, Val::from(rest.ok_or(error)?))?;
            }
            Ok(out.finish())
        });
        self.active.borrow_mut().pop();
        Ok(with_newlines(result?, template.trailing_newlines))
    }

    /// Evaluates a compiled expression in the outer scope.
    pub(crate) fn evaluate(&self, template: &Arc<Template>) -> Res<Val> {
        let frame = Frame::root(Arc::clone(template), Some(OUTER));
        let mut out = Out::of(1);
        self.run(&frame, &mut out)?;
        Ok(out.into_value())
    }

    /// Runs a step of a nesting, within its limit and with stack enough.
    pub(crate) fn deeper<T>(&self, step: impl FnOnce() -> Res<T>) -> Res<T> {
        let depth = self.depth.get() + 1;
        let limit = self.engine.limits().depth;
        if depth > limit {
            let message = format!("templates are nested more than {limit} deep");
            return Err(TemplateError::new(ErrorKind::Limit(message)));
        }
        self.depth.set(depth);
        let result = stacker::maybe_grow(RED_ZONE, NEW_STACK, step);
        self.depth.set(depth - 1);
        result
    }

    /// Counts work and checks the size of an output.
    pub(crate) fn spend(&self, steps: usize, size: usize) -> Res<()> {
        let limits = self.engine.limits();
        let spent = self.steps.get().saturating_add(steps as u64);
        self.steps.set(spent);
        if spent > limits.steps {
            let message = format!("the template does not end within {} steps", limits.steps);
            return Err(TemplateError::new(ErrorKind::Limit(message)));
        }
        if size > limits.output {
            let message = format!("the template makes more than {} bytes", limits.output);
            return Err(TemplateError::new(ErrorKind::Limit(message)));
        }
        Ok(())
    }

    /// A dictionary, or what stands for one.
    pub(crate) fn mapping(&self, value: &Val) -> Res<Option<Rc<Dict>>> {
        Ok(match value {
            Val::Dict(dict) => Some(Rc::clone(dict)),
            Val::Object(object) => match &**object {
                Object::Vars(scope) => Some(self.all_variables(*scope)),
                Object::HostVars => {
                    let mut hosts = IndexMap::new();
                    for name in self.host_names() {
                        if let Some(vars) = self.host_variables(&name)? {
                            hosts.insert(data::Key::from(name), vars);
                        }
                    }
                    Some(Rc::new(Dict::new(hosts)))
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// Hands a warning about what will change in Ansible to the caller.
    pub(crate) fn deprecated(&self, message: &str) {
        if let Some(host) = self.ctx.host {
            host.deprecated(message);
        }
    }

    /// Hands a warning to the caller.
    pub(crate) fn warn(&self, message: &str) {
        self.warn_of(Diagnostic::warning(message));
    }

    /// Hands a warning with its place and advice to the caller.
    pub(crate) fn warn_of(&self, warning: Diagnostic) {
        if let Some(host) = self.ctx.host {
            host.warn(warning);
        }
    }
}

/// Gives a template file its times.
pub(crate) fn set_times(frame: &Frame, path: &std::path::Path) {
    let times = [
        ("template_mtime", crate::template_file::changed(path)),
        ("template_run_date", crate::template_file::now()),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            frame.set(&name.into(), Val::object(Object::Moment(time)));
        }
    }
}

/// Ansible gives a rendered string the line feeds back that end its source.
fn with_newlines(value: Val, wanted: usize) -> Val {
    match value {
        Val::Str(text) if wanted > 0 => {
            let has = text.len() - text.trim_end_matches('\n').len();
            if wanted > has {
                Val::Str(text.with_chars(format!("{}{}", text.as_str(), "\n".repeat(wanted - has))))
            } else {
                Val::Str(text)
            }
        }
        other => other,
    }
}
