//! Ansible's colors, by what they mean, and whether to use them.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Effects, Style};

/// What a text means; decides its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Ok,
    Changed,
    Error,
    Unreachable,
    Skip,
    Warning,
    Debug,
    Verbose,
    DiffAdd,
    DiffRemove,
    DiffLines,
}

impl Ink {
    fn style(self) -> Style {
        let normal = |color: AnsiColor| color.on_default();
        let bright = |color: AnsiColor| color.on_default().effects(Effects::BOLD);
        match self {
            Self::Ok | Self::DiffAdd => normal(AnsiColor::Green),
            Self::Changed => normal(AnsiColor::Yellow),
            Self::Error | Self::DiffRemove => normal(AnsiColor::Red),
            Self::Unreachable => bright(AnsiColor::Red),
            Self::Skip | Self::DiffLines => normal(AnsiColor::Cyan),
            Self::Warning => bright(AnsiColor::Magenta),
            Self::Debug => bright(AnsiColor::Black),
            Self::Verbose => normal(AnsiColor::Blue),
        }
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
    if set("NO_COLOR") || set("ANSIBLE_NOCOLOR") {
        return false;
    }
    std::io::stdout().is_terminal() || set("ANSIBLE_FORCE_COLOR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_painted_on_its_own() {
        assert_eq!(Ink::Ok.paint("a\nb\n"), "\u{1b}[32ma\u{1b}[0m\n\u{1b}[32mb\u{1b}[0m\n");
    }
}
