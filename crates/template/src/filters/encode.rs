//! Base 64, hashes, UUIDs, and vaulted text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Digest as _;

use crate::args::Bound;
use crate::error::{ErrorKind, TemplateError};
use crate::eval::Eval;
use crate::registry::Filter;
use crate::val::{Object, Res, Val, fail};

pub(crate) const FILTERS: &[Filter] = &[
    Filter::new("b64encode", &["encoding?", "urlsafe?"], b64encode),
    Filter::new("b64decode", &["encoding?", "urlsafe?"], b64decode),
    Filter::new("md5", &[], |ev, value, _| digest(ev, value, "md5")),
    Filter::new("sha1", &[], |ev, value, _| digest(ev, value, "sha1")),
    Filter::new("checksum", &[], |ev, value, _| digest(ev, value, "sha1")),
    Filter::new("hash", &["hashtype?"], |ev, value, args| digest(ev, value, &args.text(ev, 0, "sha1")?)),
    Filter::new("to_uuid", &["namespace?"], to_uuid),
    Filter::new("vault", &["secret", "salt?", "vault_id?", "wrap_object?", "vaultid?"], vault),
    Filter::new("unvault", &["secret", "vault_id?", "vaultid?"], unvault),
];

/// The bytes of a value's text.
pub(crate) fn bytes(ev: &Eval<'_>, value: &Val) -> Res<Vec<u8>> {
    if let Val::Object(object) = value
        && let Object::Bytes(bytes) = &**object
    {
        return Ok(bytes.clone());
    }
    Ok(data::python::bytes_of_text(&ev.text(value)?))
}

fn encoding(name: &str) -> Res<fn(u32) -> bool> {
    Ok(match name.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => |_| true,
        "ascii" | "us-ascii" => |code| code < 0x80,
        "latin-1" | "latin1" | "iso-8859-1" => |code| code < 0x100,
        _ => return fail(format!("unknown encoding: {name}")),
    })
}

fn wide(name: &str) -> Option<bool> {
    match name.to_lowercase().replace('_', "-").as_str() {
        "utf-16-le" | "utf-16le" => Some(true),
        "utf-16-be" | "utf-16be" => Some(false),
        _ => None,
    }
}

fn b64encode(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let name = args.text(ev, 0, "utf-8")?;
    let bytes = if let Some(little) = wide(&name) {
        let units = ev.text(value)?.encode_utf16().collect::<Vec<_>>();
        units
            .into_iter()
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    } else if let Val::Object(_) = value {
        bytes(ev, value)?
    } else {
        let fits = encoding(&name)?;
        let text = ev.text(value)?;
        if let Some(bad) = text.chars().find(|c| !fits(*c as u32)) {
            return fail(format!("'{name}' codec can't encode character {bad:?}"));
        }
        if name.starts_with('u') {
            data::python::bytes_of_text(&text)
        } else {
            text.chars().map(|c| c as u32 as u8).collect()
        }
    };
    let engine = if args.flag(1, false)? { &URL_SAFE } else { &STANDARD };
    Ok(Val::from(engine.encode(bytes)))
}

