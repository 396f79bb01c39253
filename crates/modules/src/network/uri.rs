//! `uri`: a request to a web service and what it answered.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use data::json::{self, JsonStyle};
use data::{Map, Value};

use super::get_url::headers;
use super::http::{self, Answer, Call, mask};
use super::multipart::multipart;
use crate::atomic_write;
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome, Rules, sha1_of_file};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "uri",
    summary: "Interacts with webservices",
    args: &[
        Arg::str("url").required().help("The address: `http://` or `https://`."),
        Arg::path("dest").help("A file for the content, or a folder for it."),
        Arg::str("url_username").aliases(&["user"]).help("The user of basic authentication."),
        Arg::str("url_password")
            .aliases(&["password"])
            .no_log()
            .help("The password of basic authentication."),
        Arg::raw("body").help("What to send."),
        Arg::str("body_format")
            .choices(&["form-urlencoded", "json", "raw", "form-multipart"])
            .default_str("raw")
            .help("How `body` is written."),
        Arg::path("src").help("A file whose content is sent."),
        Arg::str("method").default_str("GET").help("The method, in capitals."),
        Arg::bool("return_content").default_bool(false).help("Return the content of the answer."),
        Arg::str("follow_redirects")
            .choices(&["all", "no", "none", "safe", "urllib2", "yes"])
            .default_str("safe")
            .help("Which redirects to follow: all, none, or those of requests that change nothing."),
        Arg::path("creates").help("A file; if it is there, nothing is done."),
        Arg::path("removes").help("A file; if it is not there, nothing is done."),
        Arg::list("status_code", ArgType::Int).help("The answers that are good; 200 if not given."),
        Arg::int("timeout").default_int(30).help("How many seconds the server may be silent."),
        Arg::dict("headers").default(Default::Dict).help("Headers of the request."),
        Arg::bool("remote_src").default_bool(false).help("`src` is on the host itself."),
        Arg::path("unix_socket").help("A Unix socket to talk to in place of the URL's host."),
        Arg::path("ca_path").help("A file of certificates to trust, PEM."),
        Arg::list("unredirected_headers", ArgType::Str)
            .default(Default::List(&[]))
            .help("Headers not to send on after a redirect."),
        Arg::bool("decompress").default_bool(true).help("Unpack an answer that comes compressed with gzip."),
        Arg::list("ciphers", ArgType::Str)
            .help("Accepted for Ansible's sake: the ciphers are TLS 1.2's and 1.3's good ones."),
        Arg::bool("use_netrc")
            .default_bool(true)
            .help("Whether `~/.netrc` may name a user and a password where `url_username` does not."),
    ],
    shared: SHARED,
    rules: Rules { mutually_exclusive: &[&["body", "src"]], ..Rules::NONE },
    check_mode: false,
    run,
    ..ModuleSpec::DEFAULTS
};

const SHARED: &[Arg] = &crate::spec::join::<{ http::ARGS.len() + file_attributes::ARGS.len() }>(
    http::ARGS,
    file_attributes::ARGS,
);

/// More than this is no answer that a play can use; `dest` has no such limit.
const MAX_CONTENT: u64 = 256 * 1024 * 1024;

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let skipped = |said: String| Ok(Outcome::unchanged().with("stdout", said));
    if let Some(path) = args.opt_path("creates").filter(|path| path.exists()) {
        return skipped(format!("skipped, since '{}' exists", path.display()));
    }
    if let Some(path) = args.opt_path("removes").filter(|path| !path.exists()) {
        return skipped(format!("skipped, since '{}' does not exist", path.display()));
    }
    let method = args.str("method")?.to_uppercase();
    if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(Failure::new(
            "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
        ));
    }
    let mut headers = headers(args);
    let body = body(args, &mut headers)?;
    let url = args.str("url")?;
    let seconds = args.int("timeout").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(30).max(1);
    let redirects = redirects(args.str("follow_redirects")?, &method);
    let call = Call {
        method: &method,
        url,
        headers,
        body,
        timeout: Duration::from_secs(seconds),
        redirects,
        socket: args.opt_path("unix_socket"),
    };
    let start = Instant::now();
    let answer = http::send(&call, args, context).map_err(|failure| {
        let said = format!("Status code was -1 and not {}: {}", shown_codes(args), failure.msg);
        Failure { msg: said, ..failure }.with("redirected", false).with("elapsed", elapsed(start))
    })?;
    report(args, url, answer, start, context)
}

fn elapsed(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_secs()).unwrap_or(i64::MAX)
}

/// How many redirects a request follows; `safe` spares those that change something.
fn redirects(policy: &str, method: &str) -> u32 {
    match policy {
        "no" | "none" => 0,
        "safe" | "urllib2" if !matches!(method, "GET" | "HEAD") => 0,
        _ => 10,
    }
}

