//! Ansible Vault, formats 1.1 and 1.2 with AES256: envelopes in files and in `!vault` texts.
//!
//! The format: a header line, then hexadecimal text of three hexadecimal lines (salt, HMAC-SHA256, ciphertext). PBKDF2 makes 80 bytes out
//! of password and salt: the AES-256 key, the HMAC key and the counter's start. See Ansible's guide, "Ansible Vault payload format".

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Diagnose, Diagnostic, Place, Source, Span, Text};

const HEADER: &str = "$ANSIBLE_VAULT";
const ROUNDS: u32 = 10_000;
const SALT: usize = 32;
const BLOCK: usize = 16;
const LINE: usize = 80;

/// Why an envelope cannot be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct VaultError {
    problem: Problem,
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum Problem {
    #[error("the vault envelope is broken: {0}")]
    Format(&'static str),
    /// In Ansible's words, which people look for; why, in Python's.
    #[error("Vault format unhexlify error: {0}")]
    NotHexadecimal(&'static str),
    #[error("vault format `{0}` is not supported")]
    Unsupported(String),
    #[error("Attempting to decrypt but no vault secrets found.")]
    NoSecret,
    /// With the labels that were tried.
    #[error("Decryption failed (no vault secrets were found that could decrypt).")]
    WrongSecret(String),
    #[error("the vaulted text is not UTF-8")]
    NotText,
}

impl VaultError {
    /// What is wrong, without the place.
    pub fn reason(&self) -> String {
        self.problem.to_string()
    }
}

impl From<Problem> for VaultError {
    fn from(problem: Problem) -> Self {
        Self { problem, place: None }
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl std::error::Error for VaultError {}

impl Diagnose for VaultError {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = Diagnostic::error(self.problem.to_string()).at_opt(self.place.as_ref(), "vaulted here");
        vec![match &self.problem {
            Problem::NoSecret => {
                found.help("give it with `--ask-vault-pass` or `--vault-password-file FILE`")
            }
            Problem::WrongSecret(labels) => found
                .note(format!("tried: {labels}"))
                .help("check the password, or add the right one with `--vault-id LABEL@FILE`"),
            _ => found,
        }]
    }
}

/// The vault passwords of a run, in order, each with its label (`default` when the user gave none).
#[derive(Default)]
pub struct Secrets {
    list: Vec<(String, Vec<u8>)>,
    /// `vault_id_match`
    only_matching: bool,
    /// Keys by password and salt: deriving them is the slow part, and files are often opened again for every host.
    keys: Mutex<HashMap<(usize, Vec<u8>), Keys>>,
}

impl Secrets {
    /// No passwords.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a password under a label; earlier ones are tried first.
    pub fn add(&mut self, label: impl Into<String>, password: impl Into<Vec<u8>>) {
        self.list.push((label.into(), password.into()));
    }

    /// Tries only passwords whose label is the envelope's, as Ansible's setting `vault_id_match` asks for.
    pub fn only_matching(&mut self) {
        self.only_matching = true;
    }

    /// The passwords with their labels, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.list.iter().map(|(label, password)| (label.as_str(), password.as_slice()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn keys(&self, index: usize, salt: &[u8]) -> Keys {
        let id = (index, salt.to_vec());
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(id).or_insert_with(|| Keys::derive(&self.list[index].1, salt)).clone()
    }
}

impl fmt::Debug for Secrets {
    /// Labels only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|(label, _)| label)).finish()
    }
}

#[derive(Clone)]
struct Keys([u8; 80]);

impl Keys {
    fn derive(password: &[u8], salt: &[u8]) -> Self {
        let mut bytes = [0; 80];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut bytes);
        Self(bytes)
    }

    fn mac(&self, ciphertext: &[u8]) -> Hmac<Sha256> {
        // An HMAC takes keys of every length.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0[32..64])
            .expect("HMAC keys have no wrong length");
        mac.update(ciphertext);
        mac
    }

    /// Encrypts or decrypts in place.
    fn apply(&self, bytes: &mut [u8]) {
        let mut cipher =
            Ctr128BE::<Aes256>::new_from_slices(&self.0[..32], &self.0[64..]).expect("32 and 16 bytes");
        cipher.apply_keystream(bytes);
    }
}

/// Whether `text` is a vault envelope.
pub fn is_envelope(text: &str) -> bool {
    text.starts_with(HEADER)
}

/// The bytes in an envelope. Passwords whose label is the envelope's are tried first, then all others.
///
/// # Errors
/// A broken envelope, no password, or none that fits.
pub fn decrypt(envelope: &str, secrets: &Secrets) -> Result<Vec<u8>, VaultError> {
    unseal(envelope, secrets).map(|opened| opened.content)
}

