//! The engine: renders values, expressions, conditions and files.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use data::pattern::{Pattern, PatternError, PatternFlags};
use data::{Source, Text, Value};

use crate::error::{ErrorKind, Origin};
use crate::eval::{Eval, Frame, OUTER, Out};
use crate::ir::Template;
use crate::lower::Mode;
use crate::prepare::{compile, has_markers, is_all_template};
use crate::registry::{Filter, Registry, Test};
use crate::settings::{FileOptions, Limits, Settings, Syntax};
use crate::stand_in::StandIns;
use crate::val::{Res, Val, finalize};
use crate::{Context, TemplateError};

const SHARDS: usize = 16;
/// A shard that holds more starts anew; templates made in loops would fill the memory otherwise.
const SHARD_SIZE: usize = 4096;

type Shard = RwLock<HashMap<(Arc<str>, Mode), Arc<Template>>>;

/// Renders templates. One engine serves all threads; it keeps the compiled form of the templates it has seen.
pub struct Engine {
    settings: Settings,
    registry: Registry,
    syntax: Syntax,
    hasher: RandomState,
    compiled: Vec<Shard>,
    patterns: RwLock<HashMap<(String, PatternFlags), Pattern>>,
    passwords: std::sync::Mutex<()>,
}

impl Engine {
    /// An engine with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            registry: Registry::new(),
            syntax: Syntax::default(),
            hasher: RandomState::new(),
            compiled: (0..SHARDS).map(|_| Shard::default()).collect(),
            patterns: RwLock::default(),
            passwords: std::sync::Mutex::default(),
        }
    }

    /// Renders all templates in a value, however deep, with native types as ansible-core 2.19 gives them; `omit` is taken out of lists and
    /// dictionaries.
    ///
    /// # Errors
    /// A template that cannot be read or evaluated, or that uses an undefined value.
    pub fn resolve(&self, value: &Value, ctx: &Context<'_>) -> Result<Value, TemplateError> {
        let ev = Eval::new(self, ctx);
        let result = match value {
            Value::Str(text) if text.is_template() && has_markers(text) => ev
                .render_text(text, OUTER)
                .and_then(|value| finalize(&ev, &value))
                .map_err(|error| located(error, text)),
            _ => ev.open(value, OUTER).and_then(|value| finalize(&ev, &value)),
        };
        result.map_err(|error| advised(error, ctx))
    }

    /// Evaluates a bare expression: `until`, `debug: var`. Text that is not the user's own is refused.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn evaluate(&self, expr: &Text, ctx: &Context<'_>) -> Result<Value, TemplateError> {
        self.evaluate_in(&Eval::new(self, ctx), expr)
    }

    /// The same with text in place of undefined values, and warnings about them, as `debug: var` has it.
    ///
    /// # Errors
    /// As [`Self::resolve`], except for undefined values.
    pub fn evaluate_shown(
        &self,
        expr: &Text,
        ctx: &Context<'_>,
    ) -> Result<(Value, Vec<String>), TemplateError> {
        let ev = Eval::replacing(self, ctx, StandIns::for_undefined());
        let value = match self.evaluate_in(&ev, expr) {
            Ok(value) => value,
            Err(error) => Value::from(ev.stand_in(&error)?),
        };
        Ok((value, ev.stand_ins.map(|told| told.warnings()).unwrap_or_default()))
    }

    /// A text that is shown whatever happens: text in place of what cannot be rendered, and warnings about it. Names of tasks are.
    ///
    /// # Errors
    /// Cycles and limits.
    pub fn resolve_shown(
        &self,
        text: &Text,
        ctx: &Context<'_>,
    ) -> Result<(Value, Vec<String>), TemplateError> {
        if !text.is_template() || !has_markers(text) {
            return Ok((Value::Str(text.clone()), Vec::new()));
        }
        let ev = Eval::replacing(self, ctx, StandIns::default());
        let rendered = ev.render_text(text, OUTER).and_then(|value| finalize(&ev, &value));
        let value = match rendered.map_err(|error| located(error, text)) {
            Ok(value) => value,
            Err(error) => Value::from(ev.stand_in(&error)?),
        };
        Ok((value, ev.stand_ins.map(|told| told.warnings()).unwrap_or_default()))
    }

    fn evaluate_in(&self, ev: &Eval<'_>, expr: &Text) -> Result<Value, TemplateError> {
        let mode = Mode { expression: true, escape_backslashes: false, embedded: false };
        let value = self.expression(ev, expr, mode)?;
        // What a variable fails with is not the expression's own.
        let own = |error: TemplateError| if error.is_undecryptable() { error.in_expression() } else { error };
        finalize(ev, &value).map_err(|error| located(own(error), expr))
    }

    fn expression(&self, ev: &Eval<'_>, expr: &Text, mode: Mode) -> Res<Val> {
        if !expr.is_template() {
            let kind = ErrorKind::Condition("Encountered untrusted template or expression.".to_owned());
            return Err(located(TemplateError::new(kind), expr));
        }
        let template = self.compiled(expr, mode).map_err(|error| match error.kind() {
            ErrorKind::Syntax(message) if has_markers(expr) => {
                let message = format!("Template delimiters are not supported in expressions: {message}");
                error
                    .with_kind(ErrorKind::ExpressionSyntax(message))
                    .help("write the expression without `{{ }}`")
            }
            _ => error.in_expression(),
        })?;
        ev.evaluate(&template).map_err(TemplateError::in_expression)
    }

    /// Evaluates a condition (`when`, `changed_when`, `assert: that`): a boolean, an expression, or a list of which all must hold.
    ///
    /// # Errors
    /// As [`Self::resolve`], and when the result is not a boolean.
    pub fn condition(&self, expr: &Value, ctx: &Context<'_>) -> Result<bool, TemplateError> {
        match expr {
            Value::List(items) => {
                for item in items {
                    if !self.condition(item, ctx)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            other => self.one_condition(other, ctx).map_err(|error| advised(error, ctx)),
        }
    }

    fn one_condition(&self, expr: &Value, ctx: &Context<'_>) -> Result<bool, TemplateError> {
        let broken = |message: String| TemplateError::new(ErrorKind::Condition(message));
        let text = match expr {
            Value::Bool(flag) => return Ok(*flag),
            Value::Null => return Err(broken("Empty conditional expressions are not allowed.".to_owned())),
            Value::Str(text) => text.with_chars(text.trim()),
            _ => return Err(broken("Conditional expressions must be strings.".to_owned())),
        };
        if text.is_empty() {
            return Err(located(broken("Empty conditional expressions are not allowed.".to_owned()), &text));
        }
        let ev = Eval::new(self, ctx);
        let mut expression = text.clone();
        if text.is_template() && is_all_template(&text) {
            match finalize(&ev, &ev.render_text(&text, OUTER)?).map_err(|error| located(error, &text))? {
                Value::Str(inner) => expression = inner.with_chars(inner.trim()),
                other => {
                    ev.deprecated(
                        "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}.",
                    );
                    return truth_of(&ev, &other, &text);
                }
            }
        }
        if expression.is_empty() {
            return Err(located(broken("Empty conditional expressions are not allowed.".to_owned()), &text));
        }
        let mode = Mode { expression: true, escape_backslashes: false, embedded: true };
        let value = self.expression(&ev, &expression, mode)?;
        truth_of(&ev, &finalize(&ev, &value).map_err(|error| located(error.in_expression(), &text))?, &text)
    }

    /// Whether there is a lookup of this name.
    pub fn has_lookup(&self, name: &str) -> bool {
        crate::lookups::exists(name)
    }

    /// Runs a lookup as `with_<name>` does: the terms are the items of `terms`, or `terms` itself when it is no list.
    ///
    /// # Errors
    /// As [`Self::resolve`], and when the lookup fails or is unknown.
    pub fn lookup(&self, name: &str, terms: &Value, ctx: &Context<'_>) -> Result<Vec<Value>, TemplateError> {
        let ev = Eval::new(self, ctx);
        let found = crate::lookups::with(&ev, name, terms);
        let found = found.and_then(|found| found.iter().map(|value| finalize(&ev, value)).collect());
        found.map_err(|error| advised(error, ctx))
    }

    /// Renders a template file, as the template module does.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn render_file(
        &self,
        source: &Arc<Source>,
        options: &FileOptions,
        ctx: &Context<'_>,
    ) -> Result<Text, TemplateError> {
        let mode =
            Mode { expression: false, escape_backslashes: options.escape_backslashes, embedded: false };
        let template =
            Arc::new(self.compile(source.text(), Origin::File(Arc::clone(source)), mode, &options.syntax)?);
        let ev = Eval::new(self, ctx);
        let trailing = template.trailing_newlines;
        let frame = Frame::root(template, Some(OUTER));
        if let Some(path) = &options.dated {
            crate::eval::set_times(&frame, path);
        }
        let mut out = Out::default();
        let text = ev.run(&frame, &mut out).and_then(|()| out.into_text(&ev));
        let text = text.map_err(|error| advised(error, ctx))?;
        let has = text.len() - text.trim_end_matches('\n').len();
        if trailing <= has {
            return Ok(text);
        }
        let newlines = options.syntax.newline.as_str().repeat(trailing - has);
        Ok(text.with_chars(format!("{}{newlines}", text.as_str())))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    pub(crate) fn filter(&self, name: &str) -> Option<&'static Filter> {
        self.registry.filter(name)
    }

    /// A filter's name with its collection.
    pub(crate) fn filter_title(&self, name: &str) -> String {
        self.registry.filter_title(name)
    }

    /// A test's name with its collection.
    pub(crate) fn test_title(&self, name: &str) -> String {
        self.registry.test_title(name)
    }

    pub(crate) fn test(&self, name: &str) -> Option<&'static Test> {
        self.registry.test(name)
    }

    /// The compiled form of a regular expression, kept for the next time.
    pub(crate) fn pattern(&self, text: &str, flags: PatternFlags) -> Result<Pattern, PatternError> {
        let key = (text.to_owned(), flags);
        if let Some(pattern) = self.patterns.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(pattern.clone());
        }
        let pattern = Pattern::with_flags(text, flags)?;
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        if patterns.len() >= SHARD_SIZE {
            patterns.clear();
        }
        patterns.insert(key, pattern.clone());
        Ok(pattern)
    }

    /// Compiles a text; the filters and tests that it names outside of conditions must be there.
    fn compile(&self, text: &str, origin: Origin, mode: Mode, syntax: &Syntax) -> Res<Template> {
        let template = compile(text, origin, mode, syntax)?;
        let unknown = template.plugins.iter().find(|plugin| {
            if plugin.is_test {
                self.test(&plugin.name).is_none()
            } else {
                self.filter(&plugin.name).is_none()
            }
        });
        match unknown {
            None => Ok(template),
            Some(plugin) => {
                let kind = if plugin.is_test { "test" } else { "filter" };
                let message = format!("No {kind} named '{}'.", plugin.name);
                Err(TemplateError::new(ErrorKind::Syntax(message)).located(&template.origin, plugin.span))
            }
        }
    }

    /// The compiled form of a text, kept for the next time.
    pub(crate) fn compiled(&self, text: &Text, mode: Mode) -> Res<Arc<Template>> {
        let key = (text.shared(), mode);
        let shard = &self.compiled[self.hasher.hash_one(&key) as usize % SHARDS];
        if let Some(template) = shard.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            // The same words at another place need their own place in errors.
            if let Origin::Text(known) = &template.origin
                && known.place() == text.place()
            {
                return Ok(Arc::clone(template));
            }
            let moved = Template { origin: Origin::Text(text.clone()), ..(**template).clone() };
            return Ok(Arc::new(moved));
        }
        let template = Arc::new(self.compile(text, Origin::Text(text.clone()), mode, &self.syntax)?);
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_SIZE {
            shard.clear();
        }
        shard.insert(key, Arc::clone(&template));
        Ok(template)
    }

    /// The compiled form of a template file with its own options.
    pub(crate) fn compile_source(&self, source: &Arc<Source>, options: &FileOptions) -> Res<Template> {
        let mode =
            Mode { expression: false, escape_backslashes: options.escape_backslashes, embedded: false };
        self.compile(source.text(), Origin::File(Arc::clone(source)), mode, &options.syntax)
    }

    /// Held while a password file is read or made.
    pub(crate) fn lock_passwords(&self) -> std::sync::MutexGuard<'_, ()> {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compiled form of an included file.
    pub(crate) fn compiled_file(&self, source: &Arc<Source>) -> Res<Arc<Template>> {
        let mode = Mode { expression: false, escape_backslashes: false, embedded: false };
        Ok(Arc::new(self.compile(source.text(), Origin::File(Arc::clone(source)), mode, &self.syntax)?))
    }
}

