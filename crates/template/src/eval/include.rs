//! Other templates: `include`, `import`, `from`, and where `extends` finds its parent.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use data::Source;

use crate::error::{ErrorKind, Origin, TemplateError};
use crate::eval::{Eval, Frame, Out};
use crate::ir::{Expr, Name, Template};
use crate::val::{Object, Res, Val, fail};

impl Eval<'_> {
    /// The compiled template of a name, or of the first of a list of names that exists.
    pub(crate) fn load(&self, name: &Val, frame: &Rc<Frame>) -> Res<Arc<Template>> {
        let names = match name {
            Val::Str(name) => vec![name.to_string()],
            Val::List(_) | Val::Tuple(_) => {
                self.items(name)?.iter().map(|name| self.text(name)).collect::<Res<Vec<_>>>()?
            }
            other => return fail(format!("a template's name must be text, not '{}'", other.type_name())),
        };
        for name in &names {
            if let Some(path) = self.find_template(name, frame) {
                return self.load_file(name, &path);
            }
        }
        let shown = names.join("`, `");
        let error = TemplateError::new(ErrorKind::Operation(format!("the template `{shown}` was not found")));
        Err(error
            .help("templates are looked for beside this file, and in `templates` of the role and the play"))
    }

    fn find_template(&self, name: &str, frame: &Rc<Frame>) -> Option<PathBuf> {
        let beside = match &frame.template.origin {
            Origin::File(source) => Path::new(source.name()).parent().map(|dir| dir.join(name)),
            Origin::Text(_) => None,
        };
        beside
            .filter(|path| path.is_file())
            .or_else(|| self.ctx.search.candidates("templates", name).into_iter().find(|path| path.is_file()))
    }

    fn load_file(&self, name: &str, path: &Path) -> Res<Arc<Template>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            TemplateError::new(ErrorKind::Operation(format!("cannot read the template `{name}`: {error}")))
        })?;
        self.engine.compiled_file(&Source::new(path.display().to_string(), text))
    }

    pub(crate) fn include(
        &self,
        name: &Expr,
        ignore_missing: bool,
        context: bool,
        frame: &Rc<Frame>,
        out: &mut Out,
    ) -> Res<()> {
        let name = self.expr(name, frame)?.used()?;
        let template = match self.load(&name, frame) {
            Ok(template) => template,
            Err(error) if ignore_missing && matches!(error.kind(), ErrorKind::Operation(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (scope, parent) = if context { (frame.unit.scope, Some(Rc::clone(frame))) } else { (None, None) };
        let root = Frame::root_within(template, scope, parent);
        self.deeper(|| self.run(&root, out))
    }

    /// A template as an object with the names that it sets.
    pub(crate) fn import(&self, name: &Expr, context: bool, frame: &Rc<Frame>) -> Res<Val> {
        let name = self.expr(name, frame)?.used()?;
        let template = self.load(&name, frame)?;
        let (scope, parent) = if context { (frame.unit.scope, Some(Rc::clone(frame))) } else { (None, None) };
        let root = Frame::root_within(template, scope, parent);
        let body = self.deeper(|| {
            let mut out = Out::default();
            self.run(&root, &mut out)?;
            Ok(out.finish())
        })?;
        Ok(Val::object(Object::Module(root, body)))
    }

    pub(crate) fn import_names(
        &self,
        name: &Expr,
        names: &[(Name, Name)],
        context: bool,
        frame: &Rc<Frame>,
    ) -> Res<()> {
        let module = self.import(name, context, frame)?;
        if let Val::Object(object) = &module
            && let Object::Module(root, _) = &**object
        {
            for (name, alias) in names {
                let value = root.own(name).unwrap_or_else(|| {
                    Val::undefined(format!(
                        "the imported template does not export the requested name '{name}'"
                    ))
                });
                frame.set(alias, value);
            }
        }
        Ok(())
    }
}