/// What was in an envelope, and how it was closed: to close it again in the same way.
pub struct Opened {
    /// The content.
    pub content: Vec<u8>,
    /// The label in the envelope's header, `default` where there is none.
    pub label: String,
    /// The position of the password that opened it in the order of [`Secrets::iter`].
    pub password: usize,
}

/// [`decrypt`], and how the envelope was closed.
///
/// # Errors
/// As [`decrypt`].
pub fn unseal(envelope: &str, secrets: &Secrets) -> Result<Opened, VaultError> {
    if secrets.is_empty() {
        return Err(Problem::NoSecret.into());
    }
    let envelope = Envelope::parse(envelope)?;
    let mut order: Vec<usize> = (0..secrets.list.len()).collect();
    order.sort_by_key(|index| secrets.list[*index].0 != envelope.label);
    order.retain(|index| !secrets.only_matching || secrets.list[*index].0 == envelope.label);
    for index in order {
        let keys = secrets.keys(index, &envelope.salt);
        if keys.mac(&envelope.ciphertext).verify_slice(&envelope.mac).is_ok() {
            let mut bytes = envelope.ciphertext;
            keys.apply(&mut bytes);
            return Ok(Opened { content: unpad(bytes)?, label: envelope.label, password: index });
        }
    }
    let labels: Vec<String> = secrets.list.iter().map(|(label, _)| format!("`{label}`")).collect();
    Err(Problem::WrongSecret(labels.join(", ")).into())
}

/// The text in a `!vault` text: with its place and marks, no longer encrypted, secret. Text that is not encrypted comes back as it is.
///
/// # Errors
/// As [`decrypt`], with the place; also when the content is not UTF-8.
pub fn decrypt_text(text: &Text, secrets: &Secrets) -> Result<Text, VaultError> {
    if !text.is_encrypted() {
        return Ok(text.clone());
    }
    decrypt(text.trim(), secrets)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| Problem::NotText.into()))
        .map(|chars| text.decrypted(chars))
        .map_err(|error| VaultError { place: text.place().cloned(), ..error })
}

/// A file that may be vaulted as a whole: its content, as a secret source, when it is; itself when it is not.
///
/// # Errors
/// As [`decrypt_text`].
pub fn open(source: &Arc<Source>, secrets: &Secrets) -> Result<Arc<Source>, VaultError> {
    if !is_envelope(source.text()) {
        return Ok(Arc::clone(source));
    }
    decrypt(source.text(), secrets)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| Problem::NotText.into()))
        .map(|text| Source::secret(source.name(), text))
        .map_err(|error| VaultError { place: Some(Place::new(source, Span::new(0, HEADER.len()))), ..error })
}

/// An envelope around `content`: format 1.2 with the label, or 1.1 when the label is `default`.
pub fn encrypt(content: &[u8], label: &str, password: &[u8]) -> String {
    let mut salt = [0; SALT];
    rand::fill(&mut salt);
    seal(content, label, password, &salt)
}

/// [`encrypt`] with a salt of the caller's, so that the same content gives the same envelope. Two contents under one salt and password
/// show where they are equal: only for text that is kept under version control.
pub fn encrypt_with_salt(content: &[u8], label: &str, password: &[u8], salt: &[u8]) -> String {
    seal(content, label, password, salt)
}

fn seal(content: &[u8], label: &str, password: &[u8], salt: &[u8]) -> String {
    let keys = Keys::derive(password, salt);
    let mut bytes = content.to_vec();
    let padding = BLOCK - content.len() % BLOCK;
    bytes.resize(content.len() + padding, padding as u8);
    keys.apply(&mut bytes);
    let mac = keys.mac(&bytes).finalize().into_bytes();
    let body = hex(format!("{}\n{}\n{}", hex(salt), hex(&mac), hex(&bytes)).as_bytes());
    let mut text = match label {
        "default" | "" => format!("{HEADER};1.1;AES256\n"),
        label => format!("{HEADER};1.2;AES256;{label}\n"),
    };
    for line in body.as_bytes().chunks(LINE) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text
}

