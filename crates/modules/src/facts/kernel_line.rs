//! The `cmdline` and `proc_cmdline` facts: the kernel's command line, with the last and with all values of each word.

use data::{Map, Value};

use super::files;

/// `cmdline` and `proc_cmdline`.
pub(super) fn kernel_line() -> Map {
    files::content("/proc/cmdline").map(|line| parse(&line)).unwrap_or_default()
}

fn parse(line: &str) -> Map {
    let (mut last, mut all) = (Map::new(), Map::new());
    for word in split(line) {
        let Some((key, value)) = word.split_once('=') else {
            last.insert(word.as_str(), true);
            all.insert(word.as_str(), true);
            continue;
        };
        last.insert(key, value);
        let joined = match all.get(key) {
            None => Value::from(value),
            Some(Value::List(list)) => list.iter().cloned().chain([value.into()]).collect(),
            Some(one) => [one.clone(), value.into()].into_iter().collect(),
        };
        all.insert(key, joined);
    }
    Map::from([("cmdline", last), ("proc_cmdline", all)])
}

/// Words split at white space outside quotes; the quotes stay (Python's `shlex.split(posix=False)`).
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_all_are_kept() {
        let facts = parse("ro console=tty0 console=ttyS0 console=ttyS1 init=\"/bin/x y\"");
        let last = facts.get("cmdline").unwrap();
        assert_eq!(last.get("ro"), Some(&Value::from(true)));
        assert_eq!(last.get("console"), Some(&Value::from("ttyS1")));
        assert_eq!(last.get("init"), Some(&Value::from("\"/bin/x y\"")));
        assert_eq!(facts.get("proc_cmdline").unwrap().get("console").unwrap().as_list().unwrap().len(), 3);
    }
}
