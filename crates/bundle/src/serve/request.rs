//! One request of HTTP/1.1, as far as a server that only gives must understand it.

use std::io::{self, BufRead, Read};

/// The longest head of a request.
const HEAD: u64 = 16 * 1024;

/// A request without its body: those that are answered have none.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Decoded, without the query.
    pub(super) path: String,
    headers: Vec<(String, String)>,
    /// Whether the connection stays open after it.
    pub(super) goes_on: bool,
}

/// What a range asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Stretch {
        from: u64,
        length: u64,
    },
    /// It begins behind the end.
    Nothing,
}

impl Request {
    /// The next request; `None` when the connection has ended between two.
    ///
    /// # Errors
    /// It is no request of HTTP/1, or too long, or the connection broke.
    pub(super) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = stream.take(HEAD);
        let mut line = String::new();
        // Empty lines before a request are put up with, as RFC 9112 asks.
        while line.trim().is_empty() {
            line.clear();
            if head.read_line(&mut line)? == 0 {
                return Ok(None);
            }
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(bad("no request line"));
        };
        if !version.starts_with("HTTP/1.") {
            return Err(bad("not HTTP/1"));
        }
        let (method, keeps) = (method.to_owned(), version != "HTTP/1.0");
        // A proxy's client sends the whole address.
        let path =
            target.split_once("://").map_or(target, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let path = decoded(path.split(['?', '#']).next().unwrap_or("/"))
            .ok_or_else(|| bad("a path that is no text"))?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if head.read_line(&mut line)? == 0 {
                return Err(bad("the request is too long or cut off"));
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("a header without a colon"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, path, headers, goes_on: keeps };
        let says = |name: &str, word: &str| {
            request.header(name).is_some_and(|value| value.to_lowercase().contains(word))
        };
        // Bodies are not read, so nothing can follow one.
        let has_body = request.header("content-length").is_some_and(|length| length != "0")
            || request.header("transfer-encoding").is_some();
        request.goes_on = keeps && !has_body && !says("connection", "close");
        Ok(Some(request))
    }

    /// A header by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What it wants of something of this size. Several ranges at once, or none that can be read, get all of it.
    pub(super) fn range(&self, size: u64) -> Wanted {
        let range = self
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="))
            .filter(|range| !range.contains(','));
        let Some((from, to)) = range.and_then(|range| range.trim().split_once('-')) else {
            return Wanted::All;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (from, end) = match (number(from), number(to)) {
            (Some(from), Some(to)) if to < from => return Wanted::All,
            (Some(from), Some(to)) => (from, to.saturating_add(1).min(size)),
            (Some(from), None) if to.trim().is_empty() => (from, size),
            (None, Some(last)) if from.trim().is_empty() => (size.saturating_sub(last), size),
            _ => return Wanted::All,
        };
        if from >= end { Wanted::Nothing } else { Wanted::Stretch { from, length: end - from } }
    }
}

fn bad(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

/// Percent-decoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let pair = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> io::Result<Option<Request>> {
        Request::read(&mut text.as_bytes())
    }

    #[test]
    fn requests_are_read() {
        let one = request("GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nRange: bytes=2-\r\n\r\n").unwrap().unwrap();
        assert_eq!((one.method.as_str(), one.path.as_str(), one.goes_on), ("GET", "/a b", true));
        assert!(!request("GET / HTTP/1.0\r\n\r\n").unwrap().unwrap().goes_on);
        assert!(!request("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap().unwrap().goes_on);
        assert!(request("").unwrap().is_none());
        for bad in [
            "GET\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET /%zz HTTP/1.1\r\n\r\n",
        ] {
            assert!(request(bad).is_err(), "{bad}");
        }
        assert!(request(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000))).is_err());
    }

    #[test]
    fn ranges_are_understood() {
        let of = |range: &str, size| {
            request(&format!("GET / HTTP/1.1\r\nRange: {range}\r\n\r\n")).unwrap().unwrap().range(size)
        };
        assert_eq!(of("bytes=2-4", 10), Wanted::Stretch { from: 2, length: 3 });
        assert_eq!(of("bytes=2-", 10), Wanted::Stretch { from: 2, length: 8 });
        assert_eq!(of("bytes=2-99", 10), Wanted::Stretch { from: 2, length: 8 });
        assert_eq!(of("bytes=-3", 10), Wanted::Stretch { from: 7, length: 3 });
        assert_eq!(of("bytes=-99", 10), Wanted::Stretch { from: 0, length: 10 });
        assert_eq!(of("bytes=10-", 10), Wanted::Nothing);
        for all in ["bytes=4-2", "bytes=1-2,4-5", "lines=1-2", "bytes=x-"] {
            assert_eq!(of(all, 10), Wanted::All, "{all}");
        }
    }
}
