//! How to reach one host: the `ansible_*` connection variables over the command line's defaults.

use std::path::PathBuf;
use std::time::Duration;

use data::{Text, Value};

use super::ssh_args::{HostKeyCheck, SshOptions, home_path, split_words};
use super::{Become, BecomeMethod, ConnectionError, Unreachable};

/// Which way to a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// The modules run in this process.
    Local,
    /// libssh2.
    Ssh,
    /// The system's `ssh`, with the reason.
    OpenSsh(String),
    /// A container on this machine, by the command line of its engine.
    Container(Engine),
}

/// An engine whose command line runs programs in containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// `docker exec`
    Docker,
    /// `podman exec`
    Podman,
}

impl Engine {
    /// Its name, which is also its program's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// What the command line, a play's keywords and the configuration say for hosts whose variables do not.
#[derive(Clone, Debug, Default)]
pub struct ConnectionDefaults {
    /// `-c`, `connection:`
    pub connection: Option<String>,
    /// `-u`, `remote_user:`
    pub user: Option<String>,
    /// `port:`
    pub port: Option<u16>,
    /// `-k`
    pub password: Option<Text>,
    /// `-K`
    pub become_password: Option<Text>,
    /// `--private-key`
    pub private_key_file: Option<PathBuf>,
    /// `-T`; Ansible's default is 10 seconds.
    pub timeout: Option<Duration>,
    /// `host_key_checking`; Ansible's default is true.
    pub host_key_checking: Option<bool>,
    /// `ssh_args` of the configuration.
    pub ssh_args: Option<String>,
    /// `--ssh-common-args`
    pub ssh_common_args: Option<String>,
    /// `--ssh-extra-args`
    pub ssh_extra_args: Option<String>,
    /// `ssh_executable` of the configuration.
    pub ssh_program: Option<String>,
    /// `sshpass_prompt` of the configuration.
    pub password_prompt: Option<String>,
    /// `retries` of the configuration: further tries after a fault of the network.
    pub retries: Option<u32>,
    /// `--ephemeral`: leave no agent on the hosts.
    pub ephemeral: bool,
    /// The host to go through: of the inventory's `[bastion]` group.
    pub jump: Option<Box<ConnectionSettings>>,
}

/// A play's or task's `become` keywords, already rendered; the host's variables go before them.
#[derive(Clone, Debug, Default)]
pub struct BecomeKeywords {
    /// `become:`
    pub enabled: bool,
    /// `become_method:`
    pub method: Option<String>,
    /// `become_user:`
    pub user: Option<String>,
    /// `become_flags:`
    pub flags: Option<String>,
    /// `become_exe:`
    pub exe: Option<String>,
    /// `localized_prompts` of the configuration: what `su` asks for a password with.
    pub prompts: Vec<String>,
}

/// How to reach one host. Two equal settings share one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionSettings {
    /// The host's name in the inventory.
    pub host: String,
    /// Which way.
    pub way: Way,
    /// `ansible_host`, or the host's name.
    pub address: String,
    /// `ansible_port`; none leaves it to ssh's configuration (22).
    pub port: Option<u16>,
    /// `ansible_user`; none is the user who runs us.
    pub user: Option<String>,
    /// `ansible_password`
    pub password: Option<Text>,
    /// `ansible_sshpass_prompt`: the only question that the password answers.
    pub password_prompt: Option<String>,
    /// Keys to offer, before those of the agent.
    pub private_keys: Vec<PathBuf>,
    /// `ansible_private_key`: a key's text.
    pub private_key: Option<Text>,
    /// `ansible_private_key_passphrase`
    pub passphrase: Option<Text>,
    /// Only the keys above, none of the agent and none of `~/.ssh`.
    pub identities_only: bool,
    /// How long a connect or a login may take.
    pub timeout: Duration,
    /// How long it may take to become another user.
    pub become_timeout: Duration,
    /// How the host's key is checked.
    pub host_key_check: HostKeyCheck,
    /// Files of known keys; the first takes new ones.
    pub known_hosts: Vec<PathBuf>,
    /// How long the host may be silent, its agent's signs of life included, before it counts as gone.
    pub silence: Duration,
    /// Whether to compress.
    pub compression: bool,
    /// `ansible_ssh_retries`: further tries after a fault of the network.
    pub retries: u32,
    /// Whether the agent and its folder go with the session.
    pub ephemeral: bool,
    /// `ansible_ssh_executable`, or the program that reaches into containers.
    pub ssh_program: String,
    /// The words for that program, host and command excluded.
    pub ssh_words: Vec<String>,
    /// The host to go through.
    pub jump: Option<Box<Self>>,
}

