//! The functions that every template can call: `range`, `lookup`, `namespace`, `now` and the others.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use data::Key;
use indexmap::IndexMap;

use crate::args::Args;
use crate::eval::{Eval, Frame};
use crate::val::{Moment, Namespace, Object, Res, Val, fail};

/// A function of the engine.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Whether it looks at missing arguments itself.
    pub(crate) takes_missing: bool,
    pub(crate) run: fn(&Eval<'_>, Args, &Rc<Frame>) -> Res<Val>,
}

const fn function(name: &'static str, run: fn(&Eval<'_>, Args, &Rc<Frame>) -> Res<Val>) -> Function {
    Function { name, takes_missing: false, run }
}

static FUNCTIONS: &[Function] = &[
    function("range", range),
    function("dict", dict),
    function("namespace", namespace),
    function("cycler", cycler),
    function("joiner", joiner),
    function("lipsum", lipsum),
    function("now", now),
    function("undef", undef),
    Function { name: "lookup", takes_missing: true, run: crate::lookups::lookup },
    Function { name: "query", takes_missing: true, run: crate::lookups::query },
    Function { name: "q", takes_missing: true, run: crate::lookups::query },
];

/// A function, or `omit`.
pub(crate) fn global(name: &str) -> Option<Val> {
    if name == "omit" {
        return Some(Val::object(Object::Omit));
    }
    FUNCTIONS
        .iter()
        .find(|function| function.name == name)
        .map(|function| Val::object(Object::Function(function)))
}

fn range(_ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let mut numbers = Vec::new();
    for arg in &args.pos {
        let Some(number) = arg.as_int() else {
            return fail(format!("'{}' object cannot be interpreted as an integer", arg.type_name()));
        };
        numbers.push(number);
    }
    let (start, stop, step) = match numbers[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        [_, _, _] => return fail("range() arg 3 must not be zero"),
        _ => return fail(format!("range expected 1 to 3 arguments, got {}", numbers.len())),
    };
    Ok(Val::object(Object::Range(start, stop, step)))
}

fn entries(ev: &Eval<'_>, what: &str, args: Args) -> Res<IndexMap<Key, Val>> {
    let bound = args.bind(what, &["*rest", "**named"])?;
    let mut made = IndexMap::new();
    for value in &bound.rest {
        match ev.mapping(value)? {
            Some(other) => made.extend(other.entries(ev)?),
            None => made.extend(crate::methods::pairs(ev, value)?),
        }
    }
    made.extend(bound.named.into_iter().map(|(name, value)| (Key::from(&*name), value)));
    Ok(made)
}

fn dict(ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    Ok(Val::dict(entries(ev, "dict", args)?))
}

fn namespace(ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let values = RefCell::new(entries(ev, "namespace", args)?);
    Ok(Val::object(Object::Namespace(Namespace { values })))
}

fn cycler(_ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    if args.pos.is_empty() {
        return fail("at least one item has to be provided");
    }
    Ok(Val::object(Object::Cycler(args.pos, Cell::new(0))))
}

fn joiner(ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let bound = args.bind("joiner", &["sep?"])?;
    Ok(Val::object(Object::Joiner(bound.text(ev, 0, ", ")?, Cell::new(false))))
}

fn now(_ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let bound = args.bind("now", &["utc?", "fmt?"])?;
    let zone = if bound.flag(0, false)? { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let moment = Moment { time: jiff::Timestamp::now().to_zoned(zone).datetime(), offset: None };
    match bound.given(1) {
        Some(Val::Str(format)) => Ok(Val::from(crate::methods::strftime(&moment, format)?)),
        Some(other) => fail(format!("strftime() argument 1 must be str, not {}", other.type_name())),
        None => Ok(Val::object(Object::Moment(moment))),
    }
}

fn undef(ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let bound = args.bind("undef", &["hint?"])?;
    Ok(Val::undefined(match bound.given(0) {
        Some(hint) => ev.text(hint)?,
        None => "Mandatory variable has not been overridden".to_owned(),
    }))
}

const WORDS: &[&str] = &[
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
];

fn lipsum(ev: &Eval<'_>, args: Args, _frame: &Rc<Frame>) -> Res<Val> {
    let bound = args.bind("lipsum", &["n?", "html?", "min?", "max?"])?;
    let (count, html) = (bound.int(0, 5)?, bound.flag(1, true)?);
    let (least, most) = (bound.int(2, 20)?, bound.int(3, 100)?);
    if !(0..=10_000).contains(&count) || most > 10_000 || least > most || least < 0 {
        return fail("lipsum() takes at most 10000 paragraphs of at most 10000 words");
    }
    let mut paragraphs = Vec::new();
    for _ in 0..count {
        let length = rand::random_range(least..=most);
        ev.spend(length as usize, 0)?;
        let words: Vec<&str> = (0..length).map(|_| WORDS[rand::random_range(0..WORDS.len())]).collect();
        let mut text = words.join(" ");
        if let Some(first) = text.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        paragraphs.push(if html { format!("<p>{text}.</p>") } else { format!("{text}.") });
    }
    Ok(Val::from(paragraphs.join(if html { "\n" } else { "\n\n" })))
}
