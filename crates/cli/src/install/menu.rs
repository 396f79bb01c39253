//! What `./install.sh` asks a person: the menu that users of the 2.x installer know, and whether the prerequisites are met.

use std::io::{self, BufRead, Write};

use super::args::Mode;

const MENU: &str = "\
################################################
         KubeSphere Installer Menu
################################################
*   1) All-in-one
*   2) Multi-node
*   3) Quit
################################################
";

const PREREQUISITES: &str = "\
Prerequisites
  1. The hosts are clean installations; sshd runs on each, and you can become root there.
  2. Masters have at least 2 CPUs and 4 GB of memory for a minimal KubeSphere, all hosts 40 GB of disk.
  3. With more than one master, a load balancer is set in vars.yml (loadbalancer_apiserver or internal_lb).
  4. Name servers and clocks of the hosts work; storage that vars.yml names can be reached.
  5. The ports between the hosts are open (docs/guide.md lists them). All of this is checked before anything changes.
";

/// Shows the menu until one of its entries is chosen; `None` is "Quit", or the end of the input.
pub(crate) fn choose_mode(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Option<Mode>> {
    write!(output, "{MENU}")?;
    loop {
        match ask(input, output, "Please input an option: ")?.as_deref() {
            Some("1") => return Ok(Some(Mode::AllInOne)),
            Some("2") => return Ok(Some(Mode::MultiNode)),
            Some("3") => {
                writeln!(output, "quit successful!")?;
                return Ok(None);
            }
            None => return Ok(None),
            Some(other) => writeln!(output, "`{other}` is not on the menu: input 1, 2 or 3")?,
        }
    }
}

/// Shows the prerequisites and asks whether they are met, until the answer is exactly yes or no. The end of the input is no.
pub(crate) fn confirm_prerequisites(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    writeln!(output, "\n{PREREQUISITES}")?;
    confirm(input, output, "Please ensure that your environment has met the above requirements")
}

/// Asks a question until the answer is exactly yes or no.
pub(crate) fn confirm(input: &mut impl BufRead, output: &mut impl Write, question: &str) -> io::Result<bool> {
    loop {
        match ask(input, output, &format!("{question}  (yes/no) "))?.as_deref() {
            Some("yes") => return Ok(true),
            Some("no") | None => return Ok(false),
            Some(_) => {}
        }
    }
}

fn ask(input: &mut impl BufRead, output: &mut impl Write, prompt: &str) -> io::Result<Option<String>> {
    write!(output, "{prompt}")?;
    output.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        writeln!(output)?;
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(typed: &str) -> (Option<Mode>, String) {
        let mut screen = Vec::new();
        let mode = choose_mode(&mut typed.as_bytes(), &mut screen).unwrap();
        (mode, String::from_utf8(screen).unwrap())
    }

    #[test]
    fn the_menu_knows_three_entries_and_asks_again_for_others() {
        assert_eq!(menu("1\n").0, Some(Mode::AllInOne));
        assert_eq!(menu("2\n").0, Some(Mode::MultiNode));
        let (mode, screen) = menu("9\n3\n");
        assert_eq!(mode, None);
        assert!(
            screen.contains("`9` is not on the menu") && screen.ends_with("quit successful!\n"),
            "{screen}"
        );
        assert_eq!(menu("").0, None, "the end of the input is quit");
    }

    #[test]
    fn only_yes_and_no_answer_the_question() {
        let mut screen = Vec::new();
        assert!(confirm(&mut "y\nYES\nyes\n".as_bytes(), &mut screen, "Go").unwrap());
        assert_eq!(String::from_utf8(screen).unwrap().matches("(yes/no)").count(), 3);
        assert!(!confirm(&mut "no\n".as_bytes(), &mut Vec::new(), "Go").unwrap());
        assert!(!confirm(&mut "".as_bytes(), &mut Vec::new(), "Go").unwrap());
    }
}
