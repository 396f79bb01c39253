//! `serial`: the hosts of a play in batches.

use data::{Diagnostic, Value};

use crate::event::HostName;

/// Splits the hosts by the sizes in order; the last size repeats. A size of 0 or less takes all that are left.
///
/// # Errors
/// A size that is neither a number nor a percentage.
pub(crate) fn split(hosts: Vec<HostName>, sizes: &[Value]) -> Result<Vec<Vec<HostName>>, Diagnostic> {
    let total = hosts.len();
    let sizes = sizes
        .iter()
        .filter(|size| !template::is_omit(size))
        .map(|size| size_of(size, total))
        .collect::<Result<Vec<i128>, _>>()?;
    let mut batches = Vec::new();
    let mut left = hosts.as_slice();
    let mut at = 0;
    while !left.is_empty() {
        let size = sizes.get(at).or(sizes.last()).copied().unwrap_or(-1);
        let count = usize::try_from(size).ok().filter(|size| *size > 0).unwrap_or(left.len()).min(left.len());
        let (batch, rest) = left.split_at(count);
        batches.push(batch.to_vec());
        left = rest;
        at += 1;
    }
    Ok(batches)
}

/// A number, or a percentage of the hosts, at least one.
fn size_of(size: &Value, total: usize) -> Result<i128, Diagnostic> {
    let wrong = || {
        Diagnostic::error(format!("`serial` takes numbers or percentages, not `{}`", data::python::str(size)))
    };
    match size {
        Value::Int(number) => Ok(*number),
        Value::Float(number) => Ok(*number as i128),
        Value::Str(text) => {
            let text = text.trim();
            match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
                    Ok(((percent / 100.0 * total as f64) as i128).max(1))
                }
                None => text.parse().map_err(|_| wrong()),
            }
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_taken_in_order_and_the_last_repeats() {
        let hosts = |count: usize| (0..count).map(|at| HostName::from(format!("h{at}"))).collect::<Vec<_>>();
        let cases: &[(usize, &[Value], &[usize])] = &[
            (5, &[], &[5]),
            (5, &[Value::Int(2)], &[2, 2, 1]),
            (6, &[Value::Int(1), Value::Int(2)], &[1, 2, 2, 1]),
            (10, &[Value::from("30%")], &[3, 3, 3, 1]),
            (3, &[Value::from("10%")], &[1, 1, 1]),
            (4, &[Value::Int(0)], &[4]),
            (0, &[Value::Int(1)], &[]),
            (3, &[template::omit()], &[3]),
        ];
        for (count, sizes, expected) in cases {
            let batches = split(hosts(*count), sizes).unwrap();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), *expected, "{count} by {sizes:?}");
        }
        assert!(split(hosts(1), &[Value::from("x")]).is_err());
    }
}
