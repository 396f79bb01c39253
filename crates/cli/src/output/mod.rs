//! What a run's events look like: Ansible's text, one line of JSON an event, times. Each form is a file and an [`EventSink`].

mod ansible_text;
pub(crate) mod banner;
mod color;
mod display;
mod excerpt;
mod json_lines;
mod junit;
mod log_stamp;
mod minimal;
mod profile;
mod recap;
mod result_text;
mod retry_file;
mod run_json;
mod screen;
mod sequence;
mod text_diff;
mod timer;
mod tree;
mod visible;

use std::io;

use runner::Event;

pub(crate) use ansible_text::{AnsibleText, TextOptions};
pub(crate) use display::Display;
pub(crate) use json_lines::JsonLines;
pub(crate) use log_stamp::LogStamp;
pub(crate) use minimal::Minimal;
pub(crate) use profile::Profile;
pub(crate) use result_text::masked;
pub(crate) use screen::{ad_hoc_screen, screen};
pub(crate) use tree::Tree;
pub(crate) use visible::visible;

/// Takes the events of a run, in order, and shows them in its way.
pub(crate) trait EventSink {
    /// Takes one event.
    ///
    /// # Errors
    /// The screen or file cannot be written to.
    fn event(&mut self, event: &Event) -> io::Result<()>;
}

/// Several sinks as one: a screen and a log, for example.
#[derive(Default)]
pub(crate) struct Fan(Vec<Box<dyn EventSink>>);

impl Fan {
    /// Adds one more.
    pub(crate) fn add(&mut self, sink: impl EventSink + 'static) {
        self.0.push(Box::new(sink));
    }
}

impl EventSink for Fan {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.event(event))
    }
}