fn located(error: TemplateError, text: &Text) -> TemplateError {
    error.located(&Origin::Text(text.clone()), data::Span::default())
}

/// Names the variable that an undefined name probably means.
fn advised(error: TemplateError, ctx: &Context<'_>) -> TemplateError {
    let ErrorKind::Undefined(hint) = error.kind() else { return error };
    let Some(name) = hint.strip_suffix("' is undefined").and_then(|hint| hint.strip_prefix('\'')) else {
        return error;
    };
    let names = ctx.scope.names();
    match data::suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("a variable with a similar name exists: `{near}`")),
        None => error,
    }
}

/// Whether a condition is nothing but a variable, or a field of one.
fn names_a_variable(condition: &str) -> bool {
    let path = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '.' | '[' | ']');
    let condition = condition.trim();
    condition.starts_with(|first: char| first.is_alphabetic() || first == '_') && condition.chars().all(path)
}

/// What a condition's value says.
///
/// # Errors
/// It is no boolean, and the settings do not allow that.
fn truth_of(ev: &Eval<'_>, value: &Value, text: &Text) -> Result<bool, TemplateError> {
    if let Value::Bool(flag) = value {
        return Ok(*flag);
    }
    if crate::is_omit(value) {
        return Err(located(TemplateError::new(ErrorKind::Condition(crate::OMITTED.to_owned())), text));
    }
    let (truth, kind) = (if value.is_truthy() { "True" } else { "False" }, value.kind().python_name());
    // A value that the condition computes stands where the condition does; where a variable's own stands is known of text alone.
    let at = match value {
        Value::Str(own) if own.place().is_some() => own.place(),
        _ if names_a_variable(text) => None,
        _ => text.place(),
    };
    let at = at.map_or_else(String::new, |place| format!(" at '{place}'"));
    let message = format!(
        "Conditional result ({truth}) was derived from value of type '{kind}'{at}. Conditionals must have a boolean result."
    );
    if ev.ctx.host.and_then(|host| host.setting("ALLOW_BROKEN_CONDITIONALS")).as_deref() == Some("True") {
        ev.deprecated(&message);
        return Ok(value.is_truthy());
    }
    let error = TemplateError::new(ErrorKind::Condition(message));
    Err(located(error.help("compare the value, or use `| bool`, `is defined` or `| length > 0`"), text))
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;
    use crate::SearchPath;

    fn template(text: &str) -> Value {
        Value::Str(Text::template(text, None))
    }

    fn resolve(text: &str, vars: &Map) -> Result<Value, TemplateError> {
        let search = SearchPath::default();
        Engine::new(Settings::default()).resolve(&template(text), &Context::new(vars, &search))
    }

    #[test]
    fn variables_are_rendered_when_used_and_only_then() {
        let vars = Map::from([
            ("a", template("{{ b + 1 }}")),
            ("b", Value::from(1)),
            ("broken", template("{{ nothing }}")),
            (
                "map",
                Value::from(Map::from([("good", template("{{ a }}")), ("bad", template("{{ broken }}"))])),
            ),
        ]);
        assert_eq!(resolve("{{ a }}", &vars).unwrap(), Value::from(2));
        assert_eq!(resolve("{{ map.good }}", &vars).unwrap(), Value::from(2));
        assert_eq!(resolve("{{ map.bad | default('x') }}", &vars).unwrap(), Value::from("x"));
        assert_eq!(resolve("{{ map }}", &vars).unwrap_err().to_string(), "'nothing' is undefined");
    }

    #[test]
    fn errors_have_ansibles_words() {
        let (vars, search, engine) = (Map::new(), SearchPath::default(), Engine::new(Settings::default()));
        let ctx = Context::new(&vars, &search);
        let condition = |text: &str| engine.condition(&template(text), &ctx).unwrap_err().to_string();
        assert_eq!(condition("1/0 == 1"), "Error rendering expression: division by zero");
        assert_eq!(condition("1 =="), "Syntax error in expression: unexpected 'end of template'");
        assert_eq!(condition("1 is nope"), "Syntax error in expression: No test named 'nope'.");
        let said = |text: &str| resolve(text, &vars).unwrap_err().to_string();
        assert_eq!(said("{{ 1/0 }}"), "Error rendering template: division by zero");
        assert_eq!(said("{% huh %}"), "Syntax error in template: Encountered unknown tag 'huh'.");
        assert_eq!(
            said("{% if %}"),
            "Syntax error in template: Expected an expression, got 'end of statement block'"
        );
    }

    #[test]
    fn text_of_hosts_is_never_rendered() {
        let vars = Map::from([
            ("out", Value::from("{{ 7 * 7 }}")),
            ("list", Value::from(vec![Value::from("{{ 1 }}")])),
        ]);
        assert_eq!(resolve("{{ out }}", &vars).unwrap(), Value::from("{{ 7 * 7 }}"));
        assert_eq!(resolve("x{{ out ~ '' }}", &vars).unwrap(), Value::from("x{{ 7 * 7 }}"));
        assert_eq!(resolve("{{ list | first }}", &vars).unwrap(), Value::from("{{ 1 }}"));
        assert_eq!(resolve("{{ '{' ~ '{ 7 * 7 }}' }}", &vars).unwrap(), Value::from("{{ 7 * 7 }}"));
    }

    #[test]
    fn an_error_points_into_the_users_file() {
        let source = Source::new("vars.yml", "greeting: \"hello {{ nmae }}\"\n");
        let vars = data::yaml::load(&source).unwrap().node.unwrap().to_value();
        let vars = vars.as_map().unwrap().clone();
        let mut scope = vars.clone();
        scope.insert("name", "world");
        let search = SearchPath::default();
        let ctx = Context::new(&scope, &search);
        let error =
            Engine::new(Settings::default()).resolve(vars.get("greeting").unwrap(), &ctx).unwrap_err();
        assert_eq!(error.place().map(ToString::to_string).as_deref(), Some("vars.yml:1:21"));
        let found = &data::Diagnose::diagnostics(&error)[0];
        assert_eq!(found.title, "`nmae` is undefined");
        assert_eq!(found.helps, ["a variable with a similar name exists: `name`"]);
    }

    #[test]
    fn a_vaulted_value_is_opened_when_used_and_stays_secret() {
        let envelope = data::vault::encrypt(b"{{ pw }}", "default", b"right");
        let vars = Map::from([("pw", Value::Str(Text::plain(envelope).into_encrypted()))]);
        let search = SearchPath::default();
        let mut secrets = data::vault::Secrets::new();
        let engine = Engine::new(Settings::default());
        let text = template("{{ pw }}");
        assert!(engine.resolve(&text, &Context::new(&vars, &search)).is_err());
        secrets.add("default", "right");
        let opened = engine.resolve(&text, &Context::new(&vars, &search).with_secrets(&secrets)).unwrap();
        assert_eq!(opened, Value::from("{{ pw }}"));
        assert!(opened.as_text().unwrap().is_secret());
    }

    #[test]
    fn a_circle_of_variables_is_an_error_that_names_it() {
        let vars = Map::from([("a", template("{{ b }}")), ("b", template("{{ a }}"))]);
        let error = resolve("{{ a | default('x') }}", &vars).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cycle(_)), "{error}");
        assert!(error.to_string().contains("{{ b }}"), "{error}");
    }

    #[test]
    fn endless_work_ends_in_an_error() {
        let vars = Map::new();
        let search = SearchPath::default();
        let limits = Limits { steps: 100_000, ..Limits::default() };
        let engine = Engine::new(Settings { limits });
        for text in [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{{ 'a' * 1000000000 }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{{ range(10000000000) | list }}",
        ] {
            let error = engine.resolve(&template(text), &Context::new(&vars, &search)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Limit(_)), "{text}: {error}");
        }
    }

    #[test]
    fn conditions_must_be_boolean_expressions_of_the_user() {
        let vars =
            Map::from([("n", Value::from(1)), ("host", Value::from("1 == 1")), ("own", template("n == 1"))]);
        let search = SearchPath::default();
        let engine = Engine::new(Settings::default());
        let condition = |text: &str| engine.condition(&template(text), &Context::new(&vars, &search));
        assert!(condition("n == 1").unwrap());
        assert!(condition("{{ own }}").unwrap());
        assert!(!condition("n is not defined").unwrap());
        for bad in ["n", "", "{{ host }}", "zz", "n =="] {
            assert!(condition(bad).is_err(), "{bad}");
        }
    }
}
