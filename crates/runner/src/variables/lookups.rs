//! What the template engine asks the run for: the lookups `url` and `config`, settings, and an ear for warnings.

use std::sync::PoisonError;

use data::{Diagnostic, Map, Value, python};
use modules::RunRequest;
use template::Host;

use crate::settings::{self, NoSetting};
use crate::variables::scope::TaskScope;

/// The release in which Ansible takes away what it warns of in 2.19.
pub(crate) const REMOVED_IN: &str = "2.23";

/// How long a test in a template waits for the resolver.
const RESOLVING: std::time::Duration = std::time::Duration::from_secs(10);

impl Host for TaskScope {
    fn lookup(&self, name: &str, terms: &[Value], options: &Map) -> Option<Result<Vec<Value>, String>> {
        match name {
            "config" => Some(self.config(terms, options)),
            "url" => Some(self.url(terms, options)),
            _ => None,
        }
    }

    fn warn(&self, warning: Diagnostic) {
        self.shared.warn(warning);
    }

    fn deprecated(&self, message: &str) {
        let own = self.rendered("ansible_deprecation_warnings").as_ref().and_then(playbook::boolean);
        if !own.unwrap_or_else(|| settings::is_on("DEPRECATION_WARNINGS", &self.shared.options)) {
            return;
        }
        if let Some(heard) = &self.deprecations {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            if !heard.iter().any(|known| known == message) {
                heard.push(message.to_owned());
            }
            return;
        }
        let text = format!("{message} This feature will be removed from ansible-core version {REMOVED_IN}.");
        self.shared.warn(Diagnostic::deprecation(text));
    }

    fn setting(&self, name: &str) -> Option<String> {
        settings::text(name, &self.shared.options)
    }

    fn resolves(&self, name: &str) -> bool {
        modules::is_resolvable(name, RESOLVING)
    }

    fn is_module(&self, name: &str) -> bool {
        crate::action::exists(name) || crate::module::foreign::is_ansibles(name)
    }

    fn action(&self) -> Option<String> {
        self.task.as_ref().map(|task| task.action.name.to_string())
    }
}

impl TaskScope {
    fn rendered(&self, name: &str) -> Option<Value> {
        self.variable(name).ok().flatten()
    }

    /// `lookup('config', 'NAME', plugin_type=..., plugin_name=..., on_missing=..., show_origin=...)`
    fn config(&self, terms: &[Value], options: &Map) -> Result<Vec<Value>, String> {
        let missing = options.get_str("on_missing").unwrap_or("error");
        if !matches!(missing, "error" | "skip" | "warn") {
            return Err(format!("Invalid value '{missing}' for config 'on_missing'."));
        }
        let plugin = match (options.get_str("plugin_type"), options.get_str("plugin_name")) {
            (Some(kind), Some(name)) => Some((kind, name)),
            (None, None) => None,
            _ => {
                let why = "Both plugin_type and plugin_name are required, cannot use one without the other.";
                return Err(why.to_owned());
            }
        };
        let show_origin = options.get("show_origin").is_some_and(is_true);
        let mut found = Vec::new();
        for term in terms {
            let Some(name) = term.as_str() else {
                return Err(format!(
                    "Invalid setting identifier, {} is not a <class 'str'>, its a <class '{}'>.",
                    python::repr(term),
                    term.kind().python_name()
                ));
            };
            match settings::find(name, plugin, &self.shared.options, &|name| self.rendered(name)) {
                Ok((value, origin)) if show_origin => found.push(vec![value, origin.into()].into()),
                Ok((value, _)) => found.push(value),
                Err(NoSetting::Undefined) if missing == "skip" => {}
                Err(NoSetting::Undefined) if missing == "warn" => {
                    self.warn(Diagnostic::warning(format!(
                        "Skipping {name}: No config definition exists for '{name}'."
                    )));
                }
                Err(NoSetting::Undefined) => {
                    let of = plugin
                        .map(|(kind, plugin)| format!(" for '{plugin}' {kind} plugin"))
                        .unwrap_or_default();
                    return Err(format!("No config definition exists for '{name}'{of}."));
                }
                Err(NoSetting::NoPlugin) => {
                    let (kind, plugin) = plugin.unwrap_or_default();
                    if kind == "lookup" && self.shared.engine.has_lookup(plugin) {
                        return Err(format!(
                            "No config definition exists for '{name}' for '{plugin}' lookup plugin."
                        ));
                    }
                    return Err(format!("Unable to load {kind} plugin '{plugin}'."));
                }
            }
        }
        Ok(found)
    }

