//! `password_hash`: the hashes of crypt(3) that /etc/shadow takes.

use md5::{Digest as _, Md5};

use crate::args::Bound;
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[Filter::new(
    "password_hash",
    &["hashtype?", "salt?", "salt_size?", "rounds?", "ident?"],
    password_hash,
)];

/// crypt's alphabet, lowest value first.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn password_hash(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let password = match value {
        Val::Str(text) => text.to_string(),
        other => return fail(format!("secret must be unicode or bytes, not {}", other.type_name())),
    };
    let kind = args.text(ev, 0, "sha512")?;
    let salt = match args.given(1) {
        Some(salt) => Some(ev.text(salt)?).filter(|salt| !salt.is_empty()),
        None => None,
    };
    let salt = match (salt, args.given(2)) {
        (None, Some(_)) => match args.int(2, 8) {
            Ok(size) => Some(salt_of(usize::try_from(size).unwrap_or(8))),
            Err(_) => return fail("salt_size must be an integer"),
        },
        (salt, _) => salt,
    };
    let rounds = match args.given(3) {
        Some(_) => u32::try_from(args.int(3, 0)?).ok(),
        None => None,
    };
    let hashed = hash_password(&password, &kind, salt.as_deref(), rounds)?;
    Ok(Val::Str(data::Text::plain(hashed).into_secret()))
}

fn salt_of(size: usize) -> String {
    (0..size.min(64)).map(|_| char::from(ALPHABET[rand::random_range(0..64)])).collect()
}

/// A salt as long as the hash wants it.
pub(crate) fn random_salt(kind: &str) -> String {
    salt_of(match kind {
        "sha512" | "sha512_crypt" | "sha256" | "sha256_crypt" => 16,
        "bcrypt" | "blowfish" => 22,
        _ => 8,
    })
}

/// The hash of a password. Without `rounds`, as many as Ansible asks for.
pub(crate) fn hash_password(
    password: &str,
    kind: &str,
    salt: Option<&str>,
    rounds: Option<u32>,
) -> Res<String> {
    let salt = salt.map_or_else(|| random_salt(kind), str::to_owned);
    if let Some(bad) = salt.bytes().find(|byte| !ALPHABET.contains(byte)) {
        return fail(format!("invalid characters in the salt: '{}'", char::from(bad)));
    }
    let longest = match kind {
        "md5" | "md5_crypt" => 8,
        "bcrypt" | "blowfish" => 22,
        _ => 16,
    };
    if salt.len() > longest {
        return fail(format!("the salt is too long: {kind} takes at most {longest} characters"));
    }
    match kind {
        "sha512" | "sha512_crypt" => sha_crypt(password, &salt, rounds.unwrap_or(656_000), true),
        "sha256" | "sha256_crypt" => sha_crypt(password, &salt, rounds.unwrap_or(535_000), false),
        "md5" | "md5_crypt" => Ok(md5_crypt(password.as_bytes(), &salt)),
        "bcrypt" | "blowfish" => bcrypt_hash(password, &salt, rounds.unwrap_or(12)),
        other => fail(format!(
            "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
        )),
    }
}

fn encode(out: &mut String, value: u32, count: usize) {
    let mut value = value;
    for _ in 0..count {
        out.push(char::from(ALPHABET[(value & 63) as usize]));
        value >>= 6;
    }
}

/// The SHA-crypt of Ulrich Drepper's specification (akkadia.org/drepper/SHA-crypt.txt).
fn sha_crypt(password: &str, salt: &str, rounds: u32, long: bool) -> Res<String> {
    if !(1000..=999_999_999).contains(&rounds) {
        return fail(format!(
            "Could not hash the secret: rounds must be between 1000 and 999999999, not {rounds}"
        ));
    }
    let params = match sha_crypt::Params::new(rounds) {
        Ok(params) => params,
        Err(error) => return fail(error.to_string()),
    };
    let mut out = format!("${}$", if long { 6 } else { 5 });
    if rounds != 5000 {
        out.push_str(&format!("rounds={rounds}$"));
    }
    out.push_str(salt);
    out.push('$');
    if long {
        let raw = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), params);
        let (mut a, mut b, mut c) = (0_usize, 21_usize, 42_usize);
        for _ in 0..21 {
            encode(&mut out, u32::from(raw[a]) << 16 | u32::from(raw[b]) << 8 | u32::from(raw[c]), 4);
            (a, b, c) = (b + 1, c + 1, a + 1);
        }
        encode(&mut out, u32::from(raw[63]), 2);
    } else {
        let raw = sha_crypt::sha256_crypt(password.as_bytes(), salt.as_bytes(), params);
        let (mut a, mut b, mut c) = (0_usize, 10_usize, 20_usize);
        for _ in 0..10 {
            encode(&mut out, u32::from(raw[a]) << 16 | u32::from(raw[b]) << 8 | u32::from(raw[c]), 4);
            (a, b, c) = (c + 1, a + 1, b + 1);
        }
        encode(&mut out, u32::from(raw[31]) << 8 | u32::from(raw[30]), 3);
    }
    Ok(out)
}

/// The MD5-crypt of FreeBSD's libcrypt.
fn md5_crypt(password: &[u8], salt: &str) -> String {
    let digest = |parts: &[&[u8]]| -> [u8; 16] {
        let mut hasher = Md5::new();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finalize().into()
    };
    let salt_bytes = salt.as_bytes();
    let second = digest(&[password, salt_bytes, password]);
    let mut first: Vec<u8> = [password, b"$1$", salt_bytes].concat();
    first.extend(second.iter().cycle().take(password.len()));
    let mut bits = password.len();
    while bits > 0 {
        first.push(if bits & 1 == 1 { 0 } else { password[0] });
        bits >>= 1;
    }
    let mut state = digest(&[&first]);
    for round in 0..1000 {
        let mut parts: Vec<&[u8]> = vec![if round % 2 == 1 { password } else { &state }];
        if round % 3 != 0 {
            parts.push(salt_bytes);
        }
        if round % 7 != 0 {
            parts.push(password);
        }
        parts.push(if round % 2 == 1 { &state } else { password });
        state = digest(&parts);
    }
    let mut out = format!("$1${salt}$");
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        encode(&mut out, u32::from(state[a]) << 16 | u32::from(state[b]) << 8 | u32::from(state[c]), 4);
    }
    encode(&mut out, u32::from(state[11]), 2);
    out
}

const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn bcrypt_hash(password: &str, salt: &str, cost: u32) -> Res<String> {
    // 22 characters hold 128 bits and four more, which do not count.
    let padded = format!("{salt:.<22}");
    let value = |byte: u8| BCRYPT.iter().position(|known| *known == byte).unwrap_or(0) as u128;
    let (mut bits, mut raw) = (0_u128, [0_u8; 16]);
    for byte in padded.bytes().take(21) {
        bits = bits << 6 | value(byte);
    }
    bits = bits << 2 | value(padded.as_bytes()[21]) >> 4;
    raw.copy_from_slice(&bits.to_be_bytes());
    match bcrypt::hash_with_salt(password, cost, raw) {
        Ok(parts) => Ok(parts.format_for_version(bcrypt::Version::TwoB)),
        Err(error) => fail(error.to_string()),
    }
}
