//! Headlines: text, a space, and stars up to the width of the screen.

use unicode_width::UnicodeWidthStr;

/// Width of headlines: one less than the terminal's, at least Ansible's 79.
pub(crate) fn columns() -> usize {
    let terminal =
        rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    terminal.saturating_sub(1).max(79)
}

/// A headline after an empty line, without a line break at its end.
pub(crate) fn banner(text: &str, columns: usize) -> String {
    let text = text.trim();
    let stars = columns.saturating_sub(text.width()).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_fill_the_line_and_wide_characters_count_twice() {
        assert_eq!(banner("PLAY [a]", 12), "\nPLAY [a] ****");
        assert_eq!(banner("中文", 8), "\n中文 ****");
        assert_eq!(banner("a very long headline", 10), "\na very long headline ***");
    }
}
