//! `lookup('url')` against servers of this test, on loopback: HTTP, and HTTPS with a certificate of its own. What is expected is what
//! ansible-core 2.19 gave for the same answers of a server.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::cargo::CommandCargoExt;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The value of a header.
fn header<'h>(headers: &'h [String], name: &str) -> &'h str {
    headers
        .iter()
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or("none", |(_, value)| value.trim())
}

/// What the server says: status, further headers, body.
fn answer(path: &str, headers: &[String]) -> (&'static str, &'static str, String) {
    let ok = |body: &str| ("200 OK", "", body.to_owned());
    match path {
        "/lines" => ok("one\ntwo\n"),
        "/crlf" => ok("a\r\nb\r\n\r\nc"),
        "/utf8" => ok("žluť\n"),
        "/empty" => ok(""),
        "/json" => ok("{\"a\": [1, \"{{ 7 * 7 }}\"]}"),
        "/echo" => ok(&format!(
            "ua={} x={} auth={} cc={}",
            header(headers, "user-agent"),
            header(headers, "x-own"),
            header(headers, "authorization"),
            header(headers, "cache-control")
        )),
        "/redirect" => ("302 Found", "Location: /lines\r\n", String::new()),
        "/basic" if header(headers, "authorization") == "Basic bWU6cHc=" => ok("in"),
        "/basic" => ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "no".to_owned()),
        "/slow" => {
            std::thread::sleep(Duration::from_secs(4));
            ok("late")
        }
        "/500" => ("500 Internal Server Error", "", "broken".to_owned()),
        _ => ("404 Not Found", "", "nothing".to_owned()),
    }
}

/// Answers one request. A client that goes away in the middle is no failure of the test.
fn serve(stream: impl Read + Write) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.trim().is_empty() => break,
            Ok(_) => lines.push(line.trim().to_owned()),
        }
    }
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("").to_owned();
    let (status, headers, body) = answer(&path, &lines);
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let stream = reader.get_mut();
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush());
}

/// Starts a server and gives its port; with a configuration it speaks TLS.
fn start(tls: Option<Arc<rustls::ServerConfig>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tls = tls.clone();
            std::thread::spawn(move || match tls {
                None => serve(stream),
                Some(config) => {
                    if let Ok(session) = rustls::ServerConnection::new(config) {
                        serve(rustls::StreamOwned::new(session, stream));
                    }
                }
            });
        }
    });
    port
}

/// A certificate for 127.0.0.1, and a server's configuration with it.
fn certificate() -> (String, Arc<rustls::ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])
        .expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the certificate fits its key");
    (made.cert.pem(), Arc::new(config))
}

/// Every template with what it gives, or with the words that must be in its error.
const CASES: &[(&str, Result<&str, &str>)] = &[
    ("query('url', h ~ '/lines')", Ok("['one', 'two']")),
    ("lookup('url', h ~ '/lines')", Ok("'one,two'")),
    ("lookup('url', h ~ '/lines', wantlist=true)", Ok("['one', 'two']")),
    ("lookup('url', h ~ '/lines', split_lines=false)", Ok("'one\\ntwo\\n'")),
    ("query('url', h ~ '/lines', h ~ '/utf8')", Ok("['one', 'two', 'žluť']")),
    ("query('url', h ~ '/crlf')", Ok("['a', 'b', '', 'c']")),
    ("query('url', h ~ '/empty')", Ok("[]")),
    ("query('url', h ~ '/empty', split_lines=false)", Ok("['']")),
    ("(lookup('url', h ~ '/json') | from_json).a", Ok("[1, '{{ 7 * 7 }}']")),
    ("lookup('url', h ~ '/echo')", Ok("'ua=ansible-httpget x=none auth=none cc=none'")),
    (
        "lookup('url', h ~ '/echo', headers={'X-Own': 'yes'}, http_agent='me', force=true)",
        Ok("'ua=me x=yes auth=none cc=no-cache'"),
    ),
    (
        "lookup('url', h ~ '/echo', username='me', password='pw', force_basic_auth=true)",
        Ok("'ua=ansible-httpget x=none auth=Basic bWU6cHc= cc=none'"),
    ),
    ("lookup('url', h ~ '/basic', username='me', password='pw')", Ok("'in'")),
    ("lookup('url', h ~ '/redirect')", Ok("'one,two'")),
    ("lookup('url', t ~ '/lines', validate_certs=false)", Ok("'one,two'")),
    ("lookup('url', t ~ '/lines', ca_path=ca)", Ok("'one,two'")),
    ("query('url', h ~ '/500', errors='ignore')", Ok("[]")),
    ("lookup('url', h ~ '/missing')", Err("/missing: HTTP Error 404: Not Found")),
    ("lookup('url', h ~ '/redirect', follow_redirects='none')", Err("/redirect: HTTP Error 302: Found")),
    (
        "lookup('url', h ~ '/basic', username='me', password='no')",
        Err("/basic: HTTP Error 401: Unauthorized"),
    ),
    ("lookup('url', h ~ '/slow', timeout=1)", Err("timed out")),
    ("lookup('url', t ~ '/lines')", Err("certificate for https://127.0.0.1:")),
    ("lookup('url', h ~ '/lines', unix_socket='/x')", Err("unix_socket is not supported")),
];

/// A playbook that puts what each template gives into a file, or its error.
fn playbook(folder: &Path, http: u16, https: u16) -> String {
    let mut text = format!(
        "- hosts: localhost\n  gather_facts: false\n  vars:\n    h: http://127.0.0.1:{http}\n    t: https://127.0.0.1:{https}\n    ca: {0}/ca.pem\n  tasks:\n",
        folder.display()
    );
    for (at, (template, expected)) in CASES.iter().enumerate() {
        let path = folder.join(at.to_string());
        text.push_str(&format!(
            "    - set_fact: {{got: \"{{{{ {template} }}}}\"}}\n      register: answer\n"
        ));
        text.push_str(&format!(
            "      ignore_errors: true\n    - copy: {{dest: {}, content: \"",
            path.display()
        ));
        // `pprint` writes a value as Python does.
        text.push_str(if expected.is_ok() { "{{ got | pprint }}" } else { "{{ answer.msg }}" });
        text.push_str("\"}\n");
    }
    text.push_str(&format!(
        "    - copy: {{dest: {}/items, content: \"{{{{ seen.results | map(attribute='msg') | join(' ') }}}}\"}}\n",
        folder.display()
    ));
    let looped =
        "    - debug: {msg: \"{{ item }}\"}\n      with_url: [\"{{ h }}/lines\"]\n      register: seen\n";
    let last = text.rfind("    - copy").unwrap_or(text.len());
    text.insert_str(last, looped);
    text
}

#[test]
fn the_lookup_url_gives_what_a_server_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pem, config) = certificate();
    std::fs::write(folder.path().join("ca.pem"), pem).expect("the certificate");
    let text = playbook(folder.path(), start(None), start(Some(config)));
    std::fs::write(folder.path().join("site.yml"), text).expect("the playbook");
    let output = Command::cargo_bin("taskbox")
        .expect("the binary is built")
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("HTTP_PROXY")
        .env_remove("HTTPS_PROXY")
        .args(["playbook", "site.yml"])
        .output()
        .expect("it starts");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    for (at, (template, expected)) in CASES.iter().enumerate() {
        let found = read(&at.to_string());
        match expected {
            Ok(value) => assert_eq!(found, *value, "{template}\n{said}"),
            Err(words) => assert!(found.contains(words), "{template}: {found}\n{said}"),
        }
    }
    assert_eq!(read("items"), "one two");
}
