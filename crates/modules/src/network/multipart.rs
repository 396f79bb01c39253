//! `body_format: form-multipart`: fields and files as a browser sends them (RFC 7578).

use std::fs;
use std::path::Path;

use data::{Map, Value};

use crate::{Failure, base64};

/// The body, and the `Content-Type` that goes with it.
///
/// A field is text, or a dictionary with `content` or `filename` (or both: the content under that name), `mime_type` and
/// `multipart_encoding` (`base64` or `7or8bit`).
pub(super) fn multipart(fields: &Value) -> Result<(Vec<u8>, String), Failure> {
    let wrong = || Failure::new("failed to parse body as form-multipart: body must be a dictionary");
    let fields = fields.as_map().ok_or_else(wrong)?;
    let parts = fields
        .iter()
        .map(|(name, value)| Part::new(&name.to_string(), value))
        .collect::<Result<Vec<_>, _>>()?;
    let boundary = boundary(&parts)?;
    let mut body = Vec::new();
    for part in &parts {
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((body, format!("multipart/form-data; boundary=\"{boundary}\"")))
}

struct Part {
    head: String,
    content: Vec<u8>,
}

impl Part {
    fn new(name: &str, value: &Value) -> Result<Self, Failure> {
        let disposition = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
        match value {
            Value::Map(about) => Self::of_dictionary(&disposition, name, about),
            Value::Str(text) => {
                let head = format!("Content-Type: text/plain\r\n{disposition}\r\n");
                Ok(Self { head, content: text.as_bytes().to_vec() })
            }
            other => Err(Failure::new(format!(
                "failed to parse body as form-multipart: value of {name} must be a string, or mapping, cannot be type {}",
                other.kind().python_name()
            ))),
        }
    }

    fn of_dictionary(disposition: &str, name: &str, about: &Map) -> Result<Self, Failure> {
        let filename = about.get_str("filename").filter(|name| !name.is_empty());
        let content = about.get("content").filter(|content| !content.is_null()).map(data::python::str);
        let bytes = match (content, filename) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(path)) => fs::read(path).map_err(|error| {
                Failure::new(format!(
                    "failed to parse body as form-multipart: could not read {path}: {error}"
                ))
            })?,
            (None, None) => {
                return Err(Failure::new(format!(
                    "failed to parse body as form-multipart: at least one of filename or content must be provided for {name}"
                )));
            }
        };
        let kind = about.get_str("mime_type").map_or_else(|| guess(filename), str::to_owned);
        let file = match filename.map(Path::new).and_then(Path::file_name) {
            Some(file) => format!("; filename=\"{}\"", quoted(&file.to_string_lossy())),
            None => String::new(),
        };
        // Ansible sends files whose content it read as base64 unless told otherwise.
        let from_file = filename.is_some() && about.get("content").is_none_or(Value::is_null);
        let encoding =
            about.get_str("multipart_encoding").unwrap_or(if from_file { "base64" } else { "7or8bit" });
        let mut head = format!("Content-Type: {kind}\r\n{disposition}{file}\r\n");
        let content = match encoding {
            "base64" => {
                head.push_str("Content-Transfer-Encoding: base64\r\n");
                folded(&base64::encode(&bytes)).into_bytes()
            }
            "7or8bit" => bytes,
            other => {
                return Err(Failure::new(format!(
                    "failed to parse body as form-multipart: multipart_encoding must be one of base64, 7or8bit, got: {other}"
                )));
            }
        };
        Ok(Self { head, content })
    }
}

/// Lines of 76 letters (RFC 2045).
fn folded(text: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\r\n")
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n'], " ")
}

/// A content type by the end of the name; of common ends only.
fn guess(filename: Option<&str>) -> String {
    let end =
        filename.and_then(|name| Path::new(name).extension()).map(|end| end.to_string_lossy().to_lowercase());
    match end.as_deref() {
        Some("txt" | "conf" | "log") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("csv") => "text/csv",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("xml") => "text/xml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("tar") => "application/x-tar",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        _ => "application/octet-stream",
    }
    .to_owned()
}

/// A line that no part holds.
fn boundary(parts: &[Part]) -> Result<String, Failure> {
    use std::io::Read;
    loop {
        let mut random = [0_u8; 12];
        let mut source = fs::File::open("/dev/urandom")
            .map_err(|error| Failure::io("could not read", "/dev/urandom", &error))?;
        source
            .read_exact(&mut random)
            .map_err(|error| Failure::io("could not read", "/dev/urandom", &error))?;
        let boundary = format!("==============={}==", crate::hex::encode(&random));
        let held =
            |part: &Part| part.content.windows(boundary.len()).any(|bytes| bytes == boundary.as_bytes());
        if !parts.iter().any(held) {
            return Ok(boundary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "hello").unwrap();
        let file = Map::from([("filename", Value::from(path.to_str().unwrap()))]);
        let named = Map::from([
            ("content", Value::from("x")),
            ("filename", "b.json".into()),
            ("mime_type", "text/x".into()),
        ]);
        let fields = Map::from([("plain", Value::from("v")), ("file", file.into()), ("named", named.into())]);
        let (body, kind) = multipart(&Value::Map(fields)).unwrap();
        let text = String::from_utf8(body).unwrap();
        let boundary = kind.split('"').nth(1).unwrap();
        assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 3);
        assert!(text.ends_with(&format!("--{boundary}--\r\n")));
        assert!(text.contains("name=\"plain\"\r\n\r\nv\r\n"), "{text}");
        assert!(
            text.contains(
                "name=\"file\"; filename=\"a.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
            ),
            "{text}"
        );
        assert!(text.contains("Content-Type: text/x\r\nContent-Disposition: form-data; name=\"named\"; filename=\"b.json\"\r\n\r\nx\r\n"), "{text}");
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        assert!(multipart(&Value::from("x")).is_err());
        let empty = Map::from([("a", Value::Map(Map::new()))]);
        assert!(
            multipart(&Value::Map(empty)).unwrap_err().msg.contains("at least one of filename or content")
        );
        let number = Map::from([("a", Value::from(1))]);
        assert!(multipart(&Value::Map(number)).unwrap_err().msg.contains("cannot be type int"));
    }
}
