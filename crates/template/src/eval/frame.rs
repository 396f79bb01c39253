//! Where a template's own names live: a chain of frames, one per block that has its own scope.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::eval::Eval;
use crate::ir::{Name, Template};
use crate::val::{Blocks, Res, ScopeId, Val};

/// One rendering of a template with its parents (`extends`).
pub(crate) struct Unit {
    /// The variables that it sees; none for an import without context.
    pub(crate) scope: Option<ScopeId>,
    pub(crate) blocks: RefCell<Blocks>,
    /// What `extends` named.
    pub(crate) parent: RefCell<Option<Arc<Template>>>,
    /// How many recursive loops are running.
    pub(crate) loops: Cell<usize>,
}

/// The names that one scope of a template has set.
pub(crate) struct Frame {
    vars: RefCell<Vec<(Name, Val)>>,
    parent: Option<Rc<Self>>,
    pub(crate) template: Arc<Template>,
    pub(crate) unit: Rc<Unit>,
}

impl Frame {
    /// The outermost frame of a template.
    pub(crate) fn root(template: Arc<Template>, scope: Option<ScopeId>) -> Rc<Self> {
        Self::root_within(template, scope, None)
    }

    /// The outermost frame of a template that sees the names of another (`include`).
    pub(crate) fn root_within(
        template: Arc<Template>,
        scope: Option<ScopeId>,
        parent: Option<Rc<Self>>,
    ) -> Rc<Self> {
        let mut blocks = Blocks::new();
        add_blocks(&mut blocks, &template);
        let unit =
            Unit { scope, blocks: RefCell::new(blocks), parent: RefCell::new(None), loops: Cell::new(0) };
        Rc::new(Self { vars: RefCell::default(), parent, template, unit: Rc::new(unit) })
    }

    /// A frame inside another.
    pub(crate) fn child(parent: &Rc<Self>) -> Rc<Self> {
        Self::child_of(parent, Arc::clone(&parent.template))
    }

    /// A frame inside another that runs code of `template`.
    pub(crate) fn child_of(parent: &Rc<Self>, template: Arc<Template>) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            parent: Some(Rc::clone(parent)),
            template,
            unit: Rc::clone(&parent.unit),
        })
    }

    /// The outermost frame of the same rendering.
    pub(crate) fn outermost(self: &Rc<Self>) -> Rc<Self> {
        let mut frame = self;
        while let Some(parent) = &frame.parent
            && Rc::ptr_eq(&parent.unit, &self.unit)
        {
            frame = parent;
        }
        Rc::clone(frame)
    }

    pub(crate) fn set(&self, name: &Name, value: Val) {
        let mut vars = self.vars.borrow_mut();
        match vars.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => vars.push((Arc::clone(name), value)),
        }
    }

    /// Forgets all names, for the next turn of a loop.
    pub(crate) fn clear(&self) {
        self.vars.borrow_mut().clear();
    }

    /// A name that this very frame has set.
    pub(crate) fn own(&self, name: &str) -> Option<Val> {
        self.vars.borrow().iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
    }

    /// A name set in the template.
    pub(crate) fn local(&self, name: &str) -> Option<Val> {
        let mut frame = Some(self);
        while let Some(here) = frame {
            if let Some(value) = here.own(name) {
                return Some(value);
            }
            frame = here.parent.as_deref();
        }
        None
    }

    /// A name: set in the template, a variable, or a function of the engine.
    pub(crate) fn resolve(&self, ev: &Eval<'_>, name: &str) -> Res<Option<Val>> {
        if let Some(value) = self.local(name) {
            return Ok(Some(value));
        }
        if let Some(scope) = self.unit.scope
            && let Some(value) = ev.variable(scope, name)?
        {
            return Ok(Some(value));
        }
        Ok(crate::functions::global(name))
    }
}

/// Adds the blocks of a template behind those of its children.
pub(crate) fn add_blocks(blocks: &mut Blocks, template: &Arc<Template>) {
    for block in &template.blocks {
        blocks.entry(Arc::clone(&block.name)).or_default().push((Arc::clone(block), Arc::clone(template)));
    }
}
