//! From minijinja's syntax tree to ours: the only file that knows minijinja's types.
//!
//! String constants are read again from the source, because their escapes differ: Ansible keeps backslashes inside `{{ }}` as they are.

use std::collections::HashSet;
use std::sync::Arc;

use data::{Span, Text, Value};
use minijinja::machinery::{self, ast};
use minijinja::syntax::SyntaxConfig;

use crate::error::{ErrorKind, Origin, TemplateError};
use crate::ir::{
    Arg, Block, Comparison, Expr, ExprKind, For, Macro, Name, Operator, Plugin, Stmt, StmtKind, Target,
    Template,
};
use crate::literal::unescape;
use crate::nesting;
use crate::settings::{Newline, Syntax};

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mode {
    /// A bare expression rather than a template.
    pub(crate) expression: bool,
    /// Backslashes in strings inside `{{ }}` stand for themselves.
    pub(crate) escape_backslashes: bool,
    /// String constants that hold templates are rendered (conditions).
    pub(crate) embedded: bool,
}

/// Something that minijinja could not read.
pub(crate) struct SyntaxFailure {
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// Reads `parsed` (the source with repairs of equal length) and takes constants from `source`.
pub(crate) fn lower(
    parsed: &str,
    source: &str,
    origin: &Origin,
    mode: Mode,
    syntax: &Syntax,
) -> Result<Template, SyntaxFailure> {
    let mut lowering = Lowering {
        source,
        mode,
        newline: syntax.newline,
        trim_blocks: syntax.trim_blocks,
        block_end: Arc::clone(&syntax.block.1),
        names: HashSet::new(),
        blocks: Vec::new(),
        in_variable: mode.expression,
        embedded: mode.embedded,
        refused: None,
        soft: false,
        plugins: Vec::new(),
    };
    let body = if mode.expression {
        let expr = machinery::parse_expr(parsed).map_err(|error| failure(&error))?;
        // The parser takes a wrong character after a string constant for the end.
        for token in machinery::tokenize(parsed, true, SyntaxConfig::default()) {
            token.map_err(|error| failure(&error))?;
        }
        let expr = lowering.expr(&expr);
        vec![Stmt { span: expr.span, kind: StmtKind::Print(expr) }]
    } else {
        let config = syntax_config(syntax)?;
        let nesting = syntax_config(syntax)?;
        // Jinja takes the beginning of a comment at the very end for nothing.
        let whole = machinery::parse(parsed, "<template>", config.clone());
        let tree = match (&whole, parsed.strip_suffix(&*syntax.comment.0)) {
            (Err(_), Some(before)) => machinery::parse(before, "<template>", config),
            _ => whole,
        };
        match tree.map_err(|error| nested(&error, parsed, nesting))? {
            ast::Stmt::Template(template) => lowering.body(&template.children),
            _ => Vec::new(),
        }
    };
    if let Some(failure) = lowering.refused {
        return Err(failure);
    }
    let trailing_newlines = source.len() - source.trim_end_matches('\n').len();
    Ok(Template {
        origin: origin.clone(),
        body: body.into(),
        blocks: lowering.blocks,
        trailing_newlines,
        plugins: lowering.plugins.into(),
    })
}

fn failure(error: &minijinja::Error) -> SyntaxFailure {
    let range = error.range().unwrap_or(0..0);
    let message = error.detail().map_or_else(|| error.kind().to_string(), in_jinjas_words);
    SyntaxFailure { message, span: Span::new(range.start, range.end) }
}

/// As [`failure`], but of tags that are closed wrongly or not at all in Jinja's words and at their own place.
fn nested(error: &minijinja::Error, source: &str, config: SyntaxConfig) -> SyntaxFailure {
    let detail = error.detail().unwrap_or_default();
    let of_tags = detail.starts_with("unknown statement ")
        || detail == "unexpected end of input, expected end of block";
    match of_tags.then(|| nesting::mistake(source, config)).flatten() {
        Some(found) => SyntaxFailure { message: found.message, span: found.span },
        None => failure(error),
    }
}

/// What minijinja says of wrong syntax as Jinja says it, where the words alone tell.
fn in_jinjas_words(message: &str) -> String {
    if let Some(tag) = message.strip_prefix("unknown statement ") {
        return format!("Encountered unknown tag '{tag}'.");
    }
    if let Some((token, "end of variable block")) =
        message.strip_prefix("unexpected ").and_then(|rest| rest.split_once(", expected "))
        && matches!(token, "integer" | "string" | "float")
    {
        return format!("expected token 'end of print statement', got '{token}'");
    }
    match message {
        "unexpected end of block" => "Expected an expression, got 'end of statement block'".to_owned(),
        "unexpected end of variable block" => {
            "Expected an expression, got 'end of print statement'".to_owned()
        }
        "unexpected end of input, expected expression" => "unexpected 'end of template'".to_owned(),
        "unexpected end of variable block, expected identifier or integer" => {
            "expected name or number".to_owned()
        }
        "unexpected end of input, expected keyword" => "tag name expected".to_owned(),
        "unexpected input after expression" => "chunk after expression".to_owned(),
        "unexpected end of raw block" => "Missing end of raw directive".to_owned(),
        "unexpected end of comment" => "Missing end of comment tag".to_owned(),
        "unexpected end of input, expected end of variable block" => {
            "unexpected end of template, expected 'end of print statement'.".to_owned()
        }
        other => other.trim_end_matches(", expected end of block").replace('`', "'"),
    }
}

impl SyntaxFailure {
    /// As an error of the template.
    pub(crate) fn error(self, origin: &Origin) -> TemplateError {
        TemplateError::new(ErrorKind::Syntax(self.message)).located(origin, self.span)
    }
}

fn syntax_config(syntax: &Syntax) -> Result<SyntaxConfig, SyntaxFailure> {
    let mut config = SyntaxConfig::builder();
    config
        .block_delimiters(syntax.block.0.to_string(), syntax.block.1.to_string())
        .variable_delimiters(syntax.variable.0.to_string(), syntax.variable.1.to_string())
        .comment_delimiters(syntax.comment.0.to_string(), syntax.comment.1.to_string())
        .trim_blocks(syntax.trim_blocks)
        .lstrip_blocks(syntax.lstrip_blocks)
        .keep_trailing_newline(syntax.keep_trailing_newline);
    if let Some(prefix) = &syntax.line_statement_prefix {
        config.line_statement_prefix(prefix.to_string());
    }
    if let Some(prefix) = &syntax.line_comment_prefix {
        config.line_comment_prefix(prefix.to_string());
    }
    config.build().map_err(|error| failure(&error))
}

struct Lowering<'s> {
    source: &'s str,
    mode: Mode,
    newline: Newline,
    trim_blocks: bool,
    block_end: Arc<str>,
    names: HashSet<Name>,
    blocks: Vec<Arc<Block>>,
    in_variable: bool,
    embedded: bool,
    /// What minijinja reads and Jinja refuses: the first of it.
    refused: Option<SyntaxFailure>,
    /// Whether this is part of a condition or what hangs on one: Jinja looks for filters and tests there only when it comes by.
    soft: bool,
    plugins: Vec<Plugin>,
}

