//! The compiled form of a template: what `eval` walks. Owned, shared between threads, with the place of every expression.

use std::sync::Arc;

use data::{Span, Text, Value};

use crate::error::Origin;

/// A name, shared by all its uses in a template.
pub(crate) type Name = Arc<str>;

/// A compiled template or expression.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) origin: Origin,
    pub(crate) body: Arc<[Stmt]>,
    /// The blocks that it defines, at any depth.
    pub(crate) blocks: Vec<Arc<Block>>,
    /// Line feeds at the end of the source, which Ansible gives back to a rendered string.
    pub(crate) trailing_newlines: usize,
    /// Filters and tests that must exist before anything runs.
    pub(crate) plugins: Arc<[Plugin]>,
}

/// A filter or test that a template names outside of every condition: Jinja looks for it when it compiles.
pub(crate) struct Plugin {
    pub(crate) is_test: bool,
    pub(crate) name: Name,
    pub(crate) span: Span,
}

/// A `{% block %}`.
pub(crate) struct Block {
    pub(crate) name: Name,
    pub(crate) body: Vec<Stmt>,
    /// Sees the variables around it.
    pub(crate) scoped: bool,
    /// Must be replaced by a child template.
    pub(crate) required: bool,
}

/// A `{% macro %}` or the body of a `{% call %}`.
pub(crate) struct Macro {
    pub(crate) name: Name,
    pub(crate) params: Vec<Name>,
    /// Defaults of the last parameters.
    pub(crate) defaults: Vec<Expr>,
    pub(crate) body: Vec<Stmt>,
    /// Whether the body asks for `varargs`, `kwargs` or `caller`: arguments that are too many are refused otherwise.
    pub(crate) takes_varargs: bool,
    pub(crate) takes_kwargs: bool,
    pub(crate) takes_caller: bool,
}

/// What an assignment writes to.
pub(crate) enum Target {
    Name(Name),
    /// `ns.attr`
    Attr(Name, Name),
    Unpack(Vec<Self>),
}

/// A statement with its place.
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) span: Span,
}

pub(crate) enum StmtKind {
    Raw(Text),
    Print(Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    For(Arc<For>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Set(Target, Expr),
    /// Target, filters, body.
    SetBlock(Target, Option<Expr>, Vec<Stmt>),
    FilterBlock(Expr, Vec<Stmt>),
    /// `autoescape`, which Ansible turns off: the body alone counts.
    Plain(Vec<Stmt>),
    Block(Arc<Block>),
    Extends(Expr),
    Include {
        name: Expr,
        ignore_missing: bool,
        context: bool,
    },
    Import {
        name: Expr,
        target: Target,
        context: bool,
    },
    From {
        name: Expr,
        names: Vec<(Name, Name)>,
        context: bool,
    },
    Macro(Arc<Macro>),
    /// The call, and the macro that is its `caller`.
    Call(Expr, Arc<Macro>),
    Do(Expr),
    Break,
    Continue,
}

pub(crate) struct For {
    pub(crate) target: Target,
    pub(crate) iter: Expr,
    pub(crate) filter: Option<Expr>,
    pub(crate) recursive: bool,
    pub(crate) body: Vec<Stmt>,
    pub(crate) otherwise: Vec<Stmt>,
    /// Whether the body mentions `loop`.
    pub(crate) uses_loop: bool,
}

/// An expression with its place.
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

pub(crate) enum ExprKind {
    Const(Value),
    /// A string constant that Ansible renders: an argument of a lookup, or a part of a condition.
    Embedded(Text),
    Var(Name),
    Attr(Box<Expr>, Name),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    /// Unary plus.
    Pos(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `a ~ b ~ c`
    Concat(Vec<Expr>),
    /// `a < b <= c`
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    /// Condition, value, other value.
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// Target (none: the body of a filter block), name, arguments.
    Filter(Option<Box<Expr>>, Name, Vec<Arg>),
    Test(Box<Expr>, Name, Vec<Arg>),
    Call(Box<Expr>, Vec<Arg>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
}

pub(crate) enum Arg {
    Pos(Expr),
    Named(Name, Expr),
    Splat(Expr),
    NamedSplat(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

impl Operator {
    /// As Python's messages print it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Rem => "%",
            Self::Pow => "** or pow()",
        }
    }
}

impl Comparison {
    /// As Python's messages print it.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}