/// The bytes to send, and the `Content-Type` that goes with them.
fn body(args: &Args, headers: &mut Vec<(String, String)>) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(path) = args.opt_path("src") {
        return fs::read(&path).map(Some).map_err(|error| {
            Failure::new(format!("Unable to open source file {}: {error}", path.display())).with("elapsed", 0)
        });
    }
    let Some(body) = args.get("body") else { return Ok(None) };
    if args.str("body_format")? == "form-multipart" {
        let (bytes, kind) = multipart(body).map_err(|failure| failure.with("elapsed", 0))?;
        // Only this one names the boundary.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        headers.push(("Content-Type".to_string(), kind));
        return Ok(Some(bytes));
    }
    let (text, kind) = match (args.str("body_format")?, body) {
        ("json", Value::Str(text)) => (text.to_string(), Some("application/json")),
        ("json", other) => (json::write(other, &JsonStyle::default()), Some("application/json")),
        ("form-urlencoded", Value::Str(text)) => {
            (text.to_string(), Some("application/x-www-form-urlencoded"))
        }
        ("form-urlencoded", other) => (form(other)?, Some("application/x-www-form-urlencoded")),
        (_, Value::Str(text)) => (text.to_string(), None),
        // As Ansible writes what is no text.
        (_, other) => (json::write(other, &JsonStyle::default()), None),
    };
    let known = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(kind) = kind.filter(|_| !known) {
        headers.push(("Content-Type".to_string(), kind.to_string()));
    }
    Ok(Some(text.into_bytes()))
}

/// `a=1&b=2` of a dictionary, or of a list of pairs; a list as a value repeats the name.
fn form(body: &Value) -> Result<String, Failure> {
    let wrong = || {
        Failure::new("failed to parse body as form_urlencoded: it must be a dictionary or a list of pairs")
    };
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: &Value| match value {
        Value::List(items) => {
            pairs.extend(items.iter().map(|item| (name.to_string(), data::python::str(item))))
        }
        other => pairs.push((name.to_string(), data::python::str(other))),
    };
    match body {
        Value::Map(map) => map.iter().for_each(|(name, value)| add(&name.to_string(), value)),
        Value::List(items) => {
            for item in items {
                let pair = item.as_list().filter(|pair| pair.len() == 2).ok_or_else(wrong)?;
                add(&data::python::str(&pair[0]), &pair[1]);
            }
        }
        _ => return Err(wrong().with("elapsed", 0)),
    }
    let joined: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", quote(name), quote(value))).collect();
    Ok(joined.join("&"))
}

/// Python's `quote_plus`.
fn quote(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
        out
    })
}

fn codes(args: &Args) -> Vec<i128> {
    let given: Vec<i128> = args.list("status_code").iter().filter_map(Value::as_int).collect();
    if given.is_empty() { vec![200] } else { given }
}

fn shown_codes(args: &Args) -> String {
    data::python::str(&codes(args).into_iter().map(Value::Int).collect())
}

fn report(
    args: &Args,
    url: &str,
    answer: Answer,
    start: Instant,
    context: &mut Context,
) -> Result<Outcome, Failure> {
    let status = i128::from(answer.status);
    let good = codes(args).contains(&status);
    let maybe_json = is_json(answer.header("content-type").unwrap_or_default());
    let mut fields = Map::new();
    for (name, value) in &answer.headers {
        let name = name.replace('-', "_");
        match fields.get_str(&name).map(|before| format!("{before}, {value}")) {
            Some(joined) => fields.insert(name, joined),
            None => fields.insert(name, value.as_str()),
        };
    }
    if let Some(location) = answer.header("location") {
        fields.insert("location", absolute(&answer.url, location));
    }
    fields.insert("url", answer.url.as_str());
    fields.insert("redirected", answer.url != mask(url));
    fields.insert("status", Value::Int(status));
    let said = match answer.header("content-length") {
        _ if answer.status >= 400 => format!("HTTP Error {status}: {}", answer.reason),
        Some(length) => format!("OK ({length} bytes)"),
        None => "OK (unknown bytes)".to_string(),
    };
    let mut changed = false;
    let dest = args.opt_path("dest").filter(|_| good && status != 304).map(|dest| place(&dest, &answer));
    let wants_content = maybe_json || args.bool("return_content") || !good || dest.is_some();
    let mut content = Vec::new();
    if wants_content {
        answer
            .reader(args.bool("decompress"))
            .take(MAX_CONTENT)
            .read_to_end(&mut content)
            .map_err(|error| Failure::new(format!("HTTP Error while fetching {}: {error}", mask(url))))?;
    }
    if let Some(dest) = dest {
        changed = keep(&dest, &content, args, context)?;
        fields.insert("path", dest.display().to_string());
    }
    fields.insert("elapsed", elapsed(start));
    let text = String::from_utf8_lossy(&content);
    if let Some(read) = Some(&text).filter(|_| maybe_json).and_then(|text| json::parse(text).ok()) {
        fields.insert("json", read);
    }
    if args.bool("return_content") || (wants_content && !good) {
        fields.insert("content", text.into_owned());
    }
    if good {
        return Ok(Outcome { fields, ..Outcome::new(changed) }.msg(said));
    }
    let said = format!("Status code was {status} and not {}: {said}", shown_codes(args));
    Err(Failure { fields, ..Failure::new(said) })
}

