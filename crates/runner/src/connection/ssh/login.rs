//! Logging in: the given keys, the password, the agent's keys, the keys in `~/.ssh`, and keys whose passphrase the user types, in this order,
//! as far as the server takes them.

use std::path::{Path, PathBuf};

use data::Text;
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, Session};

use crate::connection::passphrases::Passphrases;
use crate::connection::ssh_args::home_path;
use crate::connection::{ConnectionSettings, Unreachable};

/// The files ssh looks for when none is named.
const DEFAULT_KEYS: [&str; 3] = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];

/// How often a passphrase is asked for, as ssh's `NumberOfPasswordPrompts`.
const ASKED: usize = 3;
/// libssh2's "the key file cannot be read", which it says of a wrong passphrase too.
const UNREADABLE: i32 = -16;

/// What let us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogIn {
    /// A key file, and its passphrase.
    KeyFile(PathBuf, Option<Text>),
    /// A key that is in no file.
    KeyText,
    /// A key of the user's ssh-agent.
    Agent,
    /// The password.
    Password,
    /// The password, as the answer to a question.
    KeyboardInteractive,
    /// Nothing was asked for.
    Open,
}

/// Logs in, and says by what; or says all that was tried.
pub(crate) fn log_in(
    session: &Session,
    settings: &ConnectionSettings,
    user: &str,
    passphrases: &Passphrases,
) -> Result<LogIn, Unreachable> {
    let mut attempt = Attempt { session, user, tried: Vec::new(), locked: Vec::new() };
    // A key that was named for the host is taken in nearly all cases; to ask first what the server offers would cost a round trip.
    if let Some(way) = attempt.given_keys(settings) {
        return Ok(way);
    }
    let offers = match session.auth_methods(user) {
        Ok(offers) => offers.to_owned(),
        // Some servers let one in without anything.
        Err(_) if session.authenticated() => return Ok(LogIn::Open),
        Err(error) => {
            return Err(Unreachable::Handshake {
                address: settings.address.clone(),
                port: settings.port(),
                detail: error.message().to_owned(),
            });
        }
    };
    let takes = |method: &str| offers.split(',').any(|offer| offer == method);
    if let Some(password) = &settings.password {
        // Servers with PAM often offer only the second; one wrong answer is enough, accounts get locked.
        if takes("password") {
            if attempt.password(password) {
                return Ok(LogIn::Password);
            }
        } else if takes("keyboard-interactive") && attempt.keyboard_interactive(password) {
            return Ok(LogIn::KeyboardInteractive);
        }
    }
    if takes("publickey") {
        if !settings.identities_only {
            if attempt.agent() {
                return Ok(LogIn::Agent);
            }
            if let Some(way) = attempt.default_keys(settings) {
                return Ok(way);
            }
        }
        if let Some(way) = attempt.unlocked(passphrases) {
            return Ok(way);
        }
    }
    Err(Unreachable::Auth {
        user: user.to_owned(),
        address: settings.address.clone(),
        tried: attempt.tried,
        offers,
    })
}

struct Attempt<'a> {
    session: &'a Session,
    user: &'a str,
    tried: Vec<String>,
    /// Key files whose passphrase nobody gave yet.
    locked: Vec<PathBuf>,
}

