//! What stands around a task: play, roles, blocks and includes, from the inside out, with the keywords and variables that come from them.

use std::path::PathBuf;
use std::sync::Arc;

use data::Map;

use crate::keywords::Keywords;
use crate::role::Role;

/// One ring around a task. Each ring carries the sums of all rings outside it, so that asking is one step.
#[derive(Debug)]
pub struct Enclosing {
    /// What the ring is.
    pub ring: Ring,
    /// The ring outside it; `None` for the play.
    pub outer: Option<Arc<Self>>,
    /// Inheritable keywords that hold inside it.
    pub keywords: Keywords,
    /// `vars:` of blocks and includes, the inner ones winning. A play's and a role's variables have other ranks and are not here.
    pub vars: Map,
    /// `vars:` and loop variables of dynamic includes: they outrank `set_fact`.
    pub include_params: Map,
    /// The role that tasks inside belong to.
    pub role: Option<Arc<Role>>,
}

/// What a ring is.
#[derive(Debug)]
pub enum Ring {
    /// The play.
    Play,
    /// A role.
    Role(Arc<Role>),
    /// A block, or what `apply` of an include says.
    Block,
    /// A file of tasks that was imported or included.
    File(PathBuf),
}

impl Enclosing {
    /// The outermost ring.
    pub fn play(keywords: Keywords) -> Arc<Self> {
        Arc::new(Self {
            ring: Ring::Play,
            outer: None,
            keywords,
            vars: Map::new(),
            include_params: Map::new(),
            role: None,
        })
    }

    /// A ring inside this one with keywords and variables of its own.
    pub fn ring(self: &Arc<Self>, ring: Ring, own: &Keywords, vars: &Map) -> Arc<Self> {
        let role = match &ring {
            Ring::Role(role) => Some(Arc::clone(role)),
            _ => self.role.clone(),
        };
        Arc::new(Self {
            ring,
            keywords: own.inside(&self.keywords),
            vars: over(vars, &self.vars),
            include_params: self.include_params.clone(),
            role,
            outer: Some(Arc::clone(self)),
        })
    }

    /// The ring of a static import: `joined` are the import's keywords, already joined with those around it.
    pub(crate) fn import(self: &Arc<Self>, ring: Ring, joined: &Keywords, vars: &Map) -> Arc<Self> {
        Arc::new(Self {
            ring,
            keywords: joined.clone(),
            vars: over(vars, &self.vars),
            include_params: self.include_params.clone(),
            role: self.role.clone(),
            outer: Some(Arc::clone(self)),
        })
    }

    /// The ring of a dynamic include: its variables reach its tasks with the rank of parameters.
    pub fn include(self: &Arc<Self>, ring: Ring, apply: &Keywords, vars: &Map) -> Arc<Self> {
        let role = match &ring {
            Ring::Role(role) => Some(Arc::clone(role)),
            _ => self.role.clone(),
        };
        Arc::new(Self {
            ring,
            keywords: apply.inside(&self.keywords),
            vars: over(vars, &self.vars),
            include_params: over(vars, &self.include_params),
            role,
            outer: Some(Arc::clone(self)),
        })
    }

    /// This ring and all outside it, from the inside out.
    pub fn rings(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |ring| ring.outer.as_deref())
    }

    /// The roles around a task, the innermost first.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.rings().filter_map(|ring| match &ring.ring {
            Ring::Role(role) => Some(role),
            _ => None,
        })
    }

    /// The files of tasks it came through, the innermost first.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.rings().filter_map(|ring| match &ring.ring {
            Ring::File(file) => Some(file),
            _ => None,
        })
    }
}

/// The variables of `inner` over those of `outer`.
pub(crate) fn over(inner: &Map, outer: &Map) -> Map {
    let mut joined = outer.clone();
    joined.extend_from(inner);
    joined
}
