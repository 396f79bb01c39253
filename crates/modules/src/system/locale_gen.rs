//! `community.general.locale_gen`: which locales the C library knows, by `/etc/locale.gen`.

use std::fs;
use std::path::Path;

use data::Value;

use crate::process::{Command, require_program};
use crate::{Arg, ArgType, Args, Context, Failure, ModuleSpec, Outcome, atomic_write};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "locale_gen",
    collection: "community.general",
    summary: "Creates or removes locales",
    args: &[
        Arg::list("name", ArgType::Str).required().help("The locales, such as `de_CH.UTF-8`."),
        Arg::str("state")
            .default_str("present")
            .choices(&["absent", "present"])
            .help("Whether they are to be there."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

const WANTED: &str = "/etc/locale.gen";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let wanted = Path::new(WANTED);
    if !wanted.exists() {
        return Err(Failure::new(format!("{WANTED} is missing. Is the package \"locales\" installed?")));
    }
    let names = args.strings("name");
    let supported =
        fs::read_to_string(SUPPORTED).map_err(|error| Failure::io("could not read", SUPPORTED, &error))?;
    let there = generated(context)?;
    let unknown: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !is_listed(name, &supported) && !there.contains(&same_case(name)))
        .collect();
    if !unknown.is_empty() {
        return Err(Failure::new(format!(
            "The following locales you have entered are not available on your system: {}",
            unknown.join(", ")
        )));
    }
    let present = args.str("state")? == "present";
    let changed = names.iter().all(|name| there.contains(&same_case(name))) != present;
    if changed && !context.check {
        let text =
            fs::read_to_string(wanted).map_err(|error| Failure::io("could not read", wanted, &error))?;
        atomic_write::write(wanted, choose(&text, &names, present).as_bytes(), false)?;
        let program = require_program("locale-gen", context)?;
        Command::new(program).plain_language().run_ok(context)?;
    }
    Ok(Outcome::new(changed)
        .with("name", names.into_iter().map(Value::from).collect::<Value>())
        .with("mechanism", "glibc")
        .with("ubuntu_mode", false))
}

/// The locales that are there, as [`same_case`] writes them.
fn generated(context: &mut Context) -> Result<Vec<String>, Failure> {
    let program = require_program("locale", context)?;
    let output = Command::new(program).arg("-a").plain_language().run_ok(context)?;
    Ok(output.stdout_text().lines().map(same_case).collect())
}

/// `locale -a` writes `de_CH.utf8` for what is called `de_CH.UTF-8` elsewhere: only letters and digits of the encoding count, in lower case.
fn same_case(name: &str) -> String {
    let (base, modifier) = name.split_once('@').map_or((name, None), |(base, end)| (base, Some(end)));
    let (place, encoding) =
        base.split_once('.').map_or((base, None), |(place, encoding)| (place, Some(encoding)));
    let mut same = place.to_owned();
    if let Some(encoding) = encoding {
        same.push('.');
        same.extend(encoding.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
    }
    if let Some(modifier) = modifier {
        same.push('@');
        same.push_str(modifier);
    }
    same
}

/// Whether a line of a list names the locale.
fn is_listed(name: &str, list: &str) -> bool {
    list.lines().any(|line| line_names(line) == Some(name))
}

/// The locale of a line such as `# de_CH.UTF-8 UTF-8`.
fn line_names(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mut words = line.strip_prefix('#').unwrap_or(line).split_whitespace();
    let name = words.next()?;
    words.next().filter(|_| words.next().is_none()).map(|_| name)
}

/// The list with these locales switched on or off.
fn choose(text: &str, names: &[&str], on: bool) -> String {
    let line = |line: &str| match line_names(line).filter(|name| names.contains(name)) {
        Some(name) => {
            let charset = line.split_whitespace().next_back().unwrap_or_default();
            format!("{}{name} {charset}\n", if on { "" } else { "# " })
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_the_same_however_they_are_written() {
        for (one, other) in [
            ("de_CH.UTF-8", "de_CH.utf8"),
            ("ja_JP.EUC-JP", "ja_JP.eucjp"),
            ("de_DE.ISO-8859-15@euro", "de_DE.iso885915@euro"),
        ] {
            assert_eq!(same_case(one), same_case(other));
        }
        assert_ne!(same_case("C.UTF-8"), same_case("C"));
    }

    #[test]
    fn lines_are_switched_and_others_kept() {
        let text = "# This file lists locales\n# de_CH.UTF-8 UTF-8\n#en_GB.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n";
        let on = choose(text, &["de_CH.UTF-8", "en_GB.UTF-8"], true);
        assert_eq!(
            on,
            "# This file lists locales\nde_CH.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\nen_US.UTF-8 UTF-8\n"
        );
        assert_eq!(choose(&on, &["en_US.UTF-8"], false).lines().last(), Some("# en_US.UTF-8 UTF-8"));
        assert!(is_listed("de_CH.UTF-8", text) && !is_listed("de_CH", text));
    }
}