/// Silence after which a host counts as gone, if nothing else is asked for: six of the agent's signs of life.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads a resolved variable of the host.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<Value>;

impl ConnectionSettings {
    /// The settings of `host`.
    ///
    /// `get` gives a variable of the host, already rendered (connection variables may be templates). Host variables go before
    /// `defaults`, as in Ansible.
    ///
    /// # Errors
    /// A variable has a value that cannot be used, or a connection that is not supported is asked for.
    pub fn from_vars(
        host: &str,
        get: Lookup<'_>,
        defaults: &ConnectionDefaults,
    ) -> Result<Self, ConnectionError> {
        let vars = Vars { host, get };
        let (words, options) = vars.ssh_options(defaults);
        let address = vars.text(&["ansible_host", "ansible_ssh_host"]).unwrap_or_else(|| host.to_owned());
        let way = vars.way(defaults, &options)?;
        if let Way::Container(engine) = way {
            return vars.container(engine, defaults);
        }
        // What the command line and the play say goes before the configuration of ssh.
        let config =
            if way == Way::Ssh { super::ssh_config::of_user(&address) } else { SshOptions::default() };
        let (user_of_config, port_of_config) = (config.user.clone(), config.port);
        let asked_user = options.user.clone().or_else(|| defaults.user.clone()).or(user_of_config);
        let asked_port = options.port.or(defaults.port).or(port_of_config);
        let options = options.or(config);
        let way = match (&way, &options.beyond, &defaults.jump) {
            (Way::Ssh, Some(option), _) => Way::OpenSsh(format!("the option `{option}`")),
            (Way::Ssh, None, Some(jump)) => Way::OpenSsh(format!("the bastion `{}`", jump.host)),
            _ => way,
        };
        let password = vars
            .secret(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])
            .or_else(|| defaults.password.clone());
        let password_prompt = vars
            .text(&["ansible_sshpass_prompt"])
            .or_else(|| defaults.password_prompt.clone())
            .filter(|prompt| !prompt.is_empty() && password.is_some());
        // In SSH's own method `password` the host asks nothing: the question is that of the system's `ssh`.
        let way = match &password_prompt {
            Some(_) if way == Way::Ssh => Way::OpenSsh("the variable `ansible_sshpass_prompt`".into()),
            _ => way,
        };
        let key_file = vars.path(&["ansible_private_key_file", "ansible_ssh_private_key_file"]);
        let explicit = key_file.or_else(|| defaults.private_key_file.clone());
        let timeout = match vars.number(&["ansible_ssh_timeout", "ansible_timeout"])? {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => options.connect_timeout.or(defaults.timeout),
        };
        let timeout = timeout.filter(|limit| !limit.is_zero()).unwrap_or(Duration::from_secs(10));
        let become_timeout = match way {
            Way::Local => {
                let seconds = vars.number(&["ansible_local_become_success_timeout"])?;
                Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(10))
            }
            // As long as Ansible waits for ssh.
            _ => timeout + Duration::from_secs(2),
        };
        let port = match vars.number(&["ansible_port", "ansible_ssh_port"])? {
            Some(number) => Some(
                u16::try_from(number).map_err(|_| vars.unusable("ansible_port", "a port from 1 to 65535"))?,
            ),
            None => asked_port,
        };
        let jump = defaults.jump.clone().filter(|_| way != Way::Local && !has_proxy(&words));
        Ok(Self {
            host: host.to_owned(),
            way,
            address: options.address.unwrap_or(address),
            port,
            user: vars.text(&["ansible_user", "ansible_ssh_user"]).or(asked_user),
            password,
            password_prompt,
            private_keys: explicit.into_iter().chain(options.identities).collect(),
            private_key: vars.secret(&["ansible_private_key", "ansible_ssh_private_key"]),
            passphrase: vars
                .secret(&["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"]),
            identities_only: options.identities_only,
            timeout,
            become_timeout,
            host_key_check: vars.host_key_check(options.host_key_check, defaults)?,
            known_hosts: if options.known_hosts.is_empty() {
                default_known_hosts()
            } else {
                options.known_hosts
            },
            silence: options
                .alive_interval
                .map_or(SILENCE, |interval| interval * options.alive_count.unwrap_or(3))
                .max(Duration::from_secs(1)),
            ephemeral: defaults.ephemeral,
            compression: options.compression,
            retries: vars
                .number(&["ansible_ssh_retries"])?
                .map_or(defaults.retries.unwrap_or(0), |retries| retries.min(1000) as u32),
            ssh_program: vars
                .text(&["ansible_ssh_executable"])
                .or_else(|| defaults.ssh_program.clone())
                .unwrap_or_else(|| "ssh".into()),
            ssh_words: words,
            jump,
        })
    }

    /// The settings of this machine without a session (`connection: local`).
    pub fn local(host: &str) -> Self {
        Self::from_vars(
            host,
            &|_| None,
            &ConnectionDefaults { connection: Some("local".into()), ..Default::default() },
        )
        .expect("no variables, nothing unusable")
    }

    /// How long it may take to become another user, where Ansible tells it.
    pub(crate) fn become_told(&self) -> Option<Duration> {
        (self.way != Way::Local).then_some(self.become_timeout)
    }

    /// The port, 22 if nobody says.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(22)
    }
}

