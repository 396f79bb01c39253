//! `union`, `intersect`, `difference` and `symmetric_difference`. Ansible makes Python's sets of both lists where it can, so the result has the
//! order of a set. Numbers stand in it where CPython's table has them; text, whose place is another one in each run of Python, stays in the
//! order of first appearance.

use std::collections::HashSet;

use data::Key;

use crate::args::Bound;
use crate::eval::{Eval, binary};
use crate::filters::sequence::distinct;
use crate::ir::Operator;
use crate::registry::Filter;
use crate::val::{Res, Val, contains, key_of, key_value};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("union", &["b"], |ev, a, args| run(ev, Kind::Union, a, args)),
    Filter::new("intersect", &["b"], |ev, a, args| run(ev, Kind::Intersect, a, args)),
    Filter::new("difference", &["b"], |ev, a, args| run(ev, Kind::Difference, a, args)),
    Filter::new("symmetric_difference", &["b"], |ev, a, args| run(ev, Kind::Symmetric, a, args)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Union,
    Intersect,
    Difference,
    Symmetric,
}

fn run(ev: &Eval<'_>, kind: Kind, a: &Val, args: &Bound) -> Res<Val> {
    let b = &args.val(0);
    let (one, two) = (ev.items(a)?, ev.items(b)?);
    ev.spend(one.len() + two.len(), 0)?;
    let keys = |items: &[Val]| items.iter().map(|item| key_of(ev, item).ok()).collect::<Option<Vec<Key>>>();
    Ok(match (keys(&one), keys(&two)) {
        (Some(one), Some(two)) => {
            let found = match (numbered(&one), numbered(&two)) {
                (Some(one), Some(two)) => of_numbers(kind, &one, &two),
                _ => of_keys(kind, &one, &two),
            };
            Val::list(found.iter().map(key_value).collect())
        }
        _ => Val::list(of_values(ev, kind, a, b)?),
    })
}

/// What cannot be in a set is compared item by item, in the order of the lists.
fn of_values(ev: &Eval<'_>, kind: Kind, a: &Val, b: &Val) -> Res<Vec<Val>> {
    let kept = |a: &Val, b: &Val, inside: bool| -> Res<Vec<Val>> {
        let mut kept = Vec::new();
        for item in ev.items(a)? {
            ev.spend(1, 0)?;
            if contains(ev, b, &item)? == inside {
                kept.push(item);
            }
        }
        Ok(kept)
    };
    let unique = |items: Vec<Val>| distinct(ev, items, |item| Ok(item.clone()));
    match kind {
        Kind::Intersect => unique(kept(a, b, true)?),
        Kind::Difference => unique(kept(a, b, false)?),
        Kind::Union => unique(ev.items(&binary(ev, Operator::Add, a, b)?)?),
        Kind::Symmetric => {
            let common = Val::list(unique(kept(a, b, true)?)?);
            let all = Val::list(of_values(ev, Kind::Union, a, b)?);
            kept(&all, &common, false)
        }
    }
}

fn of_keys(kind: Kind, one: &[Key], two: &[Key]) -> Vec<Key> {
    let (left, right): (HashSet<&Key>, HashSet<&Key>) = (one.iter().collect(), two.iter().collect());
    let mut seen = HashSet::new();
    one.iter()
        .filter(|key| match kind {
            Kind::Union => true,
            Kind::Intersect => right.contains(key),
            Kind::Difference | Kind::Symmetric => !right.contains(key),
        })
        .chain(two.iter().filter(|key| match kind {
            Kind::Union => true,
            Kind::Symmetric => !left.contains(key),
            Kind::Intersect | Kind::Difference => false,
        }))
        .filter(|key| seen.insert(*key))
        .cloned()
        .collect()
}

/// A key with Python's hash.
type Hashed = (u64, Key);

/// The keys with their hashes if all are whole numbers.
fn numbered(keys: &[Key]) -> Option<Vec<Hashed>> {
    keys.iter()
        .map(|key| {
            let number = match key {
                Key::Int(number) => *number,
                Key::Bool(flag) => i128::from(*flag),
                Key::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => *number as i128,
                _ => return None,
            };
            // As CPython: the rest by a Mersenne prime, and never -1.
            let hash = (number % ((1 << 61) - 1)) as i64;
            Some((if hash == -1 { -2_i64 } else { hash } as u64, key.clone()))
        })
        .collect()
}

fn of_numbers(kind: Kind, one: &[Hashed], two: &[Hashed]) -> Vec<Key> {
    let (left, right) = (Set::of(one), Set::of(two));
    let result = match kind {
        Kind::Union => {
            let mut result = left.copy();
            result.merge(&right);
            result
        }
        // CPython walks over the shorter of the two.
        Kind::Intersect => {
            let (walked, other) = if right.used > left.used { (&left, &right) } else { (&right, &left) };
            Set::of(walked.keys().filter(|key| other.has(key)))
        }
        // ... and copies the left one when it is much longer.
        Kind::Difference if left.used >> 2 > right.used => {
            let mut result = left.copy();
            right.keys().for_each(|key| result.remove(key));
            result
        }
        Kind::Difference => Set::of(left.keys().filter(|key| !right.has(key))),
        Kind::Symmetric => {
            let mut result = right.copy();
            for key in left.keys() {
                if result.has(key) {
                    result.remove(key);
                } else {
                    result.add(key);
                }
            }
            result
        }
    };
    result.keys().map(|(_, key)| key.clone()).collect()
}

