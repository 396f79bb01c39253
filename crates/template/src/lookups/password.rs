//! The lookup `password`: a password kept in a file of this machine, made when the file is missing.

use std::path::{Path, PathBuf};

use data::Text;

use crate::filters::{Random, hash_password, random_salt};
use crate::lookups::{Lookup, Request};
use crate::val::{Res, Val, fail};

pub(crate) const LOOKUPS: &[Lookup] = &[Lookup::new("password", password)];

struct Wanted {
    path: PathBuf,
    length: usize,
    chars: Vec<char>,
    encrypt: Option<String>,
    ident: Option<String>,
    seed: Option<Val>,
}

/// The characters that a specification names: `digits`, `ascii_letters`, or itself.
fn character_set(specs: &[String]) -> Vec<char> {
    let mut found = String::new();
    let lower = "abcdefghijklmnopqrstuvwxyz";
    for spec in specs {
        match spec.as_str() {
            "ascii_lowercase" => found.push_str(lower),
            "ascii_uppercase" => found.push_str(&lower.to_uppercase()),
            "ascii_letters" => found.push_str(&format!("{lower}{}", lower.to_uppercase())),
            "digits" => found.push_str("0123456789"),
            "hexdigits" => found.push_str("0123456789abcdefABCDEF"),
            "octdigits" => found.push_str("01234567"),
            "punctuation" => found.push_str("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            "whitespace" => found.push_str(" \t\n\r\x0b\x0c"),
            other => found.push_str(other),
        }
    }
    found.chars().filter(|c| !matches!(c, '"' | '\'')).collect()
}

fn wanted(request: &mut Request<'_, '_>, term: &str) -> Res<Wanted> {
    let (path, rest) = term.split_once(' ').map_or((term, ""), |(path, rest)| (path, rest));
    let parsed = match data::split::parse_kv(&Text::plain(rest), false) {
        Ok(parsed) => parsed,
        Err(error) => return fail(error.to_string()),
    };
    let path = match &parsed.raw {
        Some(more) if !more.is_empty() => format!("{path} {}", more.as_str()),
        _ => path.to_owned(),
    };
    for (name, _) in &parsed.options {
        if !matches!(name.as_str(), "length" | "encrypt" | "chars" | "ident" | "seed") {
            return fail(format!("Unrecognized parameter(s) given to password lookup: {}", name.as_str()));
        }
    }
    let own = |name: &str| parsed.get(name).map(|value| Val::Str(value.clone()));
    let option = |name: &str| -> Res<Option<Val>> {
        let given =
            request.options.named.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone());
        match own(name).or(given) {
            None | Some(Val::None) => Ok(None),
            Some(value) => Ok(Some(value.used()?)),
        }
    };
    let (length, encrypt, chars, ident, seed) =
        (option("length")?, option("encrypt")?, option("chars")?, option("ident")?, option("seed")?);
    let ev = request.ev;
    let length = match length {
        None => 20,
        Some(length) => match ev.text(&length)?.parse() {
            Ok(length) if length <= 100_000 => length,
            _ => return fail("the length of a password must be a number"),
        },
    };
    let specs = match chars {
        None => ["ascii_letters", "digits", ".,:-_"].map(str::to_owned).to_vec(),
        Some(Val::Str(text)) => {
            let comma = text.contains(",,").then(|| ",".to_owned());
            let rest = text.replace(",,", ",");
            comma
                .into_iter()
                .chain(rest.split(',').filter(|part| !part.is_empty()).map(str::to_owned))
                .collect()
        }
        Some(list) => ev.items(&list)?.iter().map(|spec| ev.text(spec)).collect::<Res<_>>()?,
    };
    let chars = character_set(&specs);
    if chars.is_empty() {
        return fail("random_password() needs at least one character to choose from");
    }
    let text = |value: Option<Val>| value.map(|value| ev.text(&value)).transpose();
    Ok(Wanted {
        path: ev.ctx.search.base().join(expand_home(&path)),
        length,
        chars,
        encrypt: text(encrypt)?,
        ident: text(ident)?,
        seed,
    })
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn password(request: &mut Request<'_, '_>) -> Res<Vec<Val>> {
    let mut found = Vec::new();
    for term in request.text_terms()? {
        let wanted = wanted(request, &term)?;
        found.push(one(request, &wanted)?);
    }
    Ok(found)
}

/// The stored password, salt and bcrypt variant.
fn parse(content: &str) -> (String, Option<String>, Option<String>) {
    let Some((password, rest)) = content.rsplit_once(" salt=") else {
        return (content.to_owned(), None, None);
    };
    match rest.rsplit_once(" ident=") {
        Some((salt, ident)) => (password.to_owned(), Some(salt.to_owned()), Some(ident.to_owned())),
        None => (password.to_owned(), Some(rest.to_owned()), None),
    }
}

fn one(request: &Request<'_, '_>, wanted: &Wanted) -> Res<Val> {
    let volatile = wanted.path == Path::new("/dev/null");
    // Hosts of one run ask at the same time: the first one makes the password, the others read it.
    let _lock = request.ev.engine.lock_passwords();
    let stored = if volatile { None } else { std::fs::read_to_string(&wanted.path).ok() };
    let (plain, mut salt, stored_ident) = match &stored {
        Some(content) => parse(content.trim_end()),
        None => (made(request, wanted)?, None, None),
    };
    let mut changed = stored.is_none();
    if let (Some(stored), Some(given)) = (&stored_ident, &wanted.ident)
        && stored != given
    {
        return fail(format!(
            "The ident parameter provided ({given}) does not match the stored one ({stored})."
        ));
    }
    let mut ident = stored_ident.or_else(|| wanted.ident.clone());
    if let Some(kind) = &wanted.encrypt {
        if salt.is_none() {
            salt = Some(random_salt(kind));
            changed = true;
        }
        if ident.is_none() && kind == "bcrypt" {
            ident = Some("2b".to_owned());
            changed = true;
        }
    }
    if changed && !volatile {
        let content = match (&salt, &ident) {
            (None, _) => plain.clone(),
            (Some(salt), None) => format!("{plain} salt={salt}"),
            (Some(salt), Some(ident)) => format!("{plain} salt={salt} ident={ident}"),
        };
        store(&wanted.path, &content)?;
    }
    let text = match &wanted.encrypt {
        Some(kind) => hash_password(&plain, kind, salt.as_deref(), None)?,
        None => plain,
    };
    Ok(Val::Str(Text::plain(text).into_secret()))
}

fn made(request: &Request<'_, '_>, wanted: &Wanted) -> Res<String> {
    let mut source = Random::new(request.ev, wanted.seed.as_ref())?;
    Ok((0..wanted.length).map(|_| wanted.chars[source.below(wanted.chars.len() as u128) as usize]).collect())
}

fn store(path: &Path, content: &str) -> Res<()> {
    if let Some(dir) = path.parent()
        && let Err(error) = std::fs::create_dir_all(dir)
    {
        return fail(format!("cannot create `{}`: {error}", dir.display()));
    }
    match data::fs::write_atomic(path, format!("{content}\n").as_bytes(), Some(0o600)) {
        Ok(()) => Ok(()),
        Err(error) => fail(error.to_string()),
    }
}
