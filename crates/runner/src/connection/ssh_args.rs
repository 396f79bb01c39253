//! `ansible_ssh_common_args` and its kin: OpenSSH command lines. The well-known options are read here and obeyed by the native transport;
//! any other makes the host use the system's `ssh`, which understands them all.

use std::path::PathBuf;
use std::time::Duration;

/// How a host's key is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostKeyCheck {
    /// Unknown keys are refused (`yes`, `ask`).
    Strict,
    /// Unknown keys are written to known_hosts (`accept-new`).
    AcceptNew,
    /// Unknown keys are let through (`no`, `off`).
    Off,
}

impl HostKeyCheck {
    /// OpenSSH's word for it, as `-o StrictHostKeyChecking=` takes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strict => "yes",
            Self::AcceptNew => "accept-new",
            Self::Off => "no",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "yes" | "true" | "ask" => Some(Self::Strict),
            "accept-new" => Some(Self::AcceptNew),
            "no" | "off" | "false" => Some(Self::Off),
            _ => None,
        }
    }
}

/// What an OpenSSH command line or configuration asks for. `None` and empty: it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SshOptions {
    /// `Port`, `-p`
    pub port: Option<u16>,
    /// `User`, `-l`
    pub user: Option<String>,
    /// `HostName`
    pub address: Option<String>,
    /// `IdentityFile`, `-i`
    pub identities: Vec<PathBuf>,
    /// `UserKnownHostsFile`
    pub known_hosts: Vec<PathBuf>,
    /// `StrictHostKeyChecking`
    pub host_key_check: Option<HostKeyCheck>,
    /// `ConnectTimeout`
    pub connect_timeout: Option<Duration>,
    /// `ServerAliveInterval`
    pub alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`
    pub alive_count: Option<u32>,
    /// `Compression`, `-C`
    pub compression: bool,
    /// `IdentitiesOnly`
    pub identities_only: bool,
    /// The first option that only OpenSSH can obey, in the user's words.
    pub beyond: Option<String>,
}

impl SshOptions {
    /// Reads the words of an `ssh` command line without its host.
    pub(crate) fn from_words(words: &[String]) -> Self {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                options.leave(word);
                continue;
            };
            let (letter, rest) = letters.split_at(letters.chars().next().map_or(0, char::len_utf8));
            let mut argument = || if rest.is_empty() { words.next().cloned() } else { Some(rest.to_owned()) };
            match letter {
                "o" => match argument() {
                    Some(pair) => options.set_pair(&pair),
                    None => options.leave(word),
                },
                "p" => options.set("port", &argument().unwrap_or_default(), word),
                "l" => options.set("user", &argument().unwrap_or_default(), word),
                "i" => options.set("identityfile", &argument().unwrap_or_default(), word),
                "C" | "q" | "v" | "T" | "x" | "a" | "k" => {
                    letters.chars().for_each(|letter| options.flag(letter, word))
                }
                _ => options.leave(word),
            }
        }
        options
    }

    /// Takes what `self` does not say from `lower` (OpenSSH: the first word counts).
    #[must_use]
    pub(crate) fn or(mut self, lower: Self) -> Self {
        self.port = self.port.or(lower.port);
        self.user = self.user.or(lower.user);
        self.address = self.address.or(lower.address);
        self.identities.extend(lower.identities);
        if self.known_hosts.is_empty() {
            self.known_hosts = lower.known_hosts;
        }
        self.host_key_check = self.host_key_check.or(lower.host_key_check);
        self.connect_timeout = self.connect_timeout.or(lower.connect_timeout);
        self.alive_interval = self.alive_interval.or(lower.alive_interval);
        self.alive_count = self.alive_count.or(lower.alive_count);
        self.compression |= lower.compression;
        self.identities_only |= lower.identities_only;
        self.beyond = self.beyond.or(lower.beyond);
        self
    }

    /// One `Key=Value` or `Key Value` pair.
    pub(crate) fn set_pair(&mut self, pair: &str) {
        let pair = pair.trim();
        let split = pair.find(|sign: char| sign == '=' || sign.is_whitespace()).unwrap_or(pair.len());
        let value = pair[split..].trim_start_matches(|sign: char| sign == '=' || sign.is_whitespace());
        self.set(&pair[..split].to_ascii_lowercase(), value, pair);
    }

    /// One option; `key` in lower case, `shown` for the note when only OpenSSH knows it.
    fn set(&mut self, key: &str, value: &str, shown: &str) {
        let value = value.trim().trim_matches('"');
        let known = match key {
            "port" => first(&mut self.port, value.parse().ok()),
            "user" => first(&mut self.user, Some(value.to_owned())),
            "hostname" => !value.contains('%') && first(&mut self.address, Some(value.to_owned())),
            "identityfile" => {
                self.identities.extend(home_path(value));
                home_path(value).is_some()
            }
            "userknownhostsfile" => {
                let files: Option<Vec<_>> = value.split_whitespace().map(home_path).collect();
                if self.known_hosts.is_empty() {
                    self.known_hosts = files.clone().unwrap_or_default();
                }
                files.is_some()
            }
            "stricthostkeychecking" => first(&mut self.host_key_check, HostKeyCheck::parse(value)),
            "connecttimeout" => first(&mut self.connect_timeout, seconds(value)),
            "serveraliveinterval" => first(&mut self.alive_interval, seconds(value)),
            "serveralivecountmax" => first(&mut self.alive_count, value.parse().ok()),
            "compression" => {
                self.compression |= value.eq_ignore_ascii_case("yes");
                true
            }
            "identitiesonly" => {
                self.identities_only |= value.eq_ignore_ascii_case("yes");
                true
            }
            // One session a host and run is kept open anyway, and the others do not change where or as whom we log in.
            "controlmaster"
            | "controlpath"
            | "controlpersist"
            | "loglevel"
            | "batchmode"
            | "tcpkeepalive"
            | "forwardagent"
            | "forwardx11"
            | "sendenv"
            | "hashknownhosts"
            | "gssapiauthentication"
            | "gssapidelegatecredentials"
            | "preferredauthentications"
            | "passwordauthentication"
            | "pubkeyauthentication"
            | "kbdinteractiveauthentication"
            | "challengeresponseauthentication"
            | "connectionattempts"
            | "requesttty"
            | "visualhostkey"
            | "addkeystoagent"
            | "updatehostkeys"
            | "checkhostip"
            | "globalknownhostsfile" => true,
            _ => false,
        };
        if !known {
            self.leave(shown);
        }
    }

    fn flag(&mut self, letter: char, word: &str) {
        match letter {
            'C' => self.compression = true,
            'q' | 'v' | 'T' | 'x' | 'a' | 'k' => {}
            _ => self.leave(word),
        }
    }

    fn leave(&mut self, word: &str) {
        self.beyond.get_or_insert_with(|| word.to_owned());
    }
}

/// Sets what is not set yet; false if there is no usable value.
fn first<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let usable = value.is_some();
    if slot.is_none() {
        *slot = value;
    }
    usable
}

/// A time in OpenSSH's form, as far as people write it: whole seconds, or with `s`, `m`, `h`.
fn seconds(value: &str) -> Option<Duration> {
    let (digits, factor) = match value.as_bytes().last()? {
        b's' | b'S' => (&value[..value.len() - 1], 1),
        b'm' | b'M' => (&value[..value.len() - 1], 60),
        b'h' | b'H' => (&value[..value.len() - 1], 3600),
        _ => (value, 1),
    };
    digits.parse::<u64>().ok().map(|number| Duration::from_secs(number.saturating_mul(factor)))
}

/// A path with `~` meaning the home of the user who runs us; none where OpenSSH's `%` words would have to be filled in.
pub(crate) fn home_path(path: &str) -> Option<PathBuf> {
    if path.contains('%') || path.is_empty() {
        return None;
    }
    match path.strip_prefix("~/") {
        Some(rest) => Some(PathBuf::from(std::env::var_os("HOME")?).join(rest)),
        None => Some(PathBuf::from(path)),
    }
}

/// Splits a line into words as a POSIX shell does (quotes and backslashes, nothing is expanded). An open quote runs to the end.
pub(crate) fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (Some('"'), '\\') if signs.peek().is_some_and(|next| "\\\"$`".contains(*next)) => {
                word.get_or_insert_default().extend(signs.next());
            }
            (Some(_), _) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(signs.next()),
            (None, _) if sign.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> SshOptions {
        SshOptions::from_words(&split_words(line))
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (line, words) in [
            ("-o A=b  -p 22", vec!["-o", "A=b", "-p", "22"]),
            ("-o 'ProxyCommand=ssh -W %h:%p jump'", vec!["-o", "ProxyCommand=ssh -W %h:%p jump"]),
            (r#"-o "User a\"b" c\ d """#, vec!["-o", "User a\"b", "c d", ""]),
            ("   ", vec![]),
        ] {
            assert_eq!(split_words(line), words, "{line}");
        }
    }

    #[test]
    fn what_everybody_writes_stays_with_the_native_transport() {
        let options = read(
            "-C -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -o ConnectTimeout=7 -oServerAliveInterval=30 -o \"ServerAliveCountMax 4\" -p2222 -l root -i /k",
        );
        assert_eq!(options.beyond, None);
        assert_eq!(options.port, Some(2222));
        assert_eq!(options.user.as_deref(), Some("root"));
        assert_eq!(options.identities, [PathBuf::from("/k")]);
        assert_eq!(options.known_hosts, [PathBuf::from("/dev/null")]);
        assert_eq!(options.host_key_check, Some(HostKeyCheck::Off));
        assert_eq!(options.connect_timeout, Some(Duration::from_secs(7)));
        assert_eq!(options.alive_interval, Some(Duration::from_secs(30)));
        assert_eq!(options.alive_count, Some(4));
        assert!(options.compression);
    }

    #[test]
    fn the_rest_is_left_to_openssh_by_name() {
        for (line, beyond) in [
            ("-o ProxyJump=bastion", "ProxyJump=bastion"),
            ("-o ProxyCommand='ssh -W %h:%p j'", "ProxyCommand=ssh -W %h:%p j"),
            ("-p 22 -J bastion", "-J"),
            ("-F my.cfg", "-F"),
            ("-o IdentityFile=~/.ssh/%h", "IdentityFile=~/.ssh/%h"),
            ("-qN", "-qN"),
        ] {
            assert_eq!(read(line).beyond.as_deref(), Some(beyond), "{line}");
        }
    }

    #[test]
    fn the_first_word_counts() {
        assert_eq!(read("-p 1 -p 2").port, Some(1));
        assert_eq!(read("-p 1").or(read("-p 2 -l u")).port, Some(1));
        assert_eq!(read("-p 1").or(read("-p 2 -l u")).user.as_deref(), Some("u"));
    }
}
