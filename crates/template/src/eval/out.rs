//! What a template has printed so far: one value stays what it is, more become text.

use data::Text;

use crate::eval::Eval;
use crate::val::{Res, Val, output};

enum Part {
    Text(String),
    Value(Val),
}

/// The output of a template, macro or block.
#[derive(Default)]
pub(crate) struct Out {
    parts: Vec<Part>,
    secret: bool,
    /// Nothing runs after the first value, so it need not be copied to stay as it is.
    alone: bool,
}

impl Out {
    /// The output of a template of so many statements.
    pub(crate) fn of(statements: usize) -> Self {
        Self { alone: statements == 1, ..Self::default() }
    }

    /// Prints a value. `None` prints nothing; a missing value raises its error.
    pub(crate) fn push(&mut self, ev: &Eval<'_>, value: Val) -> Res<()> {
        match value {
            Val::None => {}
            // Alone it may still be caught by who uses it.
            missing @ Val::Missing(_) if self.alone && self.parts.is_empty() && ev.stand_ins.is_some() => {
                self.parts.push(Part::Value(missing));
            }
            Val::Missing(error) => self.push(ev, Val::from(ev.stand_in(&error)?))?,
            Val::Str(text) => {
                self.secret |= text.is_secret();
                if self.parts.is_empty() {
                    self.parts.push(Part::Value(Val::Str(text)));
                } else {
                    let tail = self.tail(ev)?;
                    tail.push_str(&text);
                    let size = tail.len();
                    ev.spend(0, size)?;
                }
            }
            Val::List(list) if self.parts.is_empty() && !self.alone => {
                self.parts.push(Part::Value(Val::list(list.items(ev)?)));
            }
            Val::Dict(dict) if self.parts.is_empty() && !self.alone => {
                self.parts.push(Part::Value(Val::Dict(std::rc::Rc::new(dict.copy()))));
            }
            first if self.parts.is_empty() => self.parts.push(Part::Value(first)),
            other => output(ev, &other, self.tail(ev)?)?,
        }
        Ok(())
    }

    /// Prints text of the template itself.
    pub(crate) fn push_raw(&mut self, ev: &Eval<'_>, text: &Text) -> Res<()> {
        if self.parts.is_empty() {
            self.parts.push(Part::Value(Val::Str(text.clone())));
            return Ok(());
        }
        let tail = self.tail(ev)?;
        tail.push_str(text);
        let size = tail.len();
        ev.spend(0, size)
    }

    /// The text at the end, to append to.
    fn tail(&mut self, ev: &Eval<'_>) -> Res<&mut String> {
        let last = match self.parts.pop() {
            Some(Part::Text(text)) => text,
            Some(Part::Value(value)) => {
                let mut text = String::new();
                output(ev, &value, &mut text)?;
                text
            }
            None => String::new(),
        };
        self.parts.push(Part::Text(last));
        match self.parts.last_mut() {
            Some(Part::Text(text)) => Ok(text),
            _ => unreachable!("a text was pushed just now"),
        }
    }

    /// The native result: nothing is `None`, one value is itself, more are text.
    pub(crate) fn finish(self) -> Val {
        self.into_value()
    }

    fn text(&self, text: String) -> Val {
        let text = Text::plain(text);
        Val::Str(if self.secret { text.into_secret() } else { text })
    }

    /// The result as text, as a file takes it.
    pub(crate) fn into_text(self, ev: &Eval<'_>) -> Res<Text> {
        match self.finish() {
            Val::None => Ok(Text::plain("")),
            Val::Str(text) => Ok(text),
            other => {
                let mut text = String::new();
                output(ev, &other, &mut text)?;
                Ok(Text::plain(text))
            }
        }
    }

    /// The one value that an expression printed.
    pub(crate) fn into_value(mut self) -> Val {
        match self.parts.pop() {
            Some(Part::Value(value)) => value,
            Some(Part::Text(text)) => self.text(text),
            None => Val::None,
        }
    }
}
