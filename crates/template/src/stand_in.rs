//! Text that stands for values that cannot be had, numbered: `debug: var` and the names of tasks show what can be shown.

use std::cell::RefCell;

use crate::TemplateError;

/// What Ansible says after an error that cut a template short.
const TRUNCATED: &str = "template potentially truncated";

/// Errors that text stands for.
#[derive(Debug, Default)]
pub(crate) struct StandIns {
    /// Whether only undefined values are replaced; other errors stay errors.
    only_undefined: bool,
    told: RefCell<Vec<Told>>,
}

/// One error that was replaced.
#[derive(Debug)]
struct Told {
    message: String,
    /// The error's template, as far as it can be told from others.
    template: Option<(String, Option<String>)>,
}

impl StandIns {
    /// For undefined values only.
    pub(crate) fn for_undefined() -> Self {
        Self { only_undefined: true, ..Self::default() }
    }

    /// The text for an error; `None` when it must stay one.
    pub(crate) fn text(&self, error: &TemplateError) -> Option<String> {
        if error.is_fatal() || (self.only_undefined && !error.is_undefined()) {
            return None;
        }
        let template = error.template_text().map(|text| {
            let place = text.place().map(ToString::to_string);
            (text.to_string(), place)
        });
        Some(self.tell(Told { message: error.to_string(), template }))
    }

    /// The text for an error that ended the printing of a template.
    pub(crate) fn text_of_rest(&self, error: &TemplateError) -> Option<String> {
        let text = self.text(error)?;
        let template = self.told.borrow().last().and_then(|told| told.template.clone());
        Some(text + &self.tell(Told { message: TRUNCATED.to_owned(), template }))
    }

    fn tell(&self, told: Told) -> String {
        let mut all = self.told.borrow_mut();
        let text = format!("<< error {} - {} >>", all.len() + 1, told.message);
        all.push(told);
        text
    }

    /// Ansible's warnings about what was replaced: one for the errors of each template.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let told = self.told.borrow();
        let mut number = 0;
        let warning = |errors: &[Told]| {
            let plural = if errors.len() > 1 { "s" } else { "" };
            let mut warning = format!("Encountered {} template error{plural}.", errors.len());
            for error in errors {
                number += 1;
                warning.push_str(&format!("\nerror {number} - {}", error.message));
            }
            warning
        };
        told.chunk_by(|one, next| one.template == next.template).map(warning).collect()
    }
}
