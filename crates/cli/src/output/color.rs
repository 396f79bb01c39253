//! Ansible's colors, by what they mean, and whether to use them.

use std::io::IsTerminal;

use std::collections::HashMap;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Effects, Style};

use crate::settings::Settings;

/// What a text means; decides its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ink {
    Ok,
    Changed,
    Error,
    Unreachable,
    Skip,
    Included,
    Warning,
    Debug,
    Verbose,
    DiffAdd,
    DiffRemove,
    DiffLines,
}

/// Every ink with the setting of its color and Ansible's default.
const INKS: [(Ink, &str, &str); 12] = [
    (Ink::Ok, "COLOR_OK", "green"),
    (Ink::Changed, "COLOR_CHANGED", "yellow"),
    (Ink::Error, "COLOR_ERROR", "red"),
    (Ink::Unreachable, "COLOR_UNREACHABLE", "bright red"),
    (Ink::Skip, "COLOR_SKIP", "cyan"),
    (Ink::Included, "COLOR_INCLUDED", "cyan"),
    (Ink::Warning, "COLOR_WARN", "bright purple"),
    (Ink::Debug, "COLOR_DEBUG", "dark gray"),
    (Ink::Verbose, "COLOR_VERBOSE", "blue"),
    (Ink::DiffAdd, "COLOR_DIFF_ADD", "green"),
    (Ink::DiffRemove, "COLOR_DIFF_REMOVE", "red"),
    (Ink::DiffLines, "COLOR_DIFF_LINES", "cyan"),
];

/// The colors of this process, once the settings have said them.
static COLORS: OnceLock<HashMap<Ink, Style>> = OnceLock::new();

/// Takes the colors of the settings; the first call counts.
pub(crate) fn paint_as(settings: &Settings) {
    let style = |(ink, name, default): &(Ink, &str, &str)| {
        let word = settings.text(name);
        (*ink, word.and_then(|word| named(&word)).or_else(|| named(default)).unwrap_or_default())
    };
    // A second run of one process looks as the first.
    let _ = COLORS.set(INKS.iter().map(style).collect());
}

/// A color by Ansible's word for it.
fn named(word: &str) -> Option<Style> {
    let (bright, color) = match word {
        "normal" => return Some(Style::new()),
        "dark gray" => (true, "black"),
        "white" => (true, "gray"),
        "bright gray" => (false, "gray"),
        word => match word.strip_prefix("bright ") {
            Some(color) => (true, color),
            None => (false, word),
        },
    };
    let color = match color {
        "black" => AnsiColor::Black,
        "gray" => AnsiColor::White,
        "red" => AnsiColor::Red,
        "green" => AnsiColor::Green,
        "yellow" => AnsiColor::Yellow,
        "blue" => AnsiColor::Blue,
        "purple" | "magenta" => AnsiColor::Magenta,
        "cyan" => AnsiColor::Cyan,
        _ => return None,
    };
    Some(if bright { color.on_default().effects(Effects::BOLD) } else { color.on_default() })
}

impl Ink {
    fn style(self) -> Style {
        if let Some(style) = COLORS.get().and_then(|colors| colors.get(&self)) {
            return *style;
        }
        let default = INKS.iter().find(|(ink, ..)| *ink == self).map(|(_, _, word)| *word);
        default.and_then(named).unwrap_or_default()
    }

    /// The text in this color, line by line so that pagers and logs keep it.
    pub(crate) fn paint(self, text: &str) -> String {
        let style = self.style();
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| if line.is_empty() { String::new() } else { format!("{style}{line}{style:#}") })
            .collect();
        lines.join("\n")
    }
}

/// Whether standard output gets colors: a terminal, or `ANSIBLE_FORCE_COLOR`; never with `NO_COLOR` or `ANSIBLE_NOCOLOR`.
pub(crate) fn wanted() -> bool {
    let set = |name: &str| {
        std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
    };
    wanted_by(set("NO_COLOR") || set("ANSIBLE_NOCOLOR"), set("ANSIBLE_FORCE_COLOR"))
}

/// [`wanted`] where the settings have been read.
pub(crate) fn wanted_by(never: bool, always: bool) -> bool {
    !never && (std::io::stdout().is_terminal() || always)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_has_a_color_that_there_is() {
        for (ink, name, word) in INKS {
            assert!(named(word).is_some(), "{ink:?}");
            let known = crate::settings::table::all().find(|setting| setting.name == name);
            assert_eq!(known.and_then(|setting| setting.default), Some(word), "{name}");
        }
        assert_eq!(named("mauve"), None);
    }

    #[test]
    fn every_line_is_painted_on_its_own() {
        assert_eq!(Ink::Ok.paint("a\nb\n"), "\u{1b}[32ma\u{1b}[0m\n\u{1b}[32mb\u{1b}[0m\n");
    }
}
