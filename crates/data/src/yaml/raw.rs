//! A safe face over libyaml's parser and emitter: events in, events out. The only unsafe code of the crate lives here; what is below it is
//! the same engine as PyYAML's C loader and dumper, which Ansible uses.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_void};
use std::mem::MaybeUninit;

use libyaml_rs as sys;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// Anchor and tag of a node; the tag is resolved (`tag:yaml.org,2002:str`, `!vault`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    pub(crate) tag: Option<String>,
}

/// What libyaml saw or is told to write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart {
        implicit: bool,
    },
    DocumentEnd {
        implicit: bool,
    },
    Alias(String),
    Scalar {
        properties: Properties,
        value: String,
        plain_implicit: bool,
        quoted_implicit: bool,
        style: ScalarStyle,
    },
    SequenceStart {
        properties: Properties,
        flow: bool,
    },
    SequenceEnd,
    MappingStart {
        properties: Properties,
        flow: bool,
    },
    MappingEnd,
}

/// An event with the bytes that it covers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// libyaml's refusal of a text; offsets are bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) problem: String,
    pub(crate) at: usize,
    /// What it was doing, and where that began.
    pub(crate) context: Option<(String, usize)>,
}

/// Reads events from a text.
pub(crate) struct Parser<'a> {
    inner: *mut sys::yaml_parser_t,
    text: &'a str,
    /// Bytes of the byte order mark before what libyaml sees.
    skipped: usize,
}