fn span(span: machinery::Span) -> Span {
    Span { start: span.start_offset, end: span.end_offset }
}

impl Lowering<'_> {
    fn name(&mut self, name: &str) -> Name {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Name = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    fn body(&mut self, stmts: &[ast::Stmt<'_>]) -> Vec<Stmt> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    /// The body of a loop, macro or another statement with names of its own; it is no longer part of the condition around it.
    fn inner(&mut self, stmts: &[ast::Stmt<'_>]) -> Vec<Stmt> {
        self.with(false, |lowering| lowering.body(stmts))
    }

    fn with<T>(&mut self, soft: bool, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.soft, soft);
        let result = work(self);
        self.soft = outer;
        result
    }

    fn plugin(&mut self, is_test: bool, name: &Name, at: machinery::Span) {
        if !self.soft {
            self.plugins.push(Plugin { is_test, name: Arc::clone(name), span: span(at) });
        }
    }

    /// The words of a statement's tag, for what minijinja's tree leaves out (`without context`, `scoped`).
    fn tag(&self, at: machinery::Span) -> &str {
        self.source.get(span(at).range()).unwrap_or("")
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Stmt {
        let (kind, at) = match stmt {
            ast::Stmt::Template(node) => (StmtKind::Plain(self.body(&node.children)), node.span()),
            ast::Stmt::EmitExpr(node) => {
                self.in_variable = true;
                let expr = self.expr(&node.expr);
                self.in_variable = false;
                (StmtKind::Print(expr), node.span())
            }
            ast::Stmt::EmitRaw(node) => {
                let chars = self.raw(node);
                let text = match self.newline {
                    Newline::Lf => Text::plain(chars),
                    other => Text::plain(chars.replace('\n', other.as_str())),
                };
                (StmtKind::Raw(text), node.span())
            }
            ast::Stmt::ForLoop(node) => (self.for_loop(node), node.span()),
            ast::Stmt::IfCond(node) => {
                let kind = self.with(true, |lowering| {
                    let condition = lowering.expr(&node.expr);
                    let (yes, no) = (lowering.body(&node.true_body), lowering.body(&node.false_body));
                    StmtKind::If(condition, yes, no)
                });
                (kind, node.span())
            }
            ast::Stmt::WithBlock(node) => {
                let assignments =
                    node.assignments.iter().map(|(to, value)| (self.target(to), self.expr(value))).collect();
                (StmtKind::With(assignments, self.inner(&node.body)), node.span())
            }
            ast::Stmt::Set(node) => {
                (StmtKind::Set(self.target(&node.target), self.expr(&node.expr)), node.span())
            }
            ast::Stmt::SetBlock(node) => {
                let filter =
                    node.filter.as_ref().map(|filter| self.with(false, |lowering| lowering.expr(filter)));
                (StmtKind::SetBlock(self.target(&node.target), filter, self.inner(&node.body)), node.span())
            }
            ast::Stmt::AutoEscape(node) => (StmtKind::Plain(self.body(&node.body)), node.span()),
            ast::Stmt::FilterBlock(node) => {
                let filter = self.with(false, |lowering| lowering.expr(&node.filter));
                (StmtKind::FilterBlock(filter, self.inner(&node.body)), node.span())
            }
            ast::Stmt::Block(node) => (self.block(node), node.span()),
            ast::Stmt::Import(_)
            | ast::Stmt::FromImport(_)
            | ast::Stmt::Include(_)
            | ast::Stmt::Extends(_) => {
                return self.other_template(stmt);
            }
            ast::Stmt::Macro(node) => (StmtKind::Macro(self.macro_(node)), node.span()),
            ast::Stmt::CallBlock(node) => {
                let call = self.call(&node.call);
                (StmtKind::Call(call, self.macro_(&node.macro_decl)), node.span())
            }
            ast::Stmt::Continue(node) => (StmtKind::Continue, node.span()),
            ast::Stmt::Break(node) => (StmtKind::Break, node.span()),
            ast::Stmt::Do(node) => (StmtKind::Do(self.call(&node.call)), node.span()),
        };
        Stmt { kind, span: span(at) }
    }

    /// The text outside of tags. Jinja keeps the line break after `{% raw %}`, which minijinja's `trim_blocks` takes away.
    fn raw(&self, node: &ast::Spanned<ast::EmitRaw<'_>>) -> String {
        let at = span(node.span()).range();
        let whole = self.source.get(at.clone()).unwrap_or("");
        let trimmed = self.trim_blocks
            && whole.len() > node.raw.len()
            && whole.starts_with('\n')
            && whole[1..].starts_with(node.raw)
            && !self.source[..at.start].trim_end_matches(&*self.block_end).ends_with('-');
        if trimmed { format!("\n{}", node.raw) } else { node.raw.to_owned() }
    }

    fn other_template(&mut self, stmt: &ast::Stmt<'_>) -> Stmt {
        let (kind, at) = match stmt {
            ast::Stmt::Import(node) => {
                let context = says_context(self.tag(node.span()), "with");
                let (name, target) = (self.expr(&node.expr), self.target(&node.name));
                (StmtKind::Import { name, target, context }, node.span())
            }
            ast::Stmt::FromImport(node) => {
                let context = says_context(self.tag(node.span()), "with");
                let names = node
                    .names
                    .iter()
                    .map(|(name, alias)| {
                        let name = self.variable(name);
                        (Arc::clone(&name), alias.as_ref().map_or(name, |alias| self.variable(alias)))
                    })
                    .collect();
                (StmtKind::From { name: self.expr(&node.expr), names, context }, node.span())
            }
            ast::Stmt::Include(node) => {
                let context = !says_context(self.tag(node.span()), "without");
                let ignore_missing = node.ignore_missing;
                (StmtKind::Include { name: self.expr(&node.name), ignore_missing, context }, node.span())
            }
            ast::Stmt::Extends(node) => (StmtKind::Extends(self.expr(&node.name)), node.span()),
            _ => (StmtKind::Plain(Vec::new()), machinery::Span::default()),
        };
        Stmt { kind, span: span(at) }
    }

    fn for_loop(&mut self, node: &ast::Spanned<ast::ForLoop<'_>>) -> StmtKind {
        let uses_loop = self.tag_of_body(node.span()).contains("loop");
        StmtKind::For(Arc::new(For {
            target: self.target(&node.target),
            iter: self.expr(&node.iter),
            filter: node.filter_expr.as_ref().map(|filter| self.expr(filter)),
            recursive: node.recursive,
            body: self.inner(&node.body),
            otherwise: self.inner(&node.else_body),
            uses_loop,
        }))
    }

    /// The source from the start of a statement to its end; the whole rest when the span is cut short.
    fn tag_of_body(&self, at: machinery::Span) -> &str {
        self.source.get(at.start_offset as usize..at.end_offset as usize).unwrap_or(self.source)
    }

    fn block(&mut self, node: &ast::Spanned<ast::Block<'_>>) -> StmtKind {
        let tag = self.tag(node.span());
        let scoped = tag.lines().next().is_some_and(|line| {
            line.split(['%', '-', '+'])
                .next()
                .is_some_and(|words| words.split_whitespace().any(|w| w == "scoped"))
        });
        let name = self.name(node.name);
        let body = self.inner(&node.body);
        let block = Arc::new(Block { name, body, scoped, required: node.required });
        self.blocks.push(Arc::clone(&block));
        StmtKind::Block(block)
    }

    fn macro_(&mut self, node: &ast::Spanned<ast::Macro<'_>>) -> Arc<Macro> {
        let text = self.tag_of_body(node.span());
        let (varargs, kwargs, caller) =
            (text.contains("varargs"), text.contains("kwargs"), text.contains("caller"));
        Arc::new(Macro {
            name: self.name(node.name),
            params: node.args.iter().map(|arg| self.variable(arg)).collect(),
            defaults: node.defaults.iter().map(|default| self.expr(default)).collect(),
            body: self.inner(&node.body),
            takes_varargs: varargs,
            takes_kwargs: kwargs,
            takes_caller: caller,
        })
    }

    fn variable(&mut self, expr: &ast::Expr<'_>) -> Name {
        match expr {
            ast::Expr::Var(var) => self.name(var.id),
            _ => self.name(""),
        }
    }

    fn target(&mut self, expr: &ast::Expr<'_>) -> Target {
        match expr {
            ast::Expr::GetAttr(attr) => Target::Attr(self.variable(&attr.expr), self.name(attr.name)),
            ast::Expr::List(list) => {
                Target::Unpack(list.items.iter().map(|item| self.target(item)).collect())
            }
            ast::Expr::Tuple(list) => {
                Target::Unpack(list.items.iter().map(|item| self.target(item)).collect())
            }
            other => Target::Name(self.variable(other)),
        }
    }

    fn boxed(&mut self, expr: &ast::Expr<'_>) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn exprs(&mut self, exprs: &[ast::Expr<'_>]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&mut self, expr: &ast::Expr<'_>) -> Expr {
        let kind = match expr {
            ast::Expr::Var(var) => ExprKind::Var(self.name(var.id)),
            ast::Expr::Const(node) => self.constant(&node.value, node.span()),
            ast::Expr::Slice(node) => {
                let bounds = [&node.start, &node.stop, &node.step];
                let bounds = bounds.map(|bound| bound.as_ref().map(|bound| self.boxed(bound)));
                ExprKind::Slice(self.boxed(&node.expr), bounds)
            }
            ast::Expr::UnaryOp(node) => match node.op {
                ast::UnaryOpKind::Not => ExprKind::Not(self.boxed(&node.expr)),
                // A repaired plus is a minus to minijinja.
                ast::UnaryOpKind::Neg if self.tag(node.span()).starts_with('+') => {
                    ExprKind::Pos(self.boxed(&node.expr))
                }
                ast::UnaryOpKind::Neg => ExprKind::Neg(self.boxed(&node.expr)),
            },
            ast::Expr::BinOp(node) => self.binary(node),
            ast::Expr::Compare(node) => {
                let rest = node.ops.iter().map(|op| (comparison(op.op), self.expr(&op.expr))).collect();
                ExprKind::Compare(self.boxed(&node.expr), rest)
            }
            ast::Expr::IfExpr(node) => self.with(true, |lowering| {
                ExprKind::If(
                    lowering.boxed(&node.test_expr),
                    lowering.boxed(&node.true_expr),
                    node.false_expr.as_ref().map(|other| lowering.boxed(other)),
                )
            }),
            ast::Expr::Filter(node) => {
                let target = node.expr.as_ref().map(|target| self.boxed(target));
                let name = self.name(node.name);
                self.plugin(false, &name, node.span());
                ExprKind::Filter(target, name, self.args(&node.args))
            }
            ast::Expr::Test(node) => {
                self.refuse_chain(&node.expr);
                let name = self.name(node.name);
                self.plugin(true, &name, node.span());
                ExprKind::Test(self.boxed(&node.expr), name, self.args(&node.args))
            }
            ast::Expr::GetAttr(node) => ExprKind::Attr(self.boxed(&node.expr), self.name(node.name)),
            ast::Expr::GetItem(node) => {
                ExprKind::Item(self.boxed(&node.expr), self.boxed(&node.subscript_expr))
            }
            ast::Expr::Call(node) => return self.call(node),
            ast::Expr::List(node) => ExprKind::List(self.exprs(&node.items)),
            ast::Expr::Tuple(node) => ExprKind::Tuple(self.exprs(&node.items)),
            ast::Expr::Map(node) => ExprKind::Dict(
                node.keys.iter().zip(&node.values).map(|(k, v)| (self.expr(k), self.expr(v))).collect(),
            ),
        };
        Expr { kind, span: span(expr.span()) }
    }

    /// Jinja refuses `a is b is c`, unless the first test has arguments or parentheses stand around it.
    fn refuse_chain(&mut self, tested: &ast::Expr<'_>) {
        let inner = match tested {
            ast::Expr::UnaryOp(node) if matches!(node.op, ast::UnaryOpKind::Not) => &node.expr,
            other => other,
        };
        let ast::Expr::Test(inner) = inner else { return };
        let at = span(inner.span());
        let rest = self.source.get(at.end as usize..).unwrap_or("").trim_start();
        let called = self.tag(inner.span()).ends_with(')');
        if inner.args.is_empty() && !called && rest.starts_with("is") && self.refused.is_none() {
            let message = "You cannot chain multiple tests with is".to_owned();
            self.refused = Some(SyntaxFailure { message, span: at });
        }
    }

    fn call(&mut self, node: &ast::Spanned<ast::Call<'_>>) -> Expr {
        let target = self.boxed(&node.expr);
        let is_lookup =
            matches!(&target.kind, ExprKind::Var(name) if matches!(&**name, "lookup" | "query" | "q"));
        let outer = self.embedded;
        self.embedded = outer || is_lookup;
        let args = self.args(&node.args);
        self.embedded = outer;
        Expr { kind: ExprKind::Call(target, args), span: span(node.span()) }
    }

    /// Python, which Jinja compiles to, takes each named argument once; nothing may follow `**`.
    fn refuse_repeated(&mut self, args: &[ast::CallArg<'_>]) {
        let mut seen = HashSet::new();
        for pair in args.windows(2) {
            if let [ast::CallArg::KwargSplat(expr), ast::CallArg::Kwarg(..) | ast::CallArg::Pos(_)] = pair
                && self.refused.is_none()
            {
                let message = "invalid syntax for function call expression".to_owned();
                self.refused = Some(SyntaxFailure { message, span: span(expr.span()) });
            }
        }
        for arg in args {
            if let ast::CallArg::Kwarg(name, expr) = arg
                && !seen.insert(*name)
                && self.refused.is_none()
            {
                let message = format!("keyword argument repeated: {name}");
                self.refused = Some(SyntaxFailure { message, span: span(expr.span()) });
            }
        }
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) -> Vec<Arg> {
        self.refuse_repeated(args);
        args.iter()
            .map(|arg| match arg {
                ast::CallArg::Pos(expr) => Arg::Pos(self.expr(expr)),
                ast::CallArg::Kwarg(name, expr) => Arg::Named(self.name(name), self.expr(expr)),
                ast::CallArg::PosSplat(expr) => Arg::Splat(self.expr(expr)),
                ast::CallArg::KwargSplat(expr) => Arg::NamedSplat(self.expr(expr)),
            })
            .collect()
    }

    fn binary(&mut self, node: &ast::BinOp<'_>) -> ExprKind {
        let operator = match node.op {
            ast::BinOpKind::ScAnd => return ExprKind::And(self.boxed(&node.left), self.boxed(&node.right)),
            ast::BinOpKind::ScOr => return ExprKind::Or(self.boxed(&node.left), self.boxed(&node.right)),
            ast::BinOpKind::Concat => return ExprKind::Concat(self.concat(node)),
            ast::BinOpKind::Eq => return self.compare(node, Comparison::Eq),
            ast::BinOpKind::Ne => return self.compare(node, Comparison::Ne),
            ast::BinOpKind::Lt => return self.compare(node, Comparison::Lt),
            ast::BinOpKind::Lte => return self.compare(node, Comparison::Le),
            ast::BinOpKind::Gt => return self.compare(node, Comparison::Gt),
            ast::BinOpKind::Gte => return self.compare(node, Comparison::Ge),
            ast::BinOpKind::In => return self.compare(node, Comparison::In),
            ast::BinOpKind::Add => Operator::Add,
            ast::BinOpKind::Sub => Operator::Sub,
            ast::BinOpKind::Mul => Operator::Mul,
            ast::BinOpKind::Div => Operator::Div,
            ast::BinOpKind::FloorDiv => Operator::FloorDiv,
            ast::BinOpKind::Rem => Operator::Rem,
            ast::BinOpKind::Pow => Operator::Pow,
        };
        ExprKind::Binary(operator, self.boxed(&node.left), self.boxed(&node.right))
    }

    fn compare(&mut self, node: &ast::BinOp<'_>, how: Comparison) -> ExprKind {
        ExprKind::Compare(self.boxed(&node.left), vec![(how, self.expr(&node.right))])
    }

    fn concat(&mut self, node: &ast::BinOp<'_>) -> Vec<Expr> {
        let mut parts = match &node.left {
            ast::Expr::BinOp(left) if matches!(left.op, ast::BinOpKind::Concat) => self.concat(left),
            left => vec![self.expr(left)],
        };
        parts.push(self.expr(&node.right));
        parts
    }

    fn constant(&mut self, value: &minijinja::Value, at: machinery::Span) -> ExprKind {
        use minijinja::value::ValueKind;
        ExprKind::Const(match value.kind() {
            ValueKind::Bool => Value::Bool(value.is_true()),
            ValueKind::Number => match i128::try_from(value.clone()) {
                Ok(number) if value.is_integer() => Value::Int(number),
                _ => Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            },
            ValueKind::String => {
                let keep = self.mode.escape_backslashes && self.in_variable;
                let chars = unescape(self.source.get(span(at).range()).unwrap_or(""), keep);
                if self.embedded && crate::prepare::has_markers(&chars) {
                    return ExprKind::Embedded(Text::template(chars, None));
                }
                Value::str(chars)
            }
            _ => Value::Null,
        })
    }
}

/// Whether a tag ends in `with context` or `without context`.
fn says_context(tag: &str, word: &str) -> bool {
    let words: Vec<&str> = tag.split_whitespace().collect();
    words
        .windows(2)
        .any(|pair| pair[0] == word && pair[1].trim_end_matches(['-', '+', '%', '}']) == "context")
}

fn comparison(op: ast::CompareOpKind) -> Comparison {
    match op {
        ast::CompareOpKind::Eq => Comparison::Eq,
        ast::CompareOpKind::Ne => Comparison::Ne,
        ast::CompareOpKind::Lt => Comparison::Lt,
        ast::CompareOpKind::Lte => Comparison::Le,
        ast::CompareOpKind::Gt => Comparison::Gt,
        ast::CompareOpKind::Gte => Comparison::Ge,
        ast::CompareOpKind::In => Comparison::In,
        ast::CompareOpKind::NotIn => Comparison::NotIn,
    }
}
