//! What is neither a number, text nor container: functions, macros, `loop`, namespaces, points in time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use data::Key;
use indexmap::IndexMap;

use crate::eval::Frame;
use crate::functions::Function;
use crate::ir::{Block, For, Macro, Name, Template};
use crate::val::Val;

/// An object.
pub(crate) enum Object {
    /// `omit`
    Omit,
    /// `range`, `lookup` and the other functions of the engine.
    Function(&'static Function),
    /// `value.name`, not called yet.
    Method(Val, Name),
    Macro(MacroObject),
    /// The names that an import brings.
    Module(Rc<Frame>, Val),
    Namespace(Namespace),
    Loop(Loop),
    /// `range(start, stop, step)`
    Range(i128, i128, i128),
    Cycler(Vec<Val>, Cell<usize>),
    Joiner(String, Cell<bool>),
    Date(Date),
    Moment(Moment),
    Delta(Delta),
    /// What `groupby` gives: a pair with the names `grouper` and `list`.
    Group(Val, Val),
    Bytes(Vec<u8>),
    /// All hosts' variables.
    HostVars,
    /// All variables of a scope: `vars`, `hostvars[name]`.
    Vars(crate::val::ScopeId),
    /// `self`
    Template(Rc<Frame>),
    /// `super` and `self.block`: the block at a depth of the inheritance, with the variables it sees.
    Block(Rc<Frame>, Name, usize),
}

/// A macro with the variables it closes over.
pub(crate) struct MacroObject {
    pub(crate) code: Arc<Macro>,
    pub(crate) frame: Rc<Frame>,
    pub(crate) template: Arc<Template>,
}

/// `namespace()`
#[derive(Default)]
pub(crate) struct Namespace {
    pub(crate) values: RefCell<IndexMap<Key, Val>>,
}

/// `loop`
pub(crate) struct Loop {
    pub(crate) index0: Cell<usize>,
    pub(crate) items: Rc<[Val]>,
    pub(crate) depth0: usize,
    pub(crate) changed: RefCell<Option<Vec<Val>>>,
    /// What `loop(items)` runs again, with the variables around the loop.
    pub(crate) recursive: Option<(Arc<For>, Rc<Frame>)>,
}

/// Python's date.
pub(crate) use jiff::civil::Date;

/// Python's datetime: a time of day on a date, with an offset when it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) time: jiff::civil::DateTime,
    /// Seconds east of UTC.
    pub(crate) offset: Option<i32>,
}

/// Python's timedelta, in microseconds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Delta {
    pub(crate) microseconds: i128,
}

impl Object {
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Range(start, stop, step) => range_len(*start, *stop, *step) > 0,
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Delta(delta) => delta.microseconds != 0,
            _ => true,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Omit => "Omit",
            Self::Function(_) => "function",
            Self::Method(..) => "builtin_function_or_method",
            Self::Macro(_) => "Macro",
            Self::Module(..) => "TemplateModule",
            Self::Namespace(_) => "Namespace",
            Self::Loop(_) => "LoopContext",
            Self::Range(..) => "range",
            Self::Cycler(..) => "Cycler",
            Self::Joiner(..) => "Joiner",
            Self::Date(_) => "date",
            Self::Moment(_) => "datetime",
            Self::Delta(_) => "timedelta",
            Self::Group(..) => "tuple",
            Self::Bytes(_) => "bytes",
            Self::HostVars => "HostVars",
            Self::Vars(_) => "dict",
            Self::Template(_) => "TemplateReference",
            Self::Block(..) => "BlockReference",
        }
    }

    pub(crate) fn is_callable(&self) -> bool {
        matches!(
            self,
            Self::Function(_)
                | Self::Method(..)
                | Self::Macro(_)
                | Self::Joiner(..)
                | Self::Block(..)
                | Self::Loop(_)
        )
    }
}

/// How many numbers a range holds.
pub(crate) fn range_len(start: i128, stop: i128, step: i128) -> i128 {
    match step {
        1.. if start < stop => (stop - start - 1) / step + 1,
        ..=-1 if start > stop => (start - stop - 1) / -step + 1,
        _ => 0,
    }
}

/// The block of a name, at a depth of the inheritance.
pub(crate) type Blocks = IndexMap<Name, Vec<(Arc<Block>, Arc<Template>)>>;
