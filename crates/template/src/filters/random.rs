//! `random` and `shuffle`; with a seed the same numbers as Python's generator (MT19937) gives.

use sha2::Digest as _;

use crate::args::Bound;
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("random", &["start?", "step?", "seed?"], random),
    Filter::new("shuffle", &["seed?"], shuffle),
];

const SIZE: usize = 624;

/// A source of numbers: the system's, or Python's `random.Random(seed)`.
pub(crate) enum Random {
    System,
    Seeded(Box<Twister>),
}

/// The Mersenne Twister of Matsumoto and Nishimura, as Python seeds it.
pub(crate) struct Twister {
    state: [u32; SIZE],
    at: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [0; SIZE];
        state[0] = seed;
        for at in 1..SIZE {
            let before: u32 = state[at - 1];
            state[at] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(at as u32);
        }
        Self { state, at: SIZE }
    }

    fn by_key(key: &[u32]) -> Self {
        let mut this = Self::new(19_650_218);
        let state = &mut this.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ mixed).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..SIZE - 1 {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ mixed).wrapping_sub(i as u32);
            i += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        this
    }

    fn next(&mut self) -> u32 {
        if self.at >= SIZE {
            for at in 0..SIZE {
                let bits = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % SIZE] & 0x7fff_ffff);
                let odd = if bits & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[at] = self.state[(at + 397) % SIZE] ^ (bits >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut number = self.state[self.at];
        self.at += 1;
        number ^= number >> 11;
        number ^= (number << 7) & 0x9d2c_5680;
        number ^= (number << 15) & 0xefc6_0000;
        number ^ (number >> 18)
    }

    fn bits(&mut self, count: u32) -> u128 {
        let mut number = 0;
        let mut left = count;
        let mut shift = 0;
        while left > 0 {
            let part = self.next();
            let take = left.min(32);
            number |= u128::from(part >> (32 - take)) << shift;
            shift += 32;
            left -= take;
        }
        number
    }
}

impl Random {
    /// The generator for a seed; the system's without one.
    pub(crate) fn new(ev: &Eval<'_>, seed: Option<&Val>) -> Res<Self> {
        let Some(seed) = seed else { return Ok(Self::System) };
        // The number that Python makes of a seed, as 32-bit words, lowest first.
        let mut bytes: Vec<u8> = match seed {
            Val::Str(text) => {
                let mut bytes = text.as_bytes().to_vec();
                bytes.extend(sha2::Sha512::digest(text.as_bytes()));
                bytes.reverse();
                bytes
            }
            other => match other.as_int() {
                Some(number) => number.unsigned_abs().to_le_bytes().to_vec(),
                None => {
                    let kind = ev.text(other)?;
                    return fail(format!(
                        "The only supported seed types are: None, int, float, str, bytes, and bytearray (got {kind})."
                    ));
                }
            },
        };
        while bytes.len() > 4 && bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes.resize(bytes.len().div_ceil(4).max(1) * 4, 0);
        let key: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        Ok(Self::Seeded(Box::new(Twister::by_key(&key))))
    }

    /// A number from 0 up to, not including, `limit`.
    pub(crate) fn below(&mut self, limit: u128) -> u128 {
        match self {
            Self::System => rand::random_range(0..limit.max(1)),
            Self::Seeded(twister) => {
                let bits = 128 - limit.leading_zeros();
                loop {
                    let number = twister.bits(bits);
                    if number < limit {
                        return number;
                    }
                }
            }
        }
    }
}

fn random(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let mut source = Random::new(ev, args.given(2))?;
    if let Some(end) = value.as_int() {
        let start = if args.given(0).is_some() { args.int(0, 0)? } else { 0 };
        let step = if args.given(1).is_some() { args.int(1, 1)? } else { 1 };
        let step = if step == 0 { 1 } else { step };
        let count = crate::val::range_len(start, end, step);
        if count <= 0 {
            return fail(format!("empty range in randrange({start}, {end}, {step})"));
        }
        return Ok(Val::Int(start + step * source.below(count as u128) as i128));
    }
    if args.given(0).is_some_and(|start| start.truth().unwrap_or(true)) || args.given(1).is_some() {
        return fail("start and step can only be used with integer values");
    }
    let items = match value {
        Val::Dict(_) | Val::None | Val::Float(_) => {
            return fail("random can only be used on sequences and integers");
        }
        other => ev.items(other)?,
    };
    if items.is_empty() {
        return fail("Cannot choose from an empty sequence");
    }
    let at = source.below(items.len() as u128) as usize;
    Ok(items[at].clone())
}

fn shuffle(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let Ok(mut items) = ev.items(value) else { return Ok(value.clone()) };
    let seed = args.given(0).filter(|seed| seed.truth().unwrap_or(false));
    let mut source = Random::new(ev, seed)?;
    for at in (1..items.len()).rev() {
        let other = source.below(at as u128 + 1) as usize;
        items.swap(at, other);
    }
    Ok(Val::list(items))
}
