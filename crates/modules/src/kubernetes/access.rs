//! How a cluster is reached: the arguments that all its modules share, as a file of settings that only its owner can read, so that no
//! secret stands on a command line.

use std::io::Write;
use std::path::Path;

use data::json::{self, JsonStyle};
use data::{Map, Value};
use tempfile::NamedTempFile;

use crate::process::Command;
use crate::{Arg, ArgType, Args, Context, Failure, Rules};

/// The arguments of `k8s` and `k8s_info`.
pub(super) const ARGS: &[Arg] = &[
    Arg::raw("kubeconfig").no_log().help("The settings file on the target, or its content as a dictionary; not given: `K8S_AUTH_KUBECONFIG`, else kubectl's own."),
    Arg::str("context").help("The context of the settings to use; not given: `K8S_AUTH_CONTEXT`, else the current one."),
    Arg::str("host").help("The address of the API server."),
    Arg::str("api_key").no_log().help("A bearer token."),
    Arg::str("username").help("The user, for basic authentication."),
    Arg::str("password").no_log().help("The user's password."),
    Arg::bool("validate_certs").aliases(&["verify_ssl"]).help("Refuse certificates that nobody trusts."),
    Arg::path("ca_cert").aliases(&["ssl_ca_cert"]).help("The authority of the API server's certificate, a file on the target."),
    Arg::path("client_cert").aliases(&["cert_file"]).help("The certificate to show, a file on the target."),
    Arg::path("client_key").aliases(&["key_file"]).help("Its key, a file on the target."),
    Arg::str("proxy").help("The proxy to use."),
    Arg::str("no_proxy").help("Hosts to reach without it."),
    Arg::new("proxy_headers", ArgType::Dict)
        .options(
            &[
                Arg::str("proxy_basic_auth").no_log().help("Credentials for the proxy; not supported."),
                Arg::str("basic_auth").no_log().help("Credentials; not supported."),
                Arg::str("user_agent").help("The user agent; not supported."),
            ],
            Rules::NONE,
        )
        .help("Headers for the proxy; not supported, must not be given."),
    Arg::bool("persist_config").help("Accepted for playbooks that set it; settings are written by kubectl."),
    Arg::str("impersonate_user").help("The user to act as."),
    Arg::list("impersonate_groups", ArgType::Str).help("The groups to act as."),
];

/// The way to a cluster; the settings file goes away with it.
#[derive(Debug)]
pub(super) struct Access {
    settings: Option<NamedTempFile>,
    options: Vec<String>,
    environment: Vec<(&'static str, String)>,
    kubeconfig: Option<String>,
    context: Option<String>,
}

impl Access {
    /// Reads the arguments.
    ///
    /// # Errors
    /// For what is not supported, and when the settings cannot be written.
    pub(super) fn new(args: &Args, context: &Context) -> Result<Self, Failure> {
        if args.has("proxy_headers") {
            return Err(Failure::new("proxy_headers is not supported: kubectl cannot send them"));
        }
        let mut access = Self {
            settings: None,
            options: Vec::new(),
            environment: Vec::new(),
            kubeconfig: None,
            context: args
                .opt_str("context")
                .map(str::to_owned)
                .or_else(|| context.variable("K8S_AUTH_CONTEXT")),
        };
        match args.get("kubeconfig") {
            Some(Value::Map(content)) => access.write(content, context)?,
            Some(other) => access.kubeconfig = Some(data::python::str(other)),
            None if args.has("host") || args.has("api_key") => access.write(&settings_of(args), context)?,
            None => access.kubeconfig = context.variable("K8S_AUTH_KUBECONFIG"),
        }
        for (name, variable) in [("proxy", "HTTPS_PROXY"), ("no_proxy", "NO_PROXY")] {
            if let Some(value) = args.opt_str(name) {
                access.environment.push((variable, value.to_owned()));
            }
        }
        if let Some(user) = args.opt_str("impersonate_user") {
            access.options.push(format!("--as={user}"));
        }
        access
            .options
            .extend(args.strings("impersonate_groups").iter().map(|group| format!("--as-group={group}")));
        Ok(access)
    }

