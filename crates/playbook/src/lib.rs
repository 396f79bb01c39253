//! Files to a typed, checked model: plays, blocks, tasks, handlers, roles, argument specs. Nothing runs here.
//!
//! [`Loader::playbook`] reads a playbook with everything it imports statically and reports all its mistakes together; at run time
//! [`Loader::include_tasks`] and [`Loader::include_role`] read what dynamic includes name. What a task inherits from its blocks, roles and
//! play is already joined in [`Task::keywords`].

mod block;
mod enclosing;
mod error;
mod keyword;
mod keywords;
mod load;
mod play;
mod role;
mod task;

pub use block::{Block, Item, filter, flatten};
pub use enclosing::{Enclosing, Ring};
pub use error::PlaybookError;
pub use keyword::{Inherited, KEYWORDS, Keyword, On, Support, Takes, boolean, keyword};
pub use keywords::Keywords;
pub use load::{IncludedRole, LoadSettings, Loader, RoleUse, Surroundings};
pub use play::{Play, Playbook, VarsPrompt};
pub use role::{CompiledRole, Role};
pub use task::{Action, Loop, LoopControl, Task, TaskId, TaskKind, short_name};
