//! A second connection to the host of a session, by the system's `ssh`: to the same address, with the key that the session has checked, and
//! logged in by what let the session in. What the user says about ssh has all been read for the session, so `ssh` reads no configuration.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use data::Text;

use super::connect::has_aes;
use super::login::LogIn;
use crate::connection::ConnectionSettings;
use crate::connection::openssh::OpenSshCarrier;

/// The name of the host in the file of keys that is made for the connection.
const ALIAS: &str = "taskbox-host";
/// Ciphers in the order of what they cost where the processor has instructions for AES; all that OpenSSH has offered since 6.5.
const CIPHERS: &str = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr";

/// What is known of a session's host and login.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) peer: SocketAddr,
    /// `ssh-ed25519 AAAA...`
    pub(super) host_key: String,
    pub(super) user: String,
    pub(super) log_in: LogIn,
}

impl Known {
    /// What starts commands over further connections; `None` if `ssh` cannot log in by itself.
    ///
    /// # Errors
    /// The file of keys cannot be written.
    pub(super) fn carrier(&self, settings: &ConnectionSettings) -> io::Result<Option<OpenSshCarrier>> {
        let Some((login, secret)) = self.login_options(settings) else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("taskbox-").tempdir()?;
        let keys = folder.path().join("known_hosts");
        fs::write(&keys, format!("{ALIAS} {}\n", self.host_key))?;
        let mut words = vec!["-F".to_owned(), "/dev/null".into()];
        for option in host_options(&keys, self, settings).into_iter().chain(login) {
            words.extend(["-o".to_owned(), option]);
        }
        if has_aes() {
            words.extend(["-c".into(), CIPHERS.into()]);
        }
        words.extend(["-T".into(), "--".into(), self.peer.ip().to_string()]);
        Ok(Some(OpenSshCarrier {
            host: settings.host.clone(),
            program: settings.ssh_program.clone(),
            words,
            secrets: secret.into_iter().map(|secret| (self.user.clone(), secret)).collect(),
            prompt: None,
            silence: settings.silence,
            _files: Some(folder),
            askpass: None,
        }))
    }

    /// The options that log in as the session did, and the secret for it; `None` if `ssh` has not got what that takes.
    fn login_options(&self, settings: &ConnectionSettings) -> Option<(Vec<String>, Option<Text>)> {
        let by = |method: &str| format!("PreferredAuthentications={method}");
        let (mut options, secret) = match &self.log_in {
            LogIn::KeyText => return None,
            LogIn::KeyFile(path, passphrase) => {
                let path = std::path::absolute(path).ok()?.to_str()?.replace('%', "%%");
                let key = format!("IdentityFile=\"{path}\"");
                (vec![by("publickey"), key, "IdentitiesOnly=yes".into()], passphrase.clone())
            }
            LogIn::Agent => (vec![by("publickey"), "IdentityFile=none".into()], None),
            LogIn::Password => (vec![by("password")], settings.password.clone()),
            LogIn::KeyboardInteractive => (vec![by("keyboard-interactive")], settings.password.clone()),
            LogIn::Open => (Vec::new(), None),
        };
        options.push(match secret {
            Some(_) => "NumberOfPasswordPrompts=1".into(),
            None => "BatchMode=yes".into(),
        });
        Some((options, secret))
    }
}

/// Where the host is, and by what it is known.
fn host_options(keys: &Path, known: &Known, settings: &ConnectionSettings) -> Vec<String> {
    let mut options = vec![
        format!("Port={}", known.peer.port()),
        format!("User={}", known.user),
        format!("HostKeyAlias={ALIAS}"),
        format!("UserKnownHostsFile=\"{}\"", keys.display().to_string().replace('%', "%%")),
        "GlobalKnownHostsFile=/dev/null".into(),
        "StrictHostKeyChecking=yes".into(),
        format!("ConnectTimeout={}", settings.timeout.as_secs().max(1)),
        format!("ServerAliveInterval={}", (settings.silence.as_secs() / 3).max(1)),
        "ServerAliveCountMax=3".into(),
    ];
    if settings.compression {
        options.push("Compression=yes".into());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::ConnectionDefaults;

    fn carrier(log_in: LogIn) -> Option<OpenSshCarrier> {
        let mut settings =
            ConnectionSettings::from_vars("h1", &|_| None, &ConnectionDefaults::default()).unwrap();
        settings.password = Some(Text::plain("hunter2").into_secret());
        let known = Known {
            peer: "192.0.2.1:2222".parse().unwrap(),
            host_key: "ssh-ed25519 AAAA".into(),
            user: "deploy".into(),
            log_in,
        };
        known.carrier(&settings).unwrap()
    }

    #[test]
    fn it_goes_to_the_same_host_and_knows_no_other_key() {
        let carrier = carrier(LogIn::Agent).unwrap();
        let words = carrier.words.join(" ");
        assert!(words.starts_with("-F /dev/null -o Port=2222 -o User=deploy "), "{words}");
        assert!(words.ends_with("-T -- 192.0.2.1"), "{words}");
        assert!(words.contains("StrictHostKeyChecking=yes") && words.contains("BatchMode=yes"), "{words}");
        let keys = carrier._files.as_ref().unwrap().path().join("known_hosts");
        assert!(words.contains(keys.to_str().unwrap()), "{words}");
        assert_eq!(fs::read_to_string(keys).unwrap(), "taskbox-host ssh-ed25519 AAAA\n");
        assert!(carrier.secrets.is_empty());
    }

    #[test]
    fn it_logs_in_as_the_session_did_and_no_secret_is_in_its_words() {
        let by_password = carrier(LogIn::Password).unwrap();
        assert!(by_password.words.contains(&"PreferredAuthentications=password".to_owned()));
        assert_eq!(by_password.secrets[0].1.as_str(), "hunter2");
        let passphrase = Some(Text::plain("open sesame").into_secret());
        let by_key = carrier(LogIn::KeyFile("/keys/100%".into(), passphrase)).unwrap();
        assert!(by_key.words.contains(&"IdentityFile=\"/keys/100%%\"".to_owned()), "{:?}", by_key.words);
        assert_eq!(by_key.secrets[0].1.as_str(), "open sesame");
        for carrier in [by_password, by_key] {
            let words = carrier.words.join(" ");
            assert!(!words.contains("hunter2") && !words.contains("sesame"), "{words}");
        }
        assert!(carrier(LogIn::KeyText).is_none());
    }
}