impl Attempt<'_> {
    /// Whether it worked; if not, it is noted.
    fn note(&mut self, what: String, result: Result<(), ssh2::Error>) -> bool {
        if let Err(error) = result {
            self.tried.push(format!("{what}: {}", in_words(&error)));
        }
        self.session.authenticated()
    }

    fn given_keys(&mut self, settings: &ConnectionSettings) -> Option<LogIn> {
        if let Some(text) = &settings.private_key {
            let passphrase = settings.passphrase.as_deref();
            let result = self.session.userauth_pubkey_memory(self.user, None, text, passphrase);
            if self.note("the key in `ansible_private_key`".into(), result) {
                return Some(LogIn::KeyText);
            }
        }
        self.key_files(&settings.private_keys, settings)
    }

    fn default_keys(&mut self, settings: &ConnectionSettings) -> Option<LogIn> {
        let paths = DEFAULT_KEYS.iter().filter_map(|path| home_path(path));
        let paths: Vec<PathBuf> =
            paths.filter(|path| path.exists() && !settings.private_keys.contains(path)).collect();
        self.key_files(&paths, settings)
    }

    /// The first of these that is taken.
    fn key_files(&mut self, paths: &[PathBuf], settings: &ConnectionSettings) -> Option<LogIn> {
        let passphrase = &settings.passphrase;
        let taken = paths.iter().find(|path| self.key_file(path, passphrase.as_deref()))?;
        Some(LogIn::KeyFile(taken.clone(), passphrase.clone()))
    }

    fn key_file(&mut self, path: &Path, passphrase: Option<&str>) -> bool {
        let shown = format!("key `{}`", path.display());
        // libssh2 tells a missing file and a wrong passphrase apart only vaguely.
        match std::fs::read(path) {
            Err(error) => {
                self.tried.push(format!("{shown}: {error}"));
                false
            }
            Ok(text) if passphrase.is_none() && is_encrypted(&text) => {
                self.locked.push(path.to_owned());
                self.tried.push(format!(
                    "{shown}: it has a passphrase, which `ansible_private_key_passphrase` or an ssh-agent must give"
                ));
                false
            }
            Ok(_) => {
                let result = self.session.userauth_pubkey_file(self.user, None, path, passphrase);
                self.note(shown, result)
            }
        }
    }

    /// The last resort: keys with passphrases that only the user knows, who is asked as often as ssh asks.
    fn unlocked(&mut self, passphrases: &Passphrases) -> Option<LogIn> {
        for path in std::mem::take(&mut self.locked) {
            for _ in 0..ASKED {
                let Some(passphrase) = passphrases.of(&path) else { break };
                let result = self.session.userauth_pubkey_file(self.user, None, &path, Some(&passphrase));
                let wrong =
                    result.as_ref().is_err_and(|error| error.code() == ErrorCode::Session(UNREADABLE));
                if self.note(format!("key `{}` with the passphrase given", path.display()), result) {
                    return Some(LogIn::KeyFile(path, Some(passphrase)));
                }
                if !wrong {
                    break;
                }
                passphrases.forget(&path, &passphrase);
            }
        }
        None
    }

    fn agent(&mut self) -> bool {
        if std::env::var_os("SSH_AUTH_SOCK").is_none_or(|socket| socket.is_empty()) {
            return false;
        }
        let Ok(mut agent) = self.session.agent() else { return false };
        let identities =
            agent.connect().and_then(|()| agent.list_identities()).and_then(|()| agent.identities());
        match identities {
            Ok(identities) => identities.iter().any(|identity| {
                let result = agent.userauth(self.user, identity);
                self.note(format!("the agent's key `{}`", identity.comment()), result)
            }),
            Err(error) => self.note("the agent".into(), Err(error)),
        }
    }

    fn password(&mut self, password: &str) -> bool {
        let result = self.session.userauth_password(self.user, password);
        self.note("password".into(), result)
    }

    fn keyboard_interactive(&mut self, password: &str) -> bool {
        let result = self.session.userauth_keyboard_interactive(self.user, &mut Answer { password });
        self.note("password (keyboard-interactive)".into(), result)
    }
}

/// Gives the password to every question whose answer does not show.
struct Answer<'a> {
    password: &'a str,
}

impl KeyboardInteractivePrompt for Answer<'_> {
    fn prompt(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        prompts
            .iter()
            .map(|prompt| if prompt.echo { String::new() } else { self.password.to_owned() })
            .collect()
    }
}

/// Whether a key file's text says that it has a passphrase.
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    if text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return true;
    }
    // OpenSSH's own format names the cipher at the start: "openssh-key-v1\0", its length, `none` or `aes256-ctr`.
    let body = text
        .lines()
        .skip_while(|line| !line.contains("BEGIN OPENSSH PRIVATE KEY"))
        .nth(1)
        .unwrap_or_default();
    !body.is_empty() && !body.starts_with("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU")
}

/// libssh2's words, shortened where they are well known.
fn in_words(error: &ssh2::Error) -> String {
    match error.code() {
        ssh2::ErrorCode::Session(-18) => "refused by the server".into(),
        ssh2::ErrorCode::Session(-9) => "no answer in time".into(),
        _ => error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_a_passphrase_are_recognized() {
        for (text, encrypted) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n", false),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAA\n", true),
            ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", true),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", false),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n", true),
        ] {
            assert_eq!(is_encrypted(text.as_bytes()), encrypted, "{text}");
        }
    }
}