impl Become {
    /// Who a task of `host` runs as: none without `become`. Variables of the host go before the keywords, as in Ansible.
    ///
    /// # Errors
    /// An unknown `become_method`, or an unusable variable.
    pub fn from_vars(
        host: &str,
        get: Lookup<'_>,
        keywords: &BecomeKeywords,
        defaults: &ConnectionDefaults,
    ) -> Result<Option<Self>, ConnectionError> {
        let vars = Vars { host, get };
        if !vars.flag(&["ansible_become"])?.unwrap_or(keywords.enabled) {
            return Ok(None);
        }
        let name = vars
            .text(&["ansible_become_method"])
            .or_else(|| keywords.method.clone())
            .unwrap_or_else(|| "sudo".into());
        let method = BecomeMethod::from_name(&name)
            .ok_or_else(|| vars.unusable("become_method", "`sudo`, `su` or `doas`"))?;
        let of_method = |word: &str| format!("ansible_{}_{word}", method.name());
        let either = |word: &str, method_word: &str| {
            vars.text(&[&format!("ansible_become_{word}"), &of_method(method_word)])
        };
        let password = vars.secret(&[
            "ansible_become_password",
            "ansible_become_pass",
            &of_method("password"),
            &of_method("pass"),
        ]);
        Ok(Some(Self {
            method,
            user: either("user", "user").or_else(|| keywords.user.clone()).unwrap_or_else(|| "root".into()),
            password: password.or_else(|| defaults.become_password.clone()).map(Text::into_secret),
            flags: either("flags", "flags").or_else(|| keywords.flags.clone()),
            program: either("exe", "exe").or_else(|| keywords.exe.clone()),
            prompts: match method {
                BecomeMethod::Su => vars.words("ansible_su_prompt_l10n").unwrap_or(keywords.prompts.clone()),
                _ => Vec::new(),
            },
        }))
    }
}

/// The variables of one host, with Ansible's conversions.
struct Vars<'a> {
    host: &'a str,
    get: Lookup<'a>,
}

