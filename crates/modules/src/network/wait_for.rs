//! `wait_for`: waits on the host itself until a port, a file or its text is as wanted.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use data::pattern::{Captures, Pattern, PatternFlags};
use data::{Map, Value};

use super::resolve::addresses;
use super::sockets::{Protocol, sockets};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "wait_for",
    summary: "Waits for a condition before continuing",
    args: &[
        Arg::str("host").default_str("127.0.0.1").help("The host whose port it is."),
        Arg::int("timeout").default_int(300).help("How many seconds to wait at most."),
        Arg::int("connect_timeout").default_int(5).help("How many seconds one try to connect may take."),
        Arg::int("delay").default_int(0).help("How many seconds to wait before the first look."),
        Arg::int("port").help("The port."),
        Arg::list("active_connection_states", ArgType::Str)
            .default(Default::List(&[
                "ESTABLISHED",
                "FIN_WAIT1",
                "FIN_WAIT2",
                "SYN_RECV",
                "SYN_SENT",
                "TIME_WAIT",
            ]))
            .help("Which connections count as active for `state: drained`."),
        Arg::path("path").help("The file."),
        Arg::str("search_regex")
            .help("A regular expression to be found in the file, or in what the port sends."),
        Arg::str("state")
            .choices(&["absent", "drained", "present", "started", "stopped"])
            .default_str("started")
            .help("What to wait for."),
        Arg::list("exclude_hosts", ArgType::Str).help("Whose connections do not count for `state: drained`."),
        Arg::int("sleep").default_int(1).help("How many seconds between two looks."),
        Arg::str("msg").help("The message to fail with instead of the usual one."),
    ],
    check_mode: false,
    run,
    ..ModuleSpec::DEFAULTS
};

/// How long one sleep lasts before cancellation is looked at.
const TICK: Duration = Duration::from_millis(100);

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let wait = Wait::new(args)?;
    wait.refuse_contradictions(args)?;
    pause(seconds(args, "delay"), context)?;
    let found = match (wait.state, wait.port, &wait.path) {
        ("drained", ..) => wait.until("drained", context, Wait::is_drained)?,
        (_, None, None) => {
            pause(wait.limit.saturating_sub(wait.start.elapsed()), context)?;
            Found::default()
        }
        ("absent" | "stopped", ..) => wait.until("absent", context, Wait::is_gone)?,
        _ => wait.until("present", context, Wait::is_there)?,
    };
    Ok(Outcome::unchanged()
        .with("state", wait.state)
        .with("port", wait.port.map(i64::from))
        .with("search_regex", args.opt_str("search_regex").map(str::to_string))
        .with("match_groups", found.groups)
        .with("match_groupdict", found.named)
        .with("path", args.opt_str("path").map(str::to_string))
        .with("elapsed", wait.elapsed()))
}

fn seconds(args: &Args, name: &str) -> Duration {
    Duration::from_secs(args.int(name).and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0))
}

/// Sleeps, but not longer than anybody wants to wait.
fn pause(length: Duration, context: &Context) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        context.go_on()?;
        let left = length.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(TICK));
    }
}

/// The groups of `search_regex` that were found.
#[derive(Default)]
struct Found {
    groups: Vec<Value>,
    named: Map,
}

struct Wait<'a> {
    start: Instant,
    limit: Duration,
    connect: Duration,
    sleep: Duration,
    state: &'a str,
    host: &'a str,
    port: Option<u16>,
    path: Option<std::path::PathBuf>,
    pattern: Option<Pattern>,
    search: Option<&'a str>,
    msg: Option<&'a str>,
    counted: Vec<&'a str>,
    excluded: Vec<&'a str>,
}

impl<'a> Wait<'a> {
    fn new(args: &'a Args) -> Result<Self, Failure> {
        let flags = PatternFlags { multiline: true, ..PatternFlags::default() };
        let pattern = args.opt_str("search_regex").map(|text| Pattern::with_flags(text, flags)).transpose();
        let port = args.int("port").filter(|port| *port != 0).map(u16::try_from).transpose();
        Ok(Self {
            start: Instant::now(),
            limit: seconds(args, "timeout"),
            connect: seconds(args, "connect_timeout").max(Duration::from_millis(1)),
            sleep: seconds(args, "sleep"),
            state: args.str("state")?,
            host: args.str("host")?,
            port: port.map_err(|_| Failure::new("port must be between 1 and 65535"))?,
            path: args.opt_path("path"),
            pattern: pattern.map_err(|error| Failure::new(format!("Invalid regular expression: {error}")))?,
            search: args.opt_str("search_regex"),
            msg: args.opt_str("msg"),
            counted: args.strings("active_connection_states"),
            excluded: args.strings("exclude_hosts"),
        })
    }