    /// `lookup('url', 'https://...')`: the lines of what a server answers, or the whole of it with `split_lines=false`.
    fn url(&self, terms: &[Value], options: &Map) -> Result<Vec<Value>, String> {
        let mut args = self.url_arguments(options)?;
        let split = options.get("split_lines").is_none_or(is_true);
        let mut found = Vec::new();
        for term in terms {
            let url = python::str(term);
            args.insert("url", url.as_str());
            let answer = modules::run_local(&RunRequest::new("uri", args.clone()));
            let msg = answer.get_str("msg").unwrap_or_default();
            match answer.get("content").and_then(Value::as_str) {
                Some(content) if !answer.get("failed").is_some_and(is_true) => {
                    if split {
                        found.extend(content.lines().map(Value::from));
                    } else {
                        found.push(Value::from(content));
                    }
                }
                _ => return Err(explained(&url, &answer, msg)),
            }
        }
        Ok(found)
    }

    /// The options as arguments of the module `uri`.
    fn url_arguments(&self, options: &Map) -> Result<Map, String> {
        let mut args = Map::from([("return_content", Value::from(true)), ("method", "GET".into())]);
        let known = [
            ("validate_certs", "validate_certs", None),
            ("use_proxy", "use_proxy", None),
            ("username", "url_username", None),
            ("password", "url_password", None),
            ("headers", "headers", None),
            ("force", "force", Some("ansible_lookup_url_force")),
            ("timeout", "timeout", Some("ansible_lookup_url_timeout")),
            ("http_agent", "http_agent", Some("ansible_lookup_url_agent")),
            ("force_basic_auth", "force_basic_auth", Some("ansible_lookup_url_force_basic_auth")),
            ("follow_redirects", "follow_redirects", Some("ansible_lookup_url_follow_redirects")),
            ("use_gssapi", "use_gssapi", Some("ansible_lookup_url_use_gssapi")),
            ("ca_path", "ca_path", Some("ansible_lookup_url_ca_path")),
            ("use_netrc", "use_netrc", None),
            ("unredirected_headers", "unredirected_headers", Some("ansible_lookup_url_unredir_headers")),
        ];
        for (option, argument, variable) in known {
            let given = options.get(option).filter(|value| !value.is_null()).cloned();
            if let Some(value) = given.or_else(|| variable.and_then(|name| self.rendered(name))) {
                args.insert(argument, value);
            }
        }
        if options.get("unix_socket").is_some_and(|value| !value.is_null()) {
            return Err("unix_socket is not supported".to_owned());
        }
        if !args.contains_key("timeout") {
            args.insert("timeout", 10);
        }
        if args.contains_key("url_username") && !args.contains_key("url_password") {
            args.insert("url_password", "");
        }
        Ok(args)
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Str(word) => modules::boolean_word(word).unwrap_or(false),
        other => other.is_truthy(),
    }
}

/// Ansible's words for what went wrong.
fn explained(url: &str, answer: &Map, msg: &str) -> String {
    let status = answer.get("status").and_then(Value::as_int).unwrap_or(-1);
    // The module says first which status it wanted; the lookup wants a page, whatever its status is called.
    let reason = msg.strip_prefix("Status code was ").and_then(|rest| rest.split_once(": "));
    let reason = reason.map_or(msg, |(_, reason)| reason);
    let reason = reason.strip_prefix("Request failed: ").unwrap_or(reason);
    if status > 0 {
        let named = reason.strip_prefix(&format!("HTTP Error {status}: ")).or_else(|| redirection(status));
        return format!("Received HTTP error for {url}: HTTP Error {status}: {}", named.unwrap_or(reason));
    }
    let about_trust = ["certificate", "InvalidCertificate", "UnknownIssuer", "tls"];
    if about_trust.iter().any(|word| reason.contains(word)) {
        return format!("Error validating the server's certificate for {url}: {reason}");
    }
    format!("Failed lookup url for {url}: {reason}")
}

/// The name of a status that leads elsewhere (RFC 9110, section 15.4).
fn redirection(status: i128) -> Option<&'static str> {
    Some(match status {
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        _ => return None,
    })
}
