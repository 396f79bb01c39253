//! Statements.

use std::rc::Rc;
use std::sync::Arc;

use crate::error::{ErrorKind, TemplateError};
use crate::eval::frame::add_blocks;
use crate::eval::{Eval, Frame, Out};
use crate::ir::{Block, Stmt, StmtKind, Target, Template};
use crate::val::{MacroObject, Object, Res, Val, fail};

/// Where to go after a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
}

impl Eval<'_> {
    /// Runs a whole template with its parents.
    pub(crate) fn run(&self, root: &Rc<Frame>, out: &mut Out) -> Res<()> {
        let mut template = Arc::clone(&root.template);
        let mut frame = Rc::clone(root);
        let mut parents = 0;
        loop {
            self.run_body(&template, &frame, out)?;
            let parent = root.unit.parent.borrow_mut().take();
            let Some(parent) = parent else { return Ok(()) };
            parents += 1;
            if parents > self.engine.limits().depth {
                let message = format!("a template extends more than {} others", self.engine.limits().depth);
                return Err(TemplateError::new(ErrorKind::Limit(message)));
            }
            add_blocks(&mut root.unit.blocks.borrow_mut(), &parent);
            frame = Frame::child_of(root, Arc::clone(&parent));
            template = parent;
        }
    }

    /// After `extends`, a template's own output counts for nothing, only what it sets.
    fn run_body(&self, template: &Template, frame: &Rc<Frame>, out: &mut Out) -> Res<()> {
        let mut unseen = Out::default();
        for stmt in template.body.iter() {
            let extended = frame.unit.parent.borrow().is_some();
            if extended && matches!(stmt.kind, StmtKind::Block(_)) {
                continue;
            }
            let out = if extended { &mut unseen } else { &mut *out };
            self.stmt(stmt, frame, out)?;
        }
        Ok(())
    }

    pub(crate) fn stmts(&self, stmts: &[Stmt], frame: &Rc<Frame>, out: &mut Out) -> Res<Flow> {
        for stmt in stmts {
            match self.stmt(stmt, frame, out)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&self, stmt: &Stmt, frame: &Rc<Frame>, out: &mut Out) -> Res<Flow> {
        self.stmt_inner(stmt, frame, out).map_err(|error| error.located(&frame.template.origin, stmt.span))
    }

    fn stmt_inner(&self, stmt: &Stmt, frame: &Rc<Frame>, out: &mut Out) -> Res<Flow> {
        match &stmt.kind {
            StmtKind::Raw(text) => out.push_raw(self, text)?,
            StmtKind::Print(expr) => out.push(self, self.expr(expr, frame)?)?,
            StmtKind::If(condition, yes, no) => {
                let body = if self.expr(condition, frame)?.truth()? { yes } else { no };
                return self.stmts(body, frame, out);
            }
            StmtKind::For(code) => {
                let items = self.expr(&code.iter, frame)?;
                self.run_loop(code, items, frame, out)?;
            }
            StmtKind::With(assignments, body) => {
                let inner = Frame::child(frame);
                for (target, value) in assignments {
                    self.assign(target, self.expr(value, frame)?, &inner)?;
                }
                return self.stmts(body, &inner, out);
            }
            StmtKind::Set(target, value) => {
                let value = self.expr(value, frame)?;
                self.assign(target, value, frame)?;
            }
            StmtKind::SetBlock(target, filter, body) => {
                let mut value = self.captured(body, frame)?;
                if let Some(filter) = filter {
                    value = self.filter_chain(filter, value, frame)?;
                }
                self.assign(target, value, frame)?;
            }
            StmtKind::FilterBlock(filter, body) => {
                let value = self.captured(body, frame)?;
                out.push(self, self.filter_chain(filter, value, frame)?)?;
            }
            StmtKind::Plain(body) => return self.stmts(body, frame, out),
            StmtKind::Block(block) => self.block(block, frame, out)?,
            StmtKind::Macro(code) => {
                frame.set(&code.name, self.macro_object(code, frame));
            }
            StmtKind::Call(call, code) => {
                let caller = self.macro_object(code, frame);
                out.push(self, self.call_with_caller(call, caller, frame)?)?;
            }
            StmtKind::Do(expr) => {
                self.expr(expr, frame)?.check()?;
            }
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::Extends(name) => {
                let name = self.expr(name, frame)?.used()?;
                let parent = self.load(&name, frame)?;
                *frame.unit.parent.borrow_mut() = Some(parent);
            }
            StmtKind::Include { name, ignore_missing, context } => {
                self.include(name, *ignore_missing, *context, frame, out)?;
            }
            StmtKind::Import { name, target, context } => {
                let module = self.import(name, *context, frame)?;
                self.assign(target, module, frame)?;
            }
            StmtKind::From { name, names, context } => self.import_names(name, names, *context, frame)?,
        }
        Ok(Flow::Next)
    }

    fn macro_object(&self, code: &Arc<crate::ir::Macro>, frame: &Rc<Frame>) -> Val {
        Val::object(Object::Macro(MacroObject {
            code: Arc::clone(code),
            frame: Rc::clone(frame),
            template: Arc::clone(&frame.template),
        }))
    }

    /// What a body prints, as a value.
    fn captured(&self, body: &[Stmt], frame: &Rc<Frame>) -> Res<Val> {
        let inner = Frame::child(frame);
        let mut out = Out::default();
        self.stmts(body, &inner, &mut out)?;
        Ok(out.finish())
    }

    /// Gives a value to a name, to an attribute of a namespace, or its items to several.
    pub(crate) fn assign(&self, target: &Target, value: Val, frame: &Frame) -> Res<()> {
        match target {
            Target::Name(name) => frame.set(name, value),
            Target::Attr(name, attr) => {
                let Some(object) = frame.resolve(self, name)? else {
                    return Val::undefined(format!("'{name}' is undefined")).used().map(drop);
                };
                match &object {
                    Val::Object(object) if matches!(&**object, Object::Namespace(_)) => {
                        if let Object::Namespace(namespace) = &**object {
                            namespace.values.borrow_mut().insert(data::Key::from(&**attr), value);
                        }
                    }
                    _ => return fail("cannot assign attribute on non-namespace object"),
                }
            }
            Target::Unpack(targets) => {
                let items = self.items_loose(&value)?;
                if items.len() < targets.len() {
                    let (want, have) = (targets.len(), items.len());
                    return fail(format!("not enough values to unpack (expected {want}, got {have})"));
                }
                if items.len() > targets.len() {
                    return fail(format!("too many values to unpack (expected {})", targets.len()));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, frame)?;
                }
            }
        }
        Ok(())
    }

    /// A block at its place in the layout: the youngest child's form of it.
    fn block(&self, block: &Block, frame: &Rc<Frame>, out: &mut Out) -> Res<()> {
        let outer = if block.scoped { Rc::clone(frame) } else { frame.outermost() };
        self.block_at(&block.name, 0, &outer, out)
    }

    /// A block at a depth of the inheritance; 0 is the youngest child.
    pub(crate) fn block_at(
        &self,
        name: &crate::ir::Name,
        depth: usize,
        outer: &Rc<Frame>,
        out: &mut Out,
    ) -> Res<()> {
        let found = outer.unit.blocks.borrow().get(name).and_then(|all| all.get(depth).cloned());
        let Some((block, template)) = found else {
            return fail(format!("there is no parent block called '{name}'"));
        };
        if block.required {
            return fail(format!("Required block '{name}' not found"));
        }
        let inner = Frame::child_of(outer, template);
        inner.set(&"super".into(), Val::object(Object::Block(Rc::clone(outer), Arc::clone(name), depth + 1)));
        self.deeper(|| self.stmts(&block.body, &inner, out)).map(drop)
    }
}