    fn refuse_contradictions(&self, args: &Args) -> Result<(), Failure> {
        let fail = |said: &str| Err(Failure::new(said).with("elapsed", 0));
        if self.port.is_some() && self.path.is_some() {
            return fail("port and path parameter can not both be passed to wait_for");
        }
        if self.path.is_some() && self.state == "stopped" {
            return fail("state=stopped should only be used for checking a port in the wait_for module");
        }
        if self.path.is_some() && self.state == "drained" {
            return fail("state=drained should only be used for checking a port in the wait_for module");
        }
        if args.has("exclude_hosts") && self.state != "drained" {
            return fail("exclude_hosts should only be with state=drained");
        }
        let known = ["ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"];
        if let Some(other) = self.counted.iter().find(|state| !known.contains(state)) {
            return fail(&format!("unknown active_connection_state ({other}) defined"));
        }
        Ok(())
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Looks again and again until a look finds something.
    fn until(
        &self,
        what: &str,
        context: &mut Context,
        look: fn(&Self, &mut Context) -> Result<Option<Found>, Failure>,
    ) -> Result<Found, Failure> {
        while !self.left().is_zero() {
            if let Some(found) = look(self, context)? {
                return Ok(found);
            }
            pause(self.sleep.min(self.left()), context)?;
        }
        Err(self.timed_out(what))
    }

    fn timed_out(&self, what: &str) -> Failure {
        let host = self.host;
        let place = match (self.port, &self.path) {
            (Some(port), _) => format!("{host}:{port}"),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => host.to_string(),
        };
        let said = match (what, self.search, self.port) {
            ("drained", ..) => format!("Timeout when waiting for {place} to drain"),
            ("absent", _, Some(_)) => format!("Timeout when waiting for {place} to stop."),
            ("absent", ..) => format!("Timeout when waiting for {place} to be absent."),
            (_, Some(search), _) => format!("Timeout when waiting for search string {search} in {place}"),
            (_, None, Some(_)) => format!("Timeout when waiting for {place}"),
            (_, None, None) => format!("Timeout when waiting for file {place}"),
        };
        Failure::new(self.msg.map_or(said, str::to_string)).with("elapsed", self.elapsed())
    }

    fn connect(&self, port: u16, context: &mut Context) -> Option<TcpStream> {
        let limit = self.connect.min(self.left()).max(Duration::from_millis(1));
        let found = addresses(self.host, limit, context);
        found
            .iter()
            .find_map(|address| TcpStream::connect_timeout(&SocketAddr::new(*address, port), limit).ok())
    }

    fn is_gone(&self, context: &mut Context) -> Result<Option<Found>, Failure> {
        let there = match (self.port, &self.path) {
            (Some(port), _) => self.connect(port, context).is_some(),
            (None, Some(path)) => path.exists(),
            (None, None) => false,
        };
        Ok((!there).then(Found::default))
    }

    fn is_there(&self, context: &mut Context) -> Result<Option<Found>, Failure> {
        if let Some(path) = &self.path {
            return self.file_is_there(path);
        }
        let Some(stream) = self.port.and_then(|port| self.connect(port, context)) else { return Ok(None) };
        match &self.pattern {
            None => Ok(Some(Found::default())),
            Some(pattern) => self.listen(stream, pattern, context),
        }
    }

    fn file_is_there(&self, path: &Path) -> Result<Option<Found>, Failure> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let said = format!("Failed to stat {}, {error}", path.display());
                return Err(
                    Failure::new(self.msg.map_or(said, str::to_string)).with("elapsed", self.elapsed())
                );
            }
            Ok(_) => {}
        }
        let Some(pattern) = &self.pattern else { return Ok(Some(Found::default())) };
        let Ok(bytes) = fs::read(path) else { return Ok(None) };
        search(pattern, &bytes)
    }

    /// Reads what the port sends until the pattern is in it, the port closes, or the time is up.
    fn listen(
        &self,
        mut stream: TcpStream,
        pattern: &Pattern,
        context: &Context,
    ) -> Result<Option<Found>, Failure> {
        let mut seen = Vec::new();
        let mut buffer = [0; 1024];
        while !self.left().is_zero() {
            context.go_on()?;
            // Without a limit the read would wait for ever; with an invalid one it fails, which ends this try only.
            let _ = stream.set_read_timeout(Some(self.left().min(TICK).max(Duration::from_millis(1))));
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(_) => return Ok(None),
            }
            if let Some(found) = search(pattern, &seen)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// No connection to the port is active, as the kernel sees it.
    fn is_drained(&self, context: &mut Context) -> Result<Option<Found>, Failure> {
        let limit = self.connect;
        let own = addresses(self.host, limit, context);
        let mut excluded = Vec::new();
        for host in &self.excluded {
            excluded.extend(addresses(host, limit, context));
        }
        let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let active = sockets(Protocol::Tcp).into_iter().any(|socket| {
            let (local, remote) = (socket.local.0.to_canonical(), socket.remote.0.to_canonical());
            Some(socket.local.1) == self.port
                && self.counted.contains(&socket.state_name())
                && !excluded.contains(&remote)
                && (own.contains(&local) || own.iter().any(|address| any.contains(address)))
        });
        Ok((!active).then(Found::default))
    }
}

