//! A file server that knows ranges and can be slow, and a proxy for `CONNECT`, on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Bytes that a slow server sends between two pauses.
const PIECE: usize = 50_000;

/// Serves one file over HTTP.
pub(crate) struct FileServer {
    port: u16,
    path: &'static str,
    slow: Arc<AtomicBool>,
    starts: Arc<Mutex<Vec<usize>>>,
}

impl FileServer {
    pub(crate) fn start(path: &'static str, bytes: Vec<u8>) -> Self {
        let (slow, starts) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (is_slow, noted) = (Arc::clone(&slow), Arc::clone(&starts));
        let bytes = Arc::new(bytes);
        let port = listen(move |stream| {
            let (is_slow, noted, bytes) = (Arc::clone(&is_slow), Arc::clone(&noted), Arc::clone(&bytes));
            give(stream, &bytes, &is_slow, &noted)
        });
        Self { port, path, slow, starts }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }

    /// Whether it takes seconds for what it has.
    pub(crate) fn be_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::SeqCst);
    }

    /// From which byte each request wanted the file.
    pub(crate) fn starts(&self) -> Vec<usize> {
        self.starts.lock().unwrap().clone()
    }
}

/// Answers each connection in a thread of its own; gives the port.
fn listen(answer: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that went away is part of the tests.
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

/// The first line of a request and its headers.
fn request(stream: &TcpStream) -> std::io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    Ok(lines)
}

fn give(
    mut stream: TcpStream,
    bytes: &[u8],
    slow: &AtomicBool,
    starts: &Mutex<Vec<usize>>,
) -> std::io::Result<()> {
    let range = request(&stream)?.iter().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("range: bytes=")?.trim_end_matches('-').parse::<usize>().ok()
    });
    let start = range.unwrap_or(0).min(bytes.len());
    starts.lock().unwrap().push(start);
    let (status, more) = match range {
        Some(_) => (
            "206 Partial Content",
            format!("Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len()),
        ),
        None => ("200 OK", String::new()),
    };
    let length = bytes.len() - start;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")?;
    for piece in bytes[start..].chunks(PIECE) {
        stream.write_all(piece)?;
        if slow.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Leads every `CONNECT` to one port of this machine, whatever name it is for.
pub(crate) struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) fn start(to: u16) -> Self {
        let asked = Arc::default();
        let noted = Arc::clone(&asked);
        Self { port: listen(move |stream| lead(stream, to, &noted)), asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked for: method and target of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn lead(mut stream: TcpStream, to: u16, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let lines = request(&stream)?;
    let first = lines.first().cloned().unwrap_or_default();
    asked.lock().unwrap().push(first.trim_end_matches(" HTTP/1.1").to_owned());
    if !first.starts_with("CONNECT ") {
        return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
    }
    let mut server = TcpStream::connect(("127.0.0.1", to))?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_client, mut to_server) = (stream.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    std::io::copy(&mut server, &mut stream)?;
    Ok(())
}