/// In a folder the content gets the last part of the URL as its name.
fn place(dest: &Path, answer: &Answer) -> PathBuf {
    if !dest.is_dir() {
        return dest.to_path_buf();
    }
    let path = answer.url.split(['?', '#']).next().unwrap_or_default();
    let name = path.splitn(4, '/').nth(3).and_then(|rest| rest.rsplit('/').next()).unwrap_or_default();
    dest.join(if matches!(name, "" | "." | "..") { "index.html" } else { name })
}

fn keep(dest: &Path, content: &[u8], args: &Args, context: &mut Context) -> Result<bool, Failure> {
    let before = sha1_of_file(dest).ok();
    atomic_write_if(dest, content, args)?;
    let differs = before != sha1_of_file(dest).ok();
    Ok(FileAttributes::from_args(args)?.apply(dest, context, &mut Changes::default())? | differs)
}

fn atomic_write_if(dest: &Path, content: &[u8], args: &Args) -> Result<(), Failure> {
    if fs::read(dest).is_ok_and(|old| old == content) {
        return Ok(());
    }
    atomic_write::write(dest, content, args.bool("unsafe_writes"))
}

/// Whether a content type is JSON or a kin of it (RFC 6839).
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
    let sub = kind.split_once('/').map_or("", |(_, sub)| sub);
    let sub = sub.split_once('+').map_or(sub, |(_, suffix)| suffix);
    ["json", "javascript"].contains(&sub)
}

/// A `Location` header as a whole URL.
fn absolute(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_string();
    }
    let root_end = base
        .find("://")
        .and_then(|at| base[at + 3..].find('/').map(|slash| at + 3 + slash))
        .unwrap_or(base.len());
    if location.starts_with('/') {
        return format!("{}{location}", &base[..root_end]);
    }
    let folder_end = base[root_end..].rfind('/').map_or(base.len(), |slash| root_end + slash);
    format!("{}/{location}", &base[..folder_end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// Answers one request with these bytes; gives the port and, when done, the request.
    fn server(answer: &'static str) -> (u16, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let count = stream.read(&mut buffer).unwrap();
                seen.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&seen).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")
                        .map(|n| n.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap_or(0) {
                    stream.write_all(answer.as_bytes()).unwrap();
                    return text;
                }
            }
        });
        (port, thread)
    }

    fn call(port: u16, args: &[(&str, Value)]) -> Map {
        let mut map: Map = args.iter().cloned().collect();
        map.insert("url", format!("http://127.0.0.1:{port}/a/b"));
        map.insert("use_proxy", false);
        crate::run_local(&crate::RunRequest::new("uri", map))
    }

    #[test]
    fn json_goes_out_and_comes_back() {
        let (port, thread) = server(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-My-Head: 1\r\nContent-Length: 11\r\n\r\n{\"ok\": [1]}",
        );
        let body = Value::from(Map::from([("a", 1)]));
        let result = call(port, &[("method", "POST".into()), ("body", body), ("body_format", "json".into())]);
        let request = thread.join().unwrap();
        assert!(request.starts_with("POST /a/b HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("{\"a\": 1}"), "{request}");
        assert!(request.to_lowercase().contains("content-type: application/json"));
        assert_eq!(result.get("status"), Some(&Value::from(200)));
        assert_eq!(result.get_str("x_my_head"), Some("1"));
        assert!(result.get("json").is_some_and(|json| json.get("ok").is_some()), "{result:?}");
    }

    #[test]
    fn another_status_is_a_failure_with_the_content() {
        let (port, thread) = server("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
        let result = call(port, &[]);
        thread.join().unwrap();
        assert_eq!(
            result.get_str("msg"),
            Some("Status code was 404 and not [200]: HTTP Error 404: Not Found")
        );
        assert_eq!(result.get_str("content"), Some("gone"));
    }

    #[test]
    fn nobody_there_is_status_minus_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let result = call(port, &[]);
        assert_eq!(result.get("status"), Some(&Value::from(-1)));
        assert!(result.get_str("msg").unwrap().starts_with("Status code was -1 and not [200]: "));
    }

    #[test]
    fn a_file_gets_the_content_once() {
        let folder = tempfile::tempdir().unwrap();
        for changed in [true, false] {
            let (port, thread) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
            let result = call(port, &[("dest", folder.path().to_str().unwrap().into())]);
            thread.join().unwrap();
            assert_eq!(result.get("changed"), Some(&Value::from(changed)));
        }
        assert_eq!(fs::read(folder.path().join("b")).unwrap(), b"hi");
    }

    #[test]
    fn forms_are_quoted_as_python_quotes_them() {
        let body = Value::from(Map::from([
            ("a b", Value::from("c&d")),
            ("e", vec![Value::from(1), "é".into()].into()),
        ]));
        assert_eq!(form(&body).unwrap(), "a+b=c%26d&e=1&e=%C3%A9");
    }

    #[test]
    fn locations_become_whole_urls() {
        for (location, url) in [("/x", "http://h/x"), ("y", "http://h/a/y"), ("https://z/", "https://z/")] {
            assert_eq!(absolute("http://h/a/b", location), url);
        }
    }
}
