//! Ranges in host names: `web[01:20:2]`, `db-[a:f]`, several in one name, expanded as Ansible expands them.

use std::ops::ControlFlow;

use thiserror::Error;

/// More hosts than this from one pattern are taken for a mistake; it keeps memory bounded on hostile input.
const LIMIT: usize = 1_000_000;

/// Why a range cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RangeError {
    /// The brackets do not hold `begin:end` or `begin:end:step`.
    #[error("a host range is written `[begin:end]` or `[begin:end:step]`")]
    Form,
    /// `[3:]`
    #[error("host range must specify end value")]
    End,
    /// `[01:100]`
    #[error("host range must specify equal-length begin and end formats")]
    Length,
    /// `[d:a]`
    #[error("host range must have begin <= end")]
    Order,
    /// `[1:9:0]`
    #[error("the step must be a number other than 0")]
    Step,
    /// Begin or end is neither a number nor a letter.
    #[error("`{0}` is not a number or a letter")]
    Number(String),
    /// Expansion would not end in reasonable memory.
    #[error("the range makes more than {LIMIT} hosts")]
    Limit,
}

/// All host names that `pattern` stands for: itself when it has no range.
pub(crate) fn expand(pattern: &str) -> Result<Vec<String>, RangeError> {
    if !pattern.contains('[') {
        return Ok(vec![pattern.to_owned()]);
    }
    let mut names = Vec::new();
    expand_into(pattern, &mut names, &mut LIMIT.clone())?;
    Ok(names)
}

/// `budget` counts steps, not names: a range of ranges may go on for long without making a single name.
fn expand_into(pattern: &str, names: &mut Vec<String>, budget: &mut usize) -> Result<(), RangeError> {
    *budget = budget.checked_sub(1).ok_or(RangeError::Limit)?;
    let Some(open) = pattern.find('[') else {
        names.push(pattern.to_owned());
        return Ok(());
    };
    let close = pattern.find(']').filter(|close| *close > open).ok_or(RangeError::Form)?;
    let (head, tail) = (&pattern[..open], &pattern[close + 1..]);
    let range = Range::parse(&pattern[open + 1..close])?;
    let mut result = Ok(());
    let _ = range.each(|item| {
        result = expand_into(&format!("{head}{item}{tail}"), names, budget);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    result
}

/// A parsed range.
enum Range {
    Letters { letters: Vec<char> },
    Numbers { begin: i64, end: i64, step: i64, width: usize },
}

impl Range {
    fn parse(inner: &str) -> Result<Self, RangeError> {
        let bounds: Vec<&str> = inner.split(':').collect();
        let (begin, end, step) = match bounds[..] {
            [begin, end] => (begin, end, "1"),
            [begin, end, step] => (begin, end, step),
            _ => return Err(RangeError::Form),
        };
        let begin = if begin.is_empty() { "0" } else { begin };
        if end.is_empty() {
            return Err(RangeError::End);
        }
        let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
        if width > 0 && width != end.len() {
            return Err(RangeError::Length);
        }
        if let (Some(from), Some(to)) = (letter(begin), letter(end)) {
            return Self::letters(from, to, step);
        }
        let step = number(step).ok().filter(|step| *step != 0).ok_or(RangeError::Step)?;
        Ok(Self::Numbers { begin: number(begin)?, end: number(end)?, step, width })
    }

    fn letters(from: usize, to: usize, step: &str) -> Result<Self, RangeError> {
        if from > to {
            return Err(RangeError::Order);
        }
        let step = step.trim().parse().ok().filter(|step| *step > 0).ok_or(RangeError::Step)?;
        Ok(Self::Letters { letters: LETTERS.chars().take(to + 1).skip(from).step_by(step).collect() })
    }

    /// Calls `visit` with each item until it breaks.
    fn each(&self, mut visit: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
        match self {
            Self::Letters { letters } => {
                letters.iter().try_for_each(|letter| visit(letter.encode_utf8(&mut [0; 4])))
            }
            Self::Numbers { begin, end, step, width } => {
                // Python's `range(begin, end + 1, step)`: the end is excluded in the direction of the step.
                let stop = end.saturating_add(1);
                let mut at = *begin;
                while if *step > 0 { at < stop } else { at > stop } {
                    visit(&format!("{at:0width$}"))?;
                    let Some(next) = at.checked_add(*step) else { break };
                    at = next;
                }
                ControlFlow::Continue(())
            }
        }
    }
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The position of a letter in the alphabet that Ansible counts in: lower case, then upper case.
fn letter(text: &str) -> Option<usize> {
    LETTERS.find(text)
}

fn number(text: &str) -> Result<i64, RangeError> {
    text.trim().parse().map_err(|_| RangeError::Number(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_expand_with_steps_padding_and_letters() {
        for (pattern, names) in [
            ("web", vec!["web"]),
            ("web[1:3]", vec!["web1", "web2", "web3"]),
            ("web[01:03].x", vec!["web01.x", "web02.x", "web03.x"]),
            ("web[008:010]", vec!["web008", "web009", "web010"]),
            ("web[1:6:2]", vec!["web1", "web3", "web5"]),
            ("db-[a:c]", vec!["db-a", "db-b", "db-c"]),
            ("db-[a:e:2]", vec!["db-a", "db-c", "db-e"]),
            ("z[y:B]", vec!["zy", "zz", "zA", "zB"]),
            ("r[1:2]n[a:b]", vec!["r1na", "r1nb", "r2na", "r2nb"]),
            ("w[:1]", vec!["w0", "w1"]),
            ("w[3:1]", vec![]),
        ] {
            assert_eq!(expand(pattern).unwrap(), names, "{pattern}");
        }
    }

    #[test]
    fn wrong_ranges_say_why() {
        for (pattern, error) in [
            ("web[1-3]", RangeError::Form),
            ("web[1:2:3:4]", RangeError::Form),
            ("web[1:3", RangeError::Form),
            ("web]1[", RangeError::Form),
            ("web[1:]", RangeError::End),
            ("web[01:100]", RangeError::Length),
            ("web[c:a]", RangeError::Order),
            ("web[1:x]", RangeError::Number("x".to_owned())),
            ("web[1:3:0]", RangeError::Step),
            ("db[a:c:x]", RangeError::Step),
            ("web[1:2000000]", RangeError::Limit),
        ] {
            assert_eq!(expand(pattern), Err(error), "{pattern}");
        }
    }

    #[test]
    fn nested_ranges_end_at_the_limit() {
        assert_eq!(expand("a[1:2000][1:2000][1:2000]"), Err(RangeError::Limit));
        assert_eq!(expand("a[1:99999999999][3:1]"), Err(RangeError::Limit));
    }
}
