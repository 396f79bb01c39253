//! The matching blocks of two sequences of lines, found as Python's `difflib.SequenceMatcher` finds them, so that diffs equal Ansible's.
//!
//! Ratcliff and Obershelp's "gestalt" matching: the longest common block, then the same to its left and to its right. In sequences of 200
//! lines and more, lines that make up over a hundredth of the second one do not begin a block.

use std::collections::HashMap;

/// A step from the first sequence to the second: which lines of each it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whether both sides are the same.
    pub(crate) equal: bool,
    /// First line of `a`, and one past the last.
    pub(crate) a: (usize, usize),
    /// First line of `b`, and one past the last.
    pub(crate) b: (usize, usize),
}

struct Matcher<'a> {
    a: &'a [&'a str],
    b: &'a [&'a str],
    /// Where each line of `b` stands, but for popular lines.
    places: HashMap<&'a str, Vec<usize>>,
}

#[derive(Clone, Copy)]
struct Block {
    a: usize,
    b: usize,
    size: usize,
}

/// The steps that turn `a` into `b`.
pub(crate) fn steps(a: &[&str], b: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut i, mut j) = (0, 0);
    for block in Matcher::new(a, b).blocks() {
        if i < block.a || j < block.b {
            steps.push(Step { equal: false, a: (i, block.a), b: (j, block.b) });
        }
        (i, j) = (block.a + block.size, block.b + block.size);
        if block.size > 0 {
            steps.push(Step { equal: true, a: (block.a, i), b: (block.b, j) });
        }
    }
    steps
}

impl<'a> Matcher<'a> {
    fn new(a: &'a [&'a str], b: &'a [&'a str]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, line) in b.iter().enumerate() {
            places.entry(line).or_default().push(at);
        }
        if b.len() >= 200 {
            let popular = b.len() / 100 + 1;
            places.retain(|_, at| at.len() <= popular);
        }
        Self { a, b, places }
    }

    /// Matching blocks in order, adjacent ones joined, with an empty one at the end.
    fn blocks(&self) -> Vec<Block> {
        let mut open = vec![((0, self.a.len()), (0, self.b.len()))];
        let mut found = Vec::new();
        while let Some((a, b)) = open.pop() {
            let block = self.longest(a, b);
            if block.size == 0 {
                continue;
            }
            found.push(block);
            open.push(((a.0, block.a), (b.0, block.b)));
            open.push(((block.a + block.size, a.1), (block.b + block.size, b.1)));
        }
        found.sort_by_key(|block| (block.a, block.b));
        let mut joined: Vec<Block> = Vec::new();
        for block in found {
            match joined.last_mut() {
                Some(last) if last.a + last.size == block.a && last.b + last.size == block.b => {
                    last.size += block.size
                }
                _ => joined.push(block),
            }
        }
        joined.push(Block { a: self.a.len(), b: self.b.len(), size: 0 });
        joined
    }

    /// The longest block in these ranges; of equal ones the first in `a`, then the first in `b`.
    fn longest(&self, a: (usize, usize), b: (usize, usize)) -> Block {
        let mut best = Block { a: a.0, b: b.0, size: 0 };
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for i in a.0..a.1 {
            let mut next = HashMap::new();
            for j in
                self.places.get(self.a[i]).into_iter().flatten().copied().filter(|j| (b.0..b.1).contains(j))
            {
                let size = if j == 0 { 1 } else { lengths.get(&(j - 1)).map_or(1, |size| size + 1) };
                next.insert(j, size);
                if size > best.size {
                    best = Block { a: i + 1 - size, b: j + 1 - size, size };
                }
            }
            lengths = next;
        }
        // Popular lines at the edges of a block belong to it.
        while best.a > a.0 && best.b > b.0 && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Block { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
        }
        while best.a + best.size < a.1
            && best.b + best.size < b.1
            && self.a[best.a + best.size] == self.b[best.b + best.size]
        {
            best.size += 1;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_both_sequences_without_gaps() {
        let steps = steps(&["a", "b", "c", "d"], &["x", "b", "c", "y", "d"]);
        let step = |equal, a, b| Step { equal, a, b };
        assert_eq!(
            steps,
            [
                step(false, (0, 1), (0, 1)),
                step(true, (1, 3), (1, 3)),
                step(false, (3, 3), (3, 4)),
                step(true, (3, 4), (4, 5)),
            ]
        );
    }

    #[test]
    fn nothing_has_no_steps() {
        assert!(steps(&[], &[]).is_empty());
    }
}