impl Vars<'_> {
    /// The first of the names that has a value.
    fn value(&self, names: &[&str]) -> Option<Value> {
        names
            .iter()
            .filter_map(|name| (self.get)(name))
            .find(|value| !value.is_null() && !value.is_undefined())
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        let text = match self.value(names)? {
            Value::Str(text) => text.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Float(number) => number.to_string(),
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A list of texts; one text is split at commas.
    fn words(&self, name: &str) -> Option<Vec<String>> {
        match self.value(&[name])? {
            Value::List(list) => Some(list.iter().map(data::python::str).collect()),
            other => Some(data::python::str(&other).split(',').map(|word| word.trim().to_owned()).collect()),
        }
    }

    fn secret(&self, names: &[&str]) -> Option<Text> {
        self.text(names).map(|text| Text::plain(text).into_secret())
    }

    fn path(&self, names: &[&str]) -> Option<PathBuf> {
        self.text(names).map(|text| home_path(&text).unwrap_or_else(|| PathBuf::from(text)))
    }

    fn number(&self, names: &[&str]) -> Result<Option<u64>, ConnectionError> {
        let Some(text) = self.text(names) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| self.unusable(names[0], "a whole number"))
    }

    fn flag(&self, names: &[&str]) -> Result<Option<bool>, ConnectionError> {
        let Some(text) = self.text(names) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Ok(Some(true)),
            "false" | "no" | "off" | "0" | "n" | "f" => Ok(Some(false)),
            _ => Err(self.unusable(names[0], "`true` or `false`")),
        }
    }

    fn ssh_options(&self, defaults: &ConnectionDefaults) -> (Vec<String>, SshOptions) {
        let common = self.text(&["ansible_ssh_common_args"]).or_else(|| defaults.ssh_common_args.clone());
        let extra = self.text(&["ansible_ssh_extra_args"]).or_else(|| defaults.ssh_extra_args.clone());
        let first = self.text(&["ansible_ssh_args"]).or_else(|| defaults.ssh_args.clone());
        let lines = [first, common, extra];
        let words: Vec<String> = lines.into_iter().flatten().flat_map(|line| split_words(&line)).collect();
        let options = SshOptions::from_words(&words);
        (words, options)
    }

    /// The settings of a container: of all that concerns ssh nothing counts.
    fn container(
        &self,
        engine: Engine,
        defaults: &ConnectionDefaults,
    ) -> Result<ConnectionSettings, ConnectionError> {
        let of_engine = |word: &str| format!("ansible_{}_{word}", engine.name());
        let local = |_: &str| None;
        let plain = ConnectionDefaults {
            connection: Some("local".into()),
            timeout: defaults.timeout,
            ephemeral: defaults.ephemeral,
            ..Default::default()
        };
        let settings = ConnectionSettings::from_vars(self.host, &local, &plain)?;
        let timeout = self.number(&["ansible_timeout", &of_engine("timeout")])?.map(Duration::from_secs);
        let extra = self.text(&[&of_engine("extra_args")]).unwrap_or_default();
        Ok(ConnectionSettings {
            way: Way::Container(engine),
            address: self.text(&["ansible_host", &of_engine("host")]).unwrap_or_else(|| self.host.to_owned()),
            user: self.text(&["ansible_user", &of_engine("user")]).or_else(|| defaults.user.clone()),
            timeout: timeout.filter(|limit| !limit.is_zero()).unwrap_or(settings.timeout),
            ssh_program: self.text(&[&of_engine("executable")]).unwrap_or_else(|| engine.name().into()),
            ssh_words: split_words(&extra),
            ..settings
        })
    }

    fn way(&self, defaults: &ConnectionDefaults, options: &SshOptions) -> Result<Way, ConnectionError> {
        let name = self
            .text(&["ansible_connection"])
            .or_else(|| defaults.connection.clone())
            .unwrap_or_else(|| "ssh".into());
        match name.rsplit('.').next().unwrap_or(&name) {
            "local" => Ok(Way::Local),
            "docker" | "docker_api" => Ok(Way::Container(Engine::Docker)),
            "podman" => Ok(Way::Container(Engine::Podman)),
            "openssh" => Ok(Way::OpenSsh("`ansible_connection: openssh`".into())),
            "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "libssh" => Ok(match &options.beyond {
                Some(option) => Way::OpenSsh(format!("the option `{option}`")),
                None => Way::Ssh,
            }),
            _ => Err(self.unusable(
                "ansible_connection",
                &format!("`ssh`, `openssh`, `local`, `docker` or `podman`, not `{name}`"),
            )),
        }
    }

    fn host_key_check(
        &self,
        option: Option<HostKeyCheck>,
        defaults: &ConnectionDefaults,
    ) -> Result<HostKeyCheck, ConnectionError> {
        let checking = self.flag(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"])?;
        Ok(match (option, checking.or(defaults.host_key_checking)) {
            (Some(check), _) => check,
            (None, Some(false)) => HostKeyCheck::Off,
            (None, _) => HostKeyCheck::Strict,
        })
    }

    fn unusable(&self, name: &str, wants: &str) -> ConnectionError {
        ConnectionError::Unreachable {
            host: self.host.to_owned(),
            cause: Box::new(Unreachable::Settings {
                detail: format!("the value of `{name}` cannot be used for host `{}`", self.host),
                help: format!("`{name}` takes {wants}"),
            }),
        }
    }
}