impl<'a> Parser<'a> {
    /// A parser at the start of `text`; a byte order mark is skipped.
    pub(crate) fn new(text: &'a str) -> Self {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let inner =
            Box::into_raw(Box::new(MaybeUninit::<sys::yaml_parser_t>::uninit())).cast::<sys::yaml_parser_t>();
        // SAFETY: `inner` is allocated and stays where it is until `drop`; libyaml keeps a pointer to itself and to the input, and the
        // input outlives `self` by the lifetime 'a.
        unsafe {
            assert!(sys::yaml_parser_initialize(inner).ok, "libyaml fails here only when memory is out");
            sys::yaml_parser_set_encoding(inner, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(inner, body.as_ptr(), body.len() as u64);
        }
        Self { inner, text, skipped: text.len() - body.len() }
    }

    /// The next event. After `StreamEnd` or a refusal there is nothing more to ask for.
    pub(crate) fn next_event(&mut self) -> Result<Event, Refusal> {
        let mut event = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: the parser is initialized; on success libyaml fills the whole event, which is copied out and freed once, here.
        unsafe {
            if sys::yaml_parser_parse(self.inner, event.as_mut_ptr()).fail {
                return Err(self.refusal());
            }
            let mut event = event.assume_init();
            let kind = kind_of(&event);
            let start = self.byte(event.start_mark.index);
            let end = self.byte(event.end_mark.index);
            sys::yaml_event_delete(&mut event);
            Ok(Event { kind, start, end })
        }
    }

    /// libyaml's index, which counts bytes, as a byte of the text that the user has.
    fn byte(&self, index: u64) -> usize {
        (self.skipped + index as usize).min(self.text.len())
    }

    fn refusal(&self) -> Refusal {
        // SAFETY: the parser is initialized; its messages are null or static C strings.
        unsafe {
            let parser = &*self.inner;
            let problem = message(parser.problem).unwrap_or_else(|| "the text is not YAML".to_owned());
            if parser.error == sys::YAML_READER_ERROR {
                let at = self.byte(parser.problem_offset);
                return Refusal { problem, at, context: None };
            }
            let context = message(parser.context).map(|text| (text, self.byte(parser.context_mark.index)));
            Refusal { problem, at: self.byte(parser.problem_mark.index), context }
        }
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: `inner` came from `Box::into_raw` with this layout, is initialized, and is freed only here.
        unsafe {
            sys::yaml_parser_delete(self.inner);
            drop(Box::from_raw(self.inner.cast::<MaybeUninit<sys::yaml_parser_t>>()));
        }
    }
}

/// Copies an event out of libyaml's memory.
///
/// # Safety
/// `event` must have been filled by libyaml and not yet deleted.
unsafe fn kind_of(event: &sys::yaml_event_t) -> EventKind {
    // SAFETY: libyaml fills the member of the union that `type_` names; its strings end in NUL, scalars have a length beside.
    unsafe {
        let data = &event.data;
        match event.type_ {
            sys::YAML_DOCUMENT_START_EVENT => {
                EventKind::DocumentStart { implicit: data.document_start.implicit }
            }
            sys::YAML_DOCUMENT_END_EVENT => EventKind::DocumentEnd { implicit: data.document_end.implicit },
            sys::YAML_ALIAS_EVENT => EventKind::Alias(chars(data.alias.anchor).unwrap_or_default()),
            sys::YAML_SCALAR_EVENT => {
                let scalar = &data.scalar;
                let bytes = std::slice::from_raw_parts(scalar.value, scalar.length as usize);
                EventKind::Scalar {
                    properties: Properties { anchor: chars(scalar.anchor), tag: chars(scalar.tag) },
                    value: String::from_utf8_lossy(bytes).into_owned(),
                    plain_implicit: scalar.plain_implicit,
                    quoted_implicit: scalar.quoted_implicit,
                    style: match scalar.style {
                        sys::YAML_SINGLE_QUOTED_SCALAR_STYLE => ScalarStyle::SingleQuoted,
                        sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE => ScalarStyle::DoubleQuoted,
                        sys::YAML_LITERAL_SCALAR_STYLE => ScalarStyle::Literal,
                        sys::YAML_FOLDED_SCALAR_STYLE => ScalarStyle::Folded,
                        _ => ScalarStyle::Plain,
                    },
                }
            }
            sys::YAML_SEQUENCE_START_EVENT => EventKind::SequenceStart {
                properties: Properties {
                    anchor: chars(data.sequence_start.anchor),
                    tag: chars(data.sequence_start.tag),
                },
                flow: data.sequence_start.style == sys::YAML_FLOW_SEQUENCE_STYLE,
            },
            sys::YAML_SEQUENCE_END_EVENT => EventKind::SequenceEnd,
            sys::YAML_MAPPING_START_EVENT => EventKind::MappingStart {
                properties: Properties {
                    anchor: chars(data.mapping_start.anchor),
                    tag: chars(data.mapping_start.tag),
                },
                flow: data.mapping_start.style == sys::YAML_FLOW_MAPPING_STYLE,
            },
            sys::YAML_MAPPING_END_EVENT => EventKind::MappingEnd,
            sys::YAML_STREAM_START_EVENT => EventKind::StreamStart,
            _ => EventKind::StreamEnd,
        }
    }
}

/// # Safety
/// `at` must be null or point at bytes that end in NUL.
unsafe fn chars(at: *const u8) -> Option<String> {
    // SAFETY: the caller's promise.
    (!at.is_null()).then(|| unsafe { CStr::from_ptr(at.cast()) }.to_string_lossy().into_owned())
}

/// # Safety
/// As [`chars`].
unsafe fn message(at: *const i8) -> Option<String> {
    // SAFETY: the caller's promise.
    unsafe { chars(at.cast()) }
}

/// How the emitter lays text out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Spaces a level; libyaml takes 2 for anything outside 2..=9.
    pub(crate) indent: i32,
    /// Where it tries to wrap; negative means never, 0..=2*indent means 80.
    pub(crate) width: i32,
    /// Whether characters beyond ASCII are written as they are.
    pub(crate) unicode: bool,
    /// Whether tags and quotes are always written.
    pub(crate) canonical: bool,
}

/// Writes events as text.
pub(crate) struct Emitter {
    inner: *mut sys::yaml_emitter_t,
    output: *mut Vec<u8>,
}