/// One place of the table.
#[derive(Clone)]
enum Slot {
    Free,
    /// Something was removed here.
    Removed,
    Taken(Hashed),
}

/// CPython's hash table of a set (`Objects/setobject.c`): its order is that of the table.
#[derive(Clone)]
struct Set {
    table: Vec<Slot>,
    /// Places that are not free.
    fill: usize,
    used: usize,
}

const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const LEAST: usize = 8;

impl Set {
    fn empty() -> Self {
        Self { table: vec![Slot::Free; LEAST], fill: 0, used: 0 }
    }

    fn of<'k>(keys: impl IntoIterator<Item = &'k Hashed>) -> Self {
        let mut set = Self::empty();
        keys.into_iter().for_each(|key| set.add(key));
        set
    }

    fn keys(&self) -> impl Iterator<Item = &Hashed> {
        self.table.iter().filter_map(|slot| match slot {
            Slot::Taken(key) => Some(key),
            _ => None,
        })
    }

    /// The place, in the order of CPython's search, that holds the key, or where it would go: the last place passed that something was removed
    /// from, else the first that was never taken.
    fn find(&self, (hash, key): &Hashed) -> usize {
        let mut removed = None;
        let mask = self.table.len() - 1;
        let mut perturb = *hash;
        let mut at = *hash as usize & mask;
        loop {
            let last = if at + LINEAR_PROBES <= mask { at + LINEAR_PROBES } else { at };
            for place in at..=last {
                match &self.table[place] {
                    Slot::Free => return removed.unwrap_or(place),
                    Slot::Taken((other, known)) if other == hash && known == key => return place,
                    Slot::Removed => removed = Some(place),
                    Slot::Taken(_) => {}
                }
            }
            perturb >>= PERTURB_SHIFT;
            at = (at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize)) & mask;
        }
    }

    fn has(&self, key: &Hashed) -> bool {
        matches!(self.table[self.find(key)], Slot::Taken(_))
    }

    fn add(&mut self, key: &Hashed) {
        let place = self.find(key);
        match std::mem::replace(&mut self.table[place], Slot::Taken(key.clone())) {
            Slot::Taken(known) => {
                // The first of equal keys stays.
                self.table[place] = Slot::Taken(known);
                return;
            }
            Slot::Removed => {
                self.used += 1;
                return;
            }
            Slot::Free => {}
        }
        self.fill += 1;
        self.used += 1;
        if self.fill * 5 >= (self.table.len() - 1) * 3 {
            self.resize(if self.used > 50_000 { self.used * 2 } else { self.used * 4 });
        }
    }

    fn remove(&mut self, key: &Hashed) {
        let place = self.find(key);
        if let Slot::Taken(_) = self.table[place] {
            self.table[place] = Slot::Removed;
            self.used -= 1;
        }
    }

    /// A new table of more than so many places.
    fn resize(&mut self, least: usize) {
        let mut size = LEAST;
        while size <= least {
            size <<= 1;
        }
        let old = std::mem::replace(&mut self.table, vec![Slot::Free; size]);
        self.fill = self.used;
        for slot in old {
            if let Slot::Taken(key) = slot {
                let place = self.find(&key);
                self.table[place] = Slot::Taken(key);
            }
        }
    }

    fn copy(&self) -> Self {
        let mut copy = Self::empty();
        copy.merge(self);
        copy
    }

    fn merge(&mut self, other: &Self) {
        if (self.fill + other.used) * 5 >= (self.table.len() - 1) * 3 {
            self.resize((self.used + other.used) * 2);
        }
        if self.fill == 0 && self.table.len() == other.table.len() && other.fill == other.used {
            self.clone_from(other);
            return;
        }
        other.keys().for_each(|key| self.add(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: Kind, one: &[i128], two: &[i128]) -> Vec<i128> {
        let keys = |numbers: &[i128]| {
            numbered(&numbers.iter().map(|number| Key::Int(*number)).collect::<Vec<_>>()).unwrap()
        };
        let found = of_numbers(kind, &keys(one), &keys(two));
        found
            .iter()
            .map(|key| match key {
                Key::Int(number) => *number,
                other => panic!("{other}"),
            })
            .collect()
    }

    #[test]
    fn numbers_stand_where_cpython_has_them() {
        // Asked of Python 3.11.
        assert_eq!(order(Kind::Union, &[443, 80], &[8080, 22]), [80, 443, 8080, 22]);
        assert_eq!(order(Kind::Difference, &[9, 1, 8, 3], &[3]), [8, 9, 1]);
        assert_eq!(order(Kind::Intersect, &[3, 2, 1, 17], &[17, 3, 5]), [17, 3]);
        assert_eq!(order(Kind::Symmetric, &[-1, 5, 100], &[5, -3]), [-3, 100, -1]);
        assert_eq!(order(Kind::Symmetric, &[9, 17, 33, 1], &[0, 1, 2, 3]), [0, 33, 2, 3, 9, 17]);
    }
}
