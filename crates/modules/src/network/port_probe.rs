//! `taskbox.core.port_probe`: knocks at TCP ports of other hosts, all at once, and tells which answered.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use data::{Map, Value};

use super::resolve;
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

/// How many targets are tried at the same time.
const AT_ONCE: usize = 64;

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "port_probe",
    collection: "taskbox.core",
    summary: "Connect to TCP ports and tell which are open, refused, silent or unreachable",
    args: &[
        Arg::list("targets", ArgType::Raw)
            .required()
            .help("What to connect to: dictionaries of `host`, `port` and an optional `name`, or texts `host:port`."),
        Arg::new("timeout", ArgType::Float)
            .default(Default::Float(2.0))
            .help("Seconds to wait for each target."),
    ],
    run,
    ..ModuleSpec::DEFAULTS
};

/// One thing to connect to.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    host: String,
    port: u16,
    name: Option<String>,
}

/// How a target answered.
struct Answer {
    state: &'static str,
    address: Option<SocketAddr>,
    msg: Option<String>,
    time: Duration,
}

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let targets = args.list("targets").iter().map(Target::from_value).collect::<Result<Vec<_>, _>>()?;
    let seconds = args.float("timeout").unwrap_or(2.0);
    let limit = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| Failure::new(format!("timeout must be a number of seconds above 0, not {seconds}")))?;
    let mut results = Vec::new();
    for group in targets.chunks(AT_ONCE) {
        context.go_on()?;
        let answers = probe_all(group, limit, context);
        results.extend(group.iter().zip(answers).map(|(target, answer)| Value::Map(shown(target, answer))));
    }
    Ok(Outcome::unchanged().with("results", results))
}

impl Target {
    fn from_value(value: &Value) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::new(format!(
                "targets: {} is no target: {why}; write `host: NAME` and `port: NUMBER`, or `host:port`",
                data::python::repr(value)
            ))
        };
        let (host, port, name) = if let Some(map) = value.as_map() {
            let text = |key: &str| map.get(key).filter(|value| !value.is_null()).map(data::python::str);
            let host = text("host").ok_or_else(|| wrong("it has no host"))?;
            let port = text("port").ok_or_else(|| wrong("it has no port"))?;
            (host, port, text("name"))
        } else {
            let text = value.as_str().ok_or_else(|| wrong("it is neither text nor a dictionary"))?;
            let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("it has no port"))?;
            (host.to_string(), port.to_string(), None)
        };
        let number = port.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let port = number.ok_or_else(|| wrong("a port is a number from 1 to 65535"))?;
        if host.trim().is_empty() {
            return Err(wrong("its host is empty"));
        }
        Ok(Self { host: host.trim().to_string(), port, name })
    }
}

/// The answers of all targets, in their order.
fn probe_all(targets: &[Target], limit: Duration, context: &Context) -> Vec<Answer> {
    thread::scope(|scope| {
        let running: Vec<_> = targets
            .iter()
            .map(|target| {
                let mut own = Context {
                    environment: context.environment.clone(),
                    cancel: context.cancel.clone(),
                    ..Context::local()
                };
                scope.spawn(move || probe(target, limit, &mut own))
            })
            .collect();
        let broken = || Answer {
            state: "unreachable",
            address: None,
            msg: Some("the probe broke off".to_string()),
            time: Duration::ZERO,
        };
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| broken())).collect()
    })
}

/// Tries the addresses of a target one after the other until one is open or the time is over.
fn probe(target: &Target, limit: Duration, context: &mut Context) -> Answer {
    let start = Instant::now();
    let mut answer = Answer {
        state: "unreachable",
        address: None,
        msg: Some(format!("no address is known for {}", target.host)),
        time: Duration::ZERO,
    };
    for address in resolve::addresses(&target.host, limit, context) {
        let address = SocketAddr::new(address, target.port);
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            (answer.state, answer.address, answer.msg) = ("timeout", Some(address), None);
            break;
        }
        answer.address = Some(address);
        match TcpStream::connect_timeout(&address, left) {
            Ok(_) => {
                (answer.state, answer.msg) = ("open", None);
                break;
            }
            Err(error) => (answer.state, answer.msg) = (state_of(error.kind()), Some(error.to_string())),
        }
    }
    answer.time = start.elapsed();
    answer
}

fn state_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "refused",
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "timeout",
        _ => "unreachable",
    }
}

fn shown(target: &Target, answer: Answer) -> Map {
    let mut shown = Map::from([
        ("host", Value::from(target.host.as_str())),
        ("port", i64::from(target.port).into()),
        ("name", target.name.clone().into()),
        ("state", answer.state.into()),
        ("ms", i64::try_from(answer.time.as_millis()).unwrap_or(i64::MAX).into()),
        ("address", answer.address.map(|address| address.ip().to_string()).into()),
    ]);
    if let Some(msg) = answer.msg {
        shown.insert("msg", msg);
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::{RunRequest, run_local};

    fn states(targets: Vec<Value>) -> Vec<String> {
        let mut request = RunRequest::new("taskbox.core.port_probe", Map::from([("targets", targets)]));
        request.check = true;
        let result = run_local(&request);
        assert_eq!(result.get("changed"), Some(&Value::from(false)), "{result:?}");
        let results = result.get("results").and_then(Value::as_list).unwrap().iter();
        results.map(|one| one.get("state").and_then(Value::as_str).unwrap().to_string()).collect()
    }

    #[test]
    fn open_and_refused_ports_are_told_apart_in_order() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, other) = (open.local_addr().unwrap().port(), closed.local_addr().unwrap().port());
        drop(closed);
        let by_name = Map::from([
            ("host", Value::from("localhost")),
            ("port", port.to_string().into()),
            ("name", "x".into()),
        ]);
        let targets = vec![
            Value::from(format!("127.0.0.1:{other}")),
            Value::Map(by_name),
            Value::from(format!("127.0.0.1:{port}")),
            Value::from("no-such-host.invalid:80"),
        ];
        assert_eq!(states(targets), ["refused", "open", "open", "unreachable"]);
    }

    #[test]
    fn silence_is_a_timeout() {
        assert_eq!(state_of(ErrorKind::TimedOut), "timeout");
        assert_eq!(state_of(ErrorKind::HostUnreachable), "unreachable");
    }

    #[test]
    fn what_is_no_target_is_named() {
        let cases = [
            (Value::from("host"), "no port"),
            (Value::from("host:http"), "1 to 65535"),
            (Value::from("host:0"), "1 to 65535"),
            (Value::from(":80"), "empty"),
            (Value::Map(Map::from([("port", 1)])), "no host"),
            (Value::from(5), "neither"),
        ];
        for (value, why) in cases {
            let failure = Target::from_value(&value).unwrap_err();
            assert!(failure.msg.contains(why), "{}", failure.msg);
        }
        let target = Target::from_value(&Value::from("[::1]:6443")).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("[::1]", 6443));
    }
}