    fn write(&mut self, content: &Map, context: &Context) -> Result<(), Failure> {
        let file = secret_file(&Value::Map(content.clone()), ".json", &context.tmpdir)?;
        self.kubeconfig = Some(file.path().display().to_string());
        self.settings = Some(file);
        Ok(())
    }

    /// `kubectl` with its options.
    pub(super) fn kubectl(&self, program: &Path) -> Command {
        let mut command = self.with_environment(Command::new(program));
        if let Some(file) = &self.kubeconfig {
            command = command.arg(format!("--kubeconfig={file}"));
        }
        if let Some(name) = &self.context {
            command = command.arg(format!("--context={name}"));
        }
        command.args(&self.options)
    }

    /// `helm`, which takes the same by other names.
    pub(super) fn helm(&self, program: &Path) -> Command {
        let mut command = self.with_environment(Command::new(program));
        if let Some(file) = &self.kubeconfig {
            command = command.env("KUBECONFIG", file);
        }
        match &self.context {
            Some(name) => command.env("HELM_KUBECONTEXT", name),
            None => command,
        }
    }

    fn with_environment(&self, command: Command) -> Command {
        self.environment
            .iter()
            .fold(command.plain_language(), |command, (name, value)| command.env(name, value))
    }
}

/// A file with a value as JSON, which is YAML too, with mode 0600 from its first byte.
///
/// # Errors
/// If it cannot be written.
pub(super) fn secret_file(content: &Value, suffix: &str, folder: &Path) -> Result<NamedTempFile, Failure> {
    let failed = |error: &std::io::Error| Failure::io("could not write into", folder, error);
    let file = tempfile::Builder::new().prefix("taskbox-").suffix(suffix).tempfile_in(folder);
    let mut file = file.map_err(|error| failed(&error))?;
    let text = json::write(content, &JsonStyle::default());
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(|error| failed(&error))?;
    Ok(file)
}

/// The settings that single arguments mean.
fn settings_of(args: &Args) -> Map {
    let mut cluster = Map::new();
    if let Some(host) = args.opt_str("host") {
        cluster.insert("server", host);
    }
    match (args.opt_bool("validate_certs"), args.opt_str("ca_cert")) {
        (Some(false), _) => drop(cluster.insert("insecure-skip-tls-verify", true)),
        (_, Some(file)) => drop(cluster.insert("certificate-authority", file)),
        _ => {}
    }
    let mut user = Map::new();
    for (name, key) in [
        ("api_key", "token"),
        ("username", "username"),
        ("password", "password"),
        ("client_cert", "client-certificate"),
        ("client_key", "client-key"),
    ] {
        if let Some(value) = args.opt_str(name) {
            user.insert(key, value);
        }
    }
    let named = |kind: &'static str, content: Map| {
        Value::from(vec![Value::Map(Map::from([("name", Value::from("taskbox")), (kind, content.into())]))])
    };
    Map::from([
        ("apiVersion", Value::from("v1")),
        ("kind", "Config".into()),
        ("current-context", "taskbox".into()),
        ("clusters", named("cluster", cluster)),
        ("users", named("user", user)),
        ("contexts", named("context", Map::from([("cluster", "taskbox"), ("user", "taskbox")]))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_into_a_file_and_never_onto_a_command_line() {
        use std::os::unix::fs::PermissionsExt;
        let given = Map::from([
            ("kind", "Pod"),
            ("host", "https://h:6443"),
            ("api_key", "s3cret"),
            ("verify_ssl", "no"),
        ]);
        let args = super::super::k8s_info::SPEC.parse(&given, &|_| None).unwrap();
        let access = Access::new(&args, &Context::local()).unwrap();
        let line = access.kubectl(Path::new("kubectl")).display();
        assert!(line.contains("--kubeconfig=") && !line.contains("s3cret"), "{line}");
        let file = access.settings.unwrap();
        assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let settings = json::parse(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        let cluster = settings.get("clusters").unwrap().as_list().unwrap()[0].get("cluster").unwrap();
        assert_eq!(cluster.get("insecure-skip-tls-verify"), Some(&Value::from(true)));
    }
}