/// Whether the user's own words say how to get there.
fn has_proxy(words: &[String]) -> bool {
    words.iter().any(|word| {
        word.to_ascii_lowercase().trim_start_matches("-o").starts_with("proxy") || word.starts_with("-J")
    })
}

fn default_known_hosts() -> Vec<PathBuf> {
    home_path("~/.ssh/known_hosts").into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Result<ConnectionSettings, ConnectionError> {
        let get =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| Value::from(*value));
        ConnectionSettings::from_vars("master1", &get, &ConnectionDefaults::default())
    }

    #[test]
    fn a_bare_host_is_reached_by_its_name_over_ssh() {
        let found = settings(&[]).unwrap();
        assert_eq!((found.address.as_str(), found.port(), found.user), ("master1", 22, None));
        assert_eq!(found.way, Way::Ssh);
        assert_eq!(found.host_key_check, HostKeyCheck::Strict);
        assert_eq!(found.timeout, Duration::from_secs(10));
    }

    #[test]
    fn old_names_of_variables_work() {
        let found = settings(&[
            ("ansible_ssh_host", "10.0.0.1"),
            ("ansible_ssh_port", "2222"),
            ("ansible_ssh_user", "u"),
            ("ansible_ssh_pass", "p"),
        ])
        .unwrap();
        assert_eq!(
            (found.address.as_str(), found.port(), found.user.as_deref()),
            ("10.0.0.1", 2222, Some("u"))
        );
        assert_eq!(found.password.as_deref(), Some("p"));
        assert!(!format!("{:?}", found.password).contains('p'));
    }

    #[test]
    fn a_proxy_makes_openssh_the_transport() {
        let found =
            settings(&[("ansible_ssh_common_args", "-o ProxyCommand='ssh -W %h:%p bastion'")]).unwrap();
        assert!(matches!(found.way, Way::OpenSsh(_)));
        assert_eq!(found.ssh_words, ["-o", "ProxyCommand=ssh -W %h:%p bastion"]);
    }

    #[test]
    fn a_bastion_is_gone_through_unless_the_user_says_how() {
        let jump =
            Some(Box::new(ConnectionSettings::from_vars("b", &|_| None, &Default::default()).unwrap()));
        let defaults = ConnectionDefaults { jump, ..Default::default() };
        let with = |name: &'static str, value: &'static str| {
            let get = move |asked: &str| (asked == name).then(|| Value::from(value));
            ConnectionSettings::from_vars("inner", &get, &defaults).unwrap()
        };
        assert_eq!(with("", "").way, Way::OpenSsh("the bastion `b`".into()));
        assert!(with("", "").jump.is_some());
        assert!(with("ansible_ssh_common_args", "-J other").jump.is_none());
        assert_eq!(with("ansible_connection", "local").way, Way::Local);
        assert!(with("ansible_connection", "local").jump.is_none());
    }

    #[test]
    fn an_unusable_value_names_its_variable() {
        for (name, value) in
            [("ansible_port", "ssh"), ("ansible_port", "70000"), ("ansible_connection", "winrm")]
        {
            let message = settings(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn host_variables_go_before_become_keywords() {
        let keywords = BecomeKeywords { enabled: true, user: Some("app".into()), ..Default::default() };
        let get = |name: &str| (name == "ansible_become_user").then(|| Value::from("root"));
        let found = Become::from_vars("h", &get, &keywords, &ConnectionDefaults::default()).unwrap();
        assert_eq!(found, Some(Become::sudo("root")));
        let off = |name: &str| (name == "ansible_become").then(|| Value::from(false));
        assert_eq!(Become::from_vars("h", &off, &keywords, &ConnectionDefaults::default()).unwrap(), None);
    }

    #[test]
    fn checking_of_host_keys_follows_the_most_explicit_word() {
        let off = settings(&[("ansible_host_key_checking", "no")]).unwrap();
        assert_eq!(off.host_key_check, HostKeyCheck::Off);
        let new = settings(&[
            ("ansible_host_key_checking", "no"),
            ("ansible_ssh_common_args", "-o StrictHostKeyChecking=accept-new"),
        ]);
        assert_eq!(new.unwrap().host_key_check, HostKeyCheck::AcceptNew);
    }
}