fn search(pattern: &Pattern, bytes: &[u8]) -> Result<Option<Found>, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let found = pattern.search(&text).map_err(|error| Failure::new(error.to_string()))?;
    Ok(found.map(|found| groups(pattern, &found)))
}

fn groups(pattern: &Pattern, found: &Captures) -> Found {
    let text = |part: Option<fancy_regex::Match<'_>>| part.map(|part| part.as_str().to_string()).into();
    let groups = (1..found.len()).map(|at| text(found.get(at))).collect();
    let names = pattern.regex().capture_names().flatten();
    let named = names.map(|name| (name, text(found.name(name)))).collect();
    Found { groups, named }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn call(args: &[(&str, Value)]) -> Map {
        let args: Map = args.iter().cloned().collect();
        crate::run_local(&crate::RunRequest::new("wait_for", args))
    }

    #[test]
    fn an_open_port_is_enough_and_a_closed_one_has_stopped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Value::from(i64::from(listener.local_addr().unwrap().port()));
        assert_eq!(call(&[("port", port.clone())]).get("failed"), None);
        drop(listener);
        assert_eq!(call(&[("port", port), ("state", "stopped".into())]).get("failed"), None);
    }

    #[test]
    fn the_text_of_a_file_is_searched_line_by_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "one\nready: 42").unwrap();
        let path = Value::from(file.path().to_str().unwrap());
        let result = call(&[("path", path), ("search_regex", r"^ready: (?P<n>\d+)$".into())]);
        assert_eq!(result.get("match_groupdict").and_then(|named| named.get("n")), Some(&Value::from("42")));
    }

    #[test]
    fn what_a_port_sends_is_searched() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Value::from(i64::from(listener.local_addr().unwrap().port()));
        let server =
            std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"SSH-2.0-x\r\n").unwrap());
        assert_eq!(call(&[("port", port), ("search_regex", "SSH".into())]).get("failed"), None);
        server.join().unwrap();
    }

    #[test]
    fn what_never_comes_is_a_timeout_that_names_it() {
        let result = call(&[("path", "/no/such/file".into()), ("timeout", 0.into())]);
        assert_eq!(result.get_str("msg"), Some("Timeout when waiting for file /no/such/file"));
        let result = call(&[("path", "/x".into()), ("port", 1.into())]);
        assert_eq!(result.get_str("msg"), Some("port and path parameter can not both be passed to wait_for"));
    }

    #[test]
    fn a_port_without_connections_is_drained() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Value::from(i64::from(listener.local_addr().unwrap().port()));
        assert_eq!(call(&[("port", port), ("state", "drained".into())]).get("failed"), None);
    }
}
