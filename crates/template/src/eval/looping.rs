//! `for`, with its filter, its `else`, `loop` and recursion.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::eval::stmt::Flow;
use crate::eval::{Eval, Frame, Out};
use crate::ir::{For, Name};
use crate::val::{Loop, Object, Res, Val};

impl Eval<'_> {
    /// Runs a loop over a value.
    pub(crate) fn run_loop(&self, code: &Arc<For>, over: Val, frame: &Rc<Frame>, out: &mut Out) -> Res<()> {
        let items: Rc<[Val]> = self.selected(code, over, frame)?.into();
        if items.is_empty() {
            let inner = Frame::child(frame);
            return self.stmts(&code.otherwise, &inner, out).map(drop);
        }
        let state = (code.uses_loop || code.recursive).then(|| {
            Val::object(Object::Loop(Loop {
                index0: Cell::new(0),
                items: Rc::clone(&items),
                depth0: frame.unit.loops.get(),
                changed: RefCell::new(None),
                recursive: code.recursive.then(|| (Arc::clone(code), Rc::clone(frame))),
            }))
        });
        let loop_name: Name = "loop".into();
        let mut inner = Frame::child(frame);
        for (index, item) in items.iter().enumerate() {
            self.spend(1, 0)?;
            // A macro or a block may have kept the frame of the last turn.
            if Rc::strong_count(&inner) == 1 {
                inner.clear();
            } else {
                inner = Frame::child(frame);
            }
            if let Some(Val::Object(object)) = &state {
                if let Object::Loop(state) = &**object {
                    state.index0.set(index);
                }
                inner.set(&loop_name, Val::Object(Rc::clone(object)));
            }
            self.assign(&code.target, item.clone(), &inner)?;
            if self.stmts(&code.body, &inner, out)? == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    /// The items that pass the loop's filter.
    fn selected(&self, code: &For, over: Val, frame: &Rc<Frame>) -> Res<Vec<Val>> {
        let items = self.items_loose(&over)?;
        let Some(filter) = &code.filter else { return Ok(items) };
        let mut kept = Vec::new();
        for item in items {
            self.spend(1, 0)?;
            let inner = Frame::child(frame);
            self.assign(&code.target, item.clone(), &inner)?;
            if self.expr(filter, &inner)?.truth()? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// `loop(items)` inside a recursive loop.
    pub(crate) fn recurse(&self, state: &Loop, over: Val) -> Res<Val> {
        let Some((code, frame)) = &state.recursive else {
            return crate::val::fail("The loop must have the 'recursive' marker to be called recursively.");
        };
        let loops = &frame.unit.loops;
        let before = loops.replace(state.depth0 + 1);
        let result = self.deeper(|| {
            let mut out = Out::default();
            self.run_loop(code, over, frame, &mut out)?;
            Ok(out.finish())
        });
        loops.set(before);
        result
    }

    /// An attribute of `loop`.
    pub(crate) fn loop_attribute(&self, state: &Loop, name: &str) -> Option<Val> {
        let (index, count) = (state.index0.get(), state.items.len());
        let missing = |what: &str| Val::undefined(format!("there is no {what} item"));
        Some(match name {
            "index" => Val::from(index + 1),
            "index0" => Val::from(index),
            "revindex" => Val::from(count - index),
            "revindex0" => Val::from(count - index - 1),
            "first" => Val::Bool(index == 0),
            "last" => Val::Bool(index + 1 == count),
            "length" => Val::from(count),
            "depth" => Val::from(state.depth0 + 1),
            "depth0" => Val::from(state.depth0),
            "previtem" => match index.checked_sub(1) {
                Some(before) => state.items[before].clone(),
                None => missing("previous"),
            },
            "nextitem" => state.items.get(index + 1).cloned().unwrap_or_else(|| missing("next")),
            _ => return None,
        })
    }
}
