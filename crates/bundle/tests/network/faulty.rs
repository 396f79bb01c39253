//! An HTTP/1.1 file server on the loopback, with ranges, that fails in the ways it is told, one request after the other.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The connection ends after so many bytes of the body.
    DropAfter(usize),
    /// This status, without the file.
    Status(u16),
    /// Other bytes, as many.
    WrongBytes,
    /// Nothing comes.
    Silent,
    /// It comes in small pieces with pauses.
    Slow,
}

pub(crate) struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Serves these files; each fault is used up by one request.
    pub(crate) fn start(files: &[(&str, Vec<u8>)], faults: Vec<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let files: Arc<HashMap<String, Vec<u8>>> =
            Arc::new(files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect());
        let faults = Arc::new(Mutex::new(VecDeque::from(faults)));
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, faults, counted) = (files.clone(), faults.clone(), counted.clone());
                std::thread::spawn(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                    let fault = faults.lock().unwrap().pop_front();
                    // A client that went away is part of the tests.
                    let _ = answer(stream, &files, fault);
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<String, Vec<u8>>,
    fault: Option<Fault>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut start = 0;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    let Some(bytes) = files.get(&path) else {
        return stream.write_all(head("404 Not Found", 0, "").as_bytes());
    };
    let mut body = bytes[start.min(bytes.len())..].to_vec();
    let range = format!("Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len());
    let ok = if start > 0 {
        head("206 Partial Content", body.len(), &range)
    } else {
        head("200 OK", body.len(), "")
    };
    match fault {
        Some(Fault::Status(code)) => stream.write_all(head(&format!("{code} Fault"), 0, "").as_bytes()),
        Some(Fault::Silent) => {
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        }
        Some(Fault::DropAfter(count)) => {
            stream.write_all(ok.as_bytes())?;
            stream.write_all(&body[..count.min(body.len())])?;
            stream.flush()?;
            stream.shutdown(Shutdown::Both)
        }
        Some(Fault::WrongBytes) => {
            body.iter_mut().for_each(|byte| *byte ^= 1);
            stream.write_all(ok.as_bytes())?;
            stream.write_all(&body)
        }
        Some(Fault::Slow) => {
            stream.write_all(ok.as_bytes())?;
            for piece in body.chunks(6_000) {
                stream.write_all(piece)?;
                stream.flush()?;
                std::thread::sleep(Duration::from_millis(60));
            }
            Ok(())
        }
        None => {
            stream.write_all(ok.as_bytes())?;
            stream.write_all(&body)
        }
    }
}