impl Emitter {
    pub(crate) fn new(layout: Layout) -> Self {
        let inner = Box::into_raw(Box::new(MaybeUninit::<sys::yaml_emitter_t>::uninit()))
            .cast::<sys::yaml_emitter_t>();
        let output = Box::into_raw(Box::<Vec<u8>>::default());
        // SAFETY: both allocations stay where they are until `drop`; `append` is given exactly `output`.
        unsafe {
            assert!(sys::yaml_emitter_initialize(inner).ok, "libyaml fails here only when memory is out");
            sys::yaml_emitter_set_output(inner, append, output.cast());
            sys::yaml_emitter_set_indent(inner, layout.indent);
            sys::yaml_emitter_set_width(inner, layout.width);
            sys::yaml_emitter_set_unicode(inner, layout.unicode);
            sys::yaml_emitter_set_canonical(inner, layout.canonical);
        }
        Self { inner, output }
    }

    /// Writes one event; refused (with libyaml's words) when it does not fit what was written before.
    pub(crate) fn emit(&mut self, event: &EventKind) -> Result<(), String> {
        let mut raw = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: `fill` initializes the event on success; `yaml_emitter_emit` takes it over and frees it, whatever the answer.
        unsafe {
            if !fill(raw.as_mut_ptr(), event) {
                return Err("the text is too large for a YAML scalar".to_owned());
            }
            if sys::yaml_emitter_emit(self.inner, raw.as_mut_ptr()).fail {
                let emitter = &*self.inner;
                return Err(message(emitter.problem).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// The text written so far; complete after `StreamEnd`.
    pub(crate) fn finish(self) -> String {
        // SAFETY: `output` is alive until `drop`, and nothing else reads or writes it now.
        let bytes = unsafe { std::mem::take(&mut *self.output) };
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        // SAFETY: both came from `Box::into_raw` with these layouts and are freed only here.
        unsafe {
            sys::yaml_emitter_delete(self.inner);
            drop(Box::from_raw(self.inner.cast::<MaybeUninit<sys::yaml_emitter_t>>()));
            drop(Box::from_raw(self.output));
        }
    }
}

/// libyaml's write handler: appends to the vector behind `data`.
///
/// # Safety
/// `data` is the `Vec<u8>` given to `yaml_emitter_set_output`; `buffer` holds `size` bytes.
unsafe fn append(data: *mut c_void, buffer: *mut u8, size: u64) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { (*data.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(buffer, size as usize)) };
    1
}

/// Builds libyaml's event; false when a text is too long or has a NUL where C cannot have one.
///
/// # Safety
/// `raw` must point at room for an event.
unsafe fn fill(raw: *mut sys::yaml_event_t, event: &EventKind) -> bool {
    let none = std::ptr::null_mut();
    // SAFETY: libyaml copies every string that it is given before it returns; the pointers live until then.
    let done = unsafe {
        match event {
            EventKind::StreamStart => sys::yaml_stream_start_event_initialize(raw, sys::YAML_UTF8_ENCODING),
            EventKind::StreamEnd => sys::yaml_stream_end_event_initialize(raw),
            EventKind::DocumentStart { implicit } => sys::yaml_document_start_event_initialize(
                raw,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                *implicit,
            ),
            EventKind::DocumentEnd { implicit } => sys::yaml_document_end_event_initialize(raw, *implicit),
            EventKind::Alias(name) => {
                let Ok(name) = CString::new(name.as_str()) else { return false };
                sys::yaml_alias_event_initialize(raw, name.as_ptr().cast())
            }
            EventKind::Scalar { properties, value, plain_implicit, quoted_implicit, style } => {
                let Ok(length) = i32::try_from(value.len()) else { return false };
                let Some((anchor, tag)) = c_strings(properties) else { return false };
                sys::yaml_scalar_event_initialize(
                    raw,
                    anchor.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    tag.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    value.as_ptr(),
                    length,
                    *plain_implicit,
                    *quoted_implicit,
                    match style {
                        ScalarStyle::Plain => sys::YAML_PLAIN_SCALAR_STYLE,
                        ScalarStyle::SingleQuoted => sys::YAML_SINGLE_QUOTED_SCALAR_STYLE,
                        ScalarStyle::DoubleQuoted => sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE,
                        ScalarStyle::Literal => sys::YAML_LITERAL_SCALAR_STYLE,
                        ScalarStyle::Folded => sys::YAML_FOLDED_SCALAR_STYLE,
                    },
                )
            }
            EventKind::SequenceStart { properties, flow } => {
                let Some((anchor, tag)) = c_strings(properties) else { return false };
                sys::yaml_sequence_start_event_initialize(
                    raw,
                    anchor.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    tag.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    tag.is_none(),
                    if *flow { sys::YAML_FLOW_SEQUENCE_STYLE } else { sys::YAML_BLOCK_SEQUENCE_STYLE },
                )
            }
            EventKind::SequenceEnd => sys::yaml_sequence_end_event_initialize(raw),
            EventKind::MappingStart { properties, flow } => {
                let Some((anchor, tag)) = c_strings(properties) else { return false };
                sys::yaml_mapping_start_event_initialize(
                    raw,
                    anchor.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    tag.as_ref().map_or(none, |name| name.as_ptr().cast_mut().cast()),
                    tag.is_none(),
                    if *flow { sys::YAML_FLOW_MAPPING_STYLE } else { sys::YAML_BLOCK_MAPPING_STYLE },
                )
            }
            EventKind::MappingEnd => sys::yaml_mapping_end_event_initialize(raw),
        }
    };
    done.ok
}

fn c_strings(properties: &Properties) -> Option<(Option<CString>, Option<CString>)> {
    let convert = |text: &Option<String>| text.as_deref().map(CString::new).transpose().ok();
    Some((convert(&properties.anchor)?, convert(&properties.tag)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Result<Vec<Event>, Refusal> {
        let mut parser = Parser::new(text);
        let mut events = Vec::new();
        loop {
            let event = parser.next_event()?;
            let end = event.kind == EventKind::StreamEnd;
            events.push(event);
            if end {
                return Ok(events);
            }
        }
    }

    #[test]
    fn offsets_are_bytes_even_after_wide_characters_and_a_byte_order_mark() {
        for prefix in ["", "\u{feff}"] {
            let text = format!("{prefix}中文: \"ü\"\nkey: {}\nlast: here\n", "é".repeat(100));
            let found: Vec<String> = events(&text)
                .unwrap()
                .iter()
                .filter(|event| matches!(event.kind, EventKind::Scalar { .. }))
                .map(|event| text[event.start..event.end].to_owned())
                .collect();
            assert_eq!(found, ["中文", "\"ü\"", "key", &"é".repeat(100), "last", "here"]);
        }
    }

    #[test]
    fn a_refusal_says_what_and_where() {
        let refusal = events("a: 1\n b: 2\n").unwrap_err();
        assert_eq!(
            (refusal.problem.as_str(), refusal.at),
            ("mapping values are not allowed in this context", 7)
        );
        let refusal = events("a: \u{1}\n").unwrap_err();
        assert_eq!((refusal.problem.as_str(), refusal.at), ("control characters are not allowed", 3));
    }

    #[test]
    fn what_the_parser_read_the_emitter_writes() {
        let text = "a:\n- 1\n- 'two'\n- \"\\t\"\n- &x !t {b: c}\n- *x\n- |\n  lines\n  more\n";
        let mut emitter = Emitter::new(Layout { indent: 2, width: 80, unicode: true, canonical: false });
        for event in events(text).unwrap() {
            emitter.emit(&event.kind).unwrap();
        }
        assert_eq!(emitter.finish(), text);
    }

    #[test]
    fn events_out_of_order_are_refused_and_free_their_memory() {
        let mut emitter = Emitter::new(Layout { indent: 2, width: 80, unicode: true, canonical: false });
        emitter.emit(&EventKind::StreamStart).unwrap();
        assert!(emitter.emit(&EventKind::MappingEnd).unwrap_err().contains("DOCUMENT-START"));
        assert!(emitter.emit(&EventKind::Alias("a\0b".into())).is_err());
    }
}
