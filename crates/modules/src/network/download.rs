//! A small file from the network for modules that take addresses of keys and lists.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use super::http::{self, Answer, Call, mask};
use crate::{Args, Context, Failure};

/// More than this is no key and no list.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// What is at an address: `http://`, `https://` or `file://`. Headers are name and value.
///
/// # Errors
/// If it cannot be reached, or the answer is not 200; the message has no password in it.
pub(crate) fn download(
    url: &str,
    headers: &[(&str, &str)],
    validate_certs: bool,
    context: &mut Context,
) -> Result<Vec<u8>, Failure> {
    if let Some(path) = url.strip_prefix("file://") {
        return fs::read(path).map_err(|error| Failure::io("could not read", path, &error));
    }
    let answer = ask(url, headers, validate_certs, context)?;
    let mut bytes = Vec::new();
    answer.reader(false).take(MAX_SIZE).read_to_end(&mut bytes).map_err(|error| broken_off(url, &error))?;
    Ok(bytes)
}

/// A file of any size from the network, written where nothing is yet.
///
/// # Errors
/// As [`download`], and if it cannot be written.
pub(crate) fn download_to(url: &str, path: &Path, context: &mut Context) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("could not write", path, &error);
    if let Some(from) = url.strip_prefix("file://") {
        return fs::copy(from, path).map(drop).map_err(failed);
    }
    let answer = ask(url, &[], true, context)?;
    let mut file = fs::File::create_new(path).map_err(failed)?;
    std::io::copy(&mut answer.reader(false), &mut file).map(drop).map_err(|error| broken_off(url, &error))
}

fn broken_off(url: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("the download of {} broke off: {error}", mask(url)))
}

fn ask(
    url: &str,
    headers: &[(&str, &str)],
    validate_certs: bool,
    context: &mut Context,
) -> Result<Answer, Failure> {
    let args = Args::default().with("validate_certs", validate_certs).with("use_proxy", true);
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let call = Call {
        method: "GET",
        url,
        headers,
        body: None,
        timeout: Duration::from_secs(30),
        redirects: 10,
        socket: None,
    };
    let answer = http::send(&call, &args, context)?;
    if answer.status != 200 {
        return Err(Failure::new(format!("HTTP Error {}: {} ({})", answer.status, answer.reason, mask(url))));
    }
    Ok(answer)
}