fn b64decode(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let urlsafe = args.flag(1, false)?;
    let alphabet = if urlsafe { base64::alphabet::URL_SAFE } else { base64::alphabet::STANDARD };
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true);
    // Python drops what is not of the alphabet.
    let known = |c: &char| {
        c.is_ascii_alphanumeric()
            || *c == '='
            || if urlsafe { matches!(c, '-' | '_') } else { matches!(c, '+' | '/') }
    };
    let text: String = ev.text(value)?.chars().filter(known).collect();
    let decoded = GeneralPurpose::new(&alphabet, config).decode(text);
    let Ok(bytes) = decoded else { return fail("Incorrect padding") };
    let name = args.text(ev, 0, "utf-8")?;
    if let Some(little) = wide(&name) {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| {
                if little {
                    u16::from_le_bytes([pair[0], pair[1]])
                } else {
                    u16::from_be_bytes([pair[0], pair[1]])
                }
            })
            .collect();
        return Ok(Val::from(String::from_utf16_lossy(&units)));
    }
    let fits = encoding(&name)?;
    if name.to_lowercase().starts_with('l') || name.to_lowercase().starts_with('i') {
        return Ok(Val::from(bytes.iter().map(|byte| char::from(*byte)).collect::<String>()));
    }
    if bytes.iter().any(|byte| !fits((*byte).into())) {
        return fail(format!("'{name}' codec can't decode the bytes"));
    }
    // What is no UTF-8 stays what it is until it is written to a file or encoded again.
    Ok(Val::from(data::python::text_of_bytes(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A digest by the names that Python's `hashlib.new` knows: its own are exact, OpenSSL's are not particular about capitals.
fn digest(ev: &Eval<'_>, value: &Val, kind: &str) -> Res<Val> {
    let bytes = bytes(ev, value)?;
    let own = match kind {
        "sha512_224" => "sha512-224",
        "sha512_256" => "sha512-256",
        "sha3_224" => "sha3-224",
        "sha3_256" => "sha3-256",
        "sha3_384" => "sha3-384",
        "sha3_512" => "sha3-512",
        "blake2b" => "blake2b512",
        "blake2s" => "blake2s256",
        "shake_128" | "shake_256" => {
            return fail("hexdigest() missing required argument 'length' (pos 1)");
        }
        other => other,
    };
    let md5 = || hex(&md5::Md5::digest(&bytes));
    let sha1 = || hex(&sha1::Sha1::digest(&bytes));
    Ok(Val::from(match own.to_lowercase().as_str() {
        "md5" | "ssl3-md5" => md5(),
        "sha1" | "sha-1" | "ssl3-sha1" => sha1(),
        "md5-sha1" => md5() + &sha1(),
        "sha224" | "sha-224" | "sha2-224" => hex(&sha2::Sha224::digest(&bytes)),
        "sha256" | "sha-256" | "sha2-256" => hex(&sha2::Sha256::digest(&bytes)),
        "sha384" | "sha-384" | "sha2-384" => hex(&sha2::Sha384::digest(&bytes)),
        "sha512" | "sha-512" | "sha2-512" => hex(&sha2::Sha512::digest(&bytes)),
        "sha512-224" | "sha-512/224" | "sha2-512/224" => hex(&sha2::Sha512_224::digest(&bytes)),
        "sha512-256" | "sha-512/256" | "sha2-512/256" => hex(&sha2::Sha512_256::digest(&bytes)),
        "sha3-224" => hex(&sha3::Sha3_224::digest(&bytes)),
        "sha3-256" => hex(&sha3::Sha3_256::digest(&bytes)),
        "sha3-384" => hex(&sha3::Sha3_384::digest(&bytes)),
        "sha3-512" => hex(&sha3::Sha3_512::digest(&bytes)),
        "blake2b512" => hex(&blake2::Blake2b512::digest(&bytes)),
        "blake2s256" => hex(&blake2::Blake2s256::digest(&bytes)),
        _ => return fail(format!("unsupported hash type {kind}")),
    }))
}

/// Ansible's own namespace.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

/// A UUID of version 5 (RFC 9562, section 5.5).
fn to_uuid(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let namespace = args.text(ev, 0, NAMESPACE)?;
    let digits: String = namespace.chars().filter(char::is_ascii_hexdigit).collect();
    let parsed = (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten();
    let Some(space) = parsed else {
        return fail(format!(
            "Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        ));
    };
    let mut hasher = sha1::Sha1::new();
    hasher.update(space.to_be_bytes());
    hasher.update(ev.text(value)?.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let text = hex(&id);
    Ok(Val::from(format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )))
}

fn secret(args: &Bound) -> Res<String> {
    match args.val(0) {
        Val::Str(secret) => Ok(secret.to_string()),
        other => {
            fail(format!("Secret passed is required to be a string, instead we got {}.", other.type_name()))
        }
    }
}

fn vault(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let secret = secret(args)?;
    let Val::Str(text) = value else {
        return fail(format!("Can only vault strings, instead we got {}.", value.type_name()));
    };
    let label = args.text(ev, 2, "filter_default")?;
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let envelope = match args.given(1) {
        None => data::vault::encrypt(text, &label, secret),
        Some(salt) => match ev.text(salt)? {
            salt if salt.is_empty() => return fail("Empty or invalid salt passed to encrypt()"),
            salt => data::vault::encrypt_with_salt(text, &label, secret, salt.as_bytes()),
        },
    };
    let envelope = data::Text::plain(envelope);
    Ok(Val::Str(if args.flag(3, false)? { envelope.into_encrypted() } else { envelope }))
}

fn unvault(ev: &Eval<'_>, value: &Val, args: &Bound) -> Res<Val> {
    let secret = secret(args)?;
    let Val::Str(text) = value else {
        return fail(format!(
            "Vault should be in the form of a string, instead we got {}.",
            value.type_name()
        ));
    };
    if !data::vault::is_envelope(text) {
        return Ok(value.clone());
    }
    let mut secrets = data::vault::Secrets::new();
    secrets.add(args.text(ev, 1, "filter_default")?, secret.into_bytes());
    let opened = data::vault::decrypt(text, &secrets)
        .map_err(|error| TemplateError::new(ErrorKind::Operation(format!("Unable to decrypt: {error}"))))?;
    match String::from_utf8(opened) {
        Ok(text) => Ok(Val::Str(data::Text::plain(text).into_secret())),
        Err(_) => fail("the decrypted text is not UTF-8"),
    }
}