/// An envelope taken apart.
struct Envelope {
    label: String,
    salt: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Envelope {
    fn parse(text: &str) -> Result<Self, Problem> {
        let (header, body) =
            text.split_once('\n').ok_or(Problem::Format("there is nothing after its first line"))?;
        let mut fields = header.trim().split(';').map(str::trim);
        if fields.next() != Some(HEADER) {
            return Err(Problem::Format("its first line does not begin with `$ANSIBLE_VAULT`"));
        }
        let (version, cipher) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        if !matches!(version, "1.1" | "1.2") || !matches!(cipher, "AES256" | "AES") {
            return Err(Problem::Unsupported(header.trim().to_owned()));
        }
        let label = fields
            .next()
            .filter(|label| version == "1.2" && !label.is_empty())
            .unwrap_or("default")
            .to_owned();
        let packed: String = body.split_whitespace().collect();
        let packed = unhex(packed.as_bytes())?;
        let mut parts = packed.splitn(3, |byte| *byte == b'\n');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(salt), Some(mac), Some(ciphertext)) => {
                Ok(Self { label, salt: unhex(salt)?, mac: unhex(mac)?, ciphertext: unhex(ciphertext)? })
            }
            _ => Err(Problem::Format("it is cut short")),
        }
    }
}

/// Takes the PKCS#7 padding off.
fn unpad(mut bytes: Vec<u8>) -> Result<Vec<u8>, VaultError> {
    let padding = bytes.last().map_or(0, |last| usize::from(*last));
    if padding == 0 || padding > BLOCK || padding > bytes.len() {
        return Err(Problem::Format("its padding is wrong").into());
    }
    bytes.truncate(bytes.len() - padding);
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, Problem> {
    let digit = |byte: u8| {
        char::from(byte).to_digit(16).ok_or(Problem::NotHexadecimal("Non-hexadecimal digit found"))
    };
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Problem::NotHexadecimal("Odd-length string"));
    }
    pairs.iter().map(|[high, low]| Ok((digit(*high)? * 16 + digit(*low)?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(list: &[(&str, &str)]) -> Secrets {
        let mut secrets = Secrets::new();
        for (label, password) in list {
            secrets.add(*label, *password);
        }
        secrets
    }

    #[test]
    fn what_is_sealed_opens_with_its_password_only() {
        for (label, header) in
            [("default", "$ANSIBLE_VAULT;1.1;AES256\n"), ("prod", "$ANSIBLE_VAULT;1.2;AES256;prod\n")]
        {
            let envelope = encrypt("密码".as_bytes(), label, b"right");
            assert!(envelope.starts_with(header));
            let found = decrypt(&envelope, &secrets(&[("dev", "wrong"), ("other", "right")]));
            assert_eq!(found.unwrap(), "密码".as_bytes());
            let error = decrypt(&envelope, &secrets(&[("dev", "wrong")])).unwrap_err();
            assert_eq!(
                error.to_string(),
                "Decryption failed (no vault secrets were found that could decrypt)."
            );
            assert_eq!(decrypt(&envelope, &Secrets::new()).unwrap_err().problem, Problem::NoSecret);
        }
    }

    #[test]
    fn an_envelope_says_how_it_was_closed() {
        let envelope = encrypt(b"x", "prod", b"right");
        let mut all = secrets(&[("dev", "wrong"), ("other", "right")]);
        let opened = unseal(&envelope, &all).unwrap();
        assert_eq!((opened.label.as_str(), opened.password), ("prod", 1));
        all.only_matching();
        assert!(unseal(&envelope, &all).is_err());
    }

    #[test]
    fn every_length_is_padded_and_unpadded() {
        for length in [0, 1, 15, 16, 17] {
            let content = vec![b'x'; length];
            let envelope = seal(&content, "default", b"p", b"salt");
            assert_eq!(decrypt(&envelope, &secrets(&[("default", "p")])).unwrap(), content);
        }
    }

    #[test]
    fn broken_envelopes_say_what_is_broken() {
        let all = secrets(&[("default", "p")]);
        for (text, problem) in [
            ("$ANSIBLE_VAULT;1.1;AES256", "nothing after"),
            ("$ANSIBLE_VAULT;1.0;AES\n00\n", "not supported"),
            ("$ANSIBLE_VAULT;1.1;AES256\nwxyz\n", "unhexlify error: Non-hexadecimal digit found"),
            ("$ANSIBLE_VAULT;1.1;AES256\nabc\n", "unhexlify error: Odd-length string"),
            ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "cut short"),
        ] {
            assert!(decrypt(text, &all).unwrap_err().to_string().contains(problem), "{text}");
        }
    }

    #[test]
    fn a_vaulted_file_opens_as_a_secret_source_under_its_name() {
        let source = Source::new("group_vars/all.yml", encrypt(b"a: 1\n", "default", b"p"));
        let opened = open(&source, &secrets(&[("default", "p")])).unwrap();
        assert_eq!(
            (opened.name(), opened.text(), opened.is_secret()),
            ("group_vars/all.yml", "a: 1\n", true)
        );
        let error = open(&source, &Secrets::new()).unwrap_err();
        assert_eq!(error.diagnostics()[0].place().unwrap().to_string(), "group_vars/all.yml:1:1");
    }
}
