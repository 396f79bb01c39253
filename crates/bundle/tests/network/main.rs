//! Building from the network, against a real registry and an HTTP server that fails on purpose.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are test code too")]

mod faulty;
mod registry;
mod served;

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faulty::{Fault, Server};
use sha2::{Digest, Sha256};
use taskbox_bundle::{BundleError, Client, ClientOptions, Download, Downloads, Event, Promise};

pub(crate) fn options() -> ClientOptions {
    let mut options = ClientOptions::new(Arc::new(|_| Vec::<IpAddr>::new()));
    options.pause = Duration::from_millis(5);
    options.silence = Duration::from_secs(2);
    options
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fetch(
    options: ClientOptions,
    folder: &Path,
    download: &Download,
) -> (Result<std::path::PathBuf, BundleError>, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let client = Client::new(options).unwrap();
    let watch = |event| events.lock().unwrap().push(event);
    let result = Downloads { client: &client, folder, watch: &watch }.one(download);
    (result, events.into_inner().unwrap())
}

fn download(url: String, promise: Promise) -> Download {
    Download { url, promise, headers: Vec::new() }
}

#[test]
fn a_dropped_download_goes_on_where_it_broke_off() {
    let bytes = body(3_000_000);
    let server = Server::start(
        &[("/file", bytes.clone())],
        vec![Fault::DropAfter(1_000_000), Fault::DropAfter(700_000)],
    );
    let dir = tempfile::tempdir().unwrap();
    let wanted = download(server.url("/file"), Promise::Known(hash(&bytes)));
    let (result, events) = fetch(options(), dir.path(), &wanted);
    assert_eq!(std::fs::read(result.unwrap()).unwrap(), bytes);
    let resumed =
        events.iter().filter(|event| matches!(event, Event::Resumed { from, .. } if *from > 0)).count();
    assert_eq!(resumed, 2, "{events:?}");
    assert_eq!(server.requests(), 3);
    let (again, events) = fetch(options(), dir.path(), &wanted);
    assert!(again.is_ok() && matches!(events[..], [Event::Done { kept: true, .. }]), "{events:?}");
    assert_eq!(server.requests(), 3, "what is whole is not asked for again");
}

#[test]
fn a_killed_build_goes_on_with_what_it_had() {
    let bytes = body(500_000);
    let server = Server::start(&[("/file", bytes.clone())], vec![Fault::DropAfter(200_000)]);
    let dir = tempfile::tempdir().unwrap();
    let wanted = download(server.url("/file"), Promise::Known(hash(&bytes)));
    let (broken, _) = fetch(ClientOptions { tries: 1, ..options() }, dir.path(), &wanted);
    let said = broken.unwrap_err().to_string();
    assert!(said.contains("broke off"), "{said}");
    let (whole, events) = fetch(options(), dir.path(), &wanted);
    assert_eq!(std::fs::read(whole.unwrap()).unwrap(), bytes);
    assert!(matches!(events[0], Event::Resumed { from, .. } if from > 0), "{events:?}");
}

#[test]
fn server_errors_are_tried_again_and_refusals_are_not() {
    let bytes = body(1000);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(
        &[("/file", bytes.clone())],
        vec![Fault::Status(500), Fault::Status(503), Fault::Status(429)],
    );
    let (result, events) = fetch(options(), dir.path(), &download(server.url("/file"), Promise::None));
    assert!(result.is_ok());
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Retry { .. })).count(), 3);
    let (gone, events) = fetch(options(), dir.path(), &download(server.url("/nowhere"), Promise::None));
    let said = gone.unwrap_err().to_string();
    assert!(said.contains("404 Not Found") && events.is_empty(), "{said} {events:?}");
}

#[test]
fn wrong_bytes_are_fetched_anew_and_refused_when_they_stay_wrong() {
    let bytes = body(100_000);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&[("/file", bytes.clone())], vec![Fault::WrongBytes]);
    let wanted = download(server.url("/file"), Promise::Known(hash(&bytes)));
    let (result, events) = fetch(options(), dir.path(), &wanted);
    assert_eq!(std::fs::read(result.unwrap()).unwrap(), bytes);
    assert!(matches!(&events[0], Event::Retry { reason, .. } if reason.contains("promised")), "{events:?}");
    let always = Server::start(&[("/file", bytes.clone())], vec![Fault::WrongBytes; 9]);
    let wanted = download(always.url("/file"), Promise::Known(hash(&bytes)));
    let (result, _) = fetch(options(), dir.path(), &wanted);
    assert!(matches!(result, Err(BundleError::Checksum { .. })));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert_eq!(left.len(), 1, "nothing wrong stays: {left:?}");
}

#[test]
fn a_silent_server_is_given_up_and_a_slow_one_is_not() {
    let bytes = body(60_000);
    let dir = tempfile::tempdir().unwrap();
    let silent = Server::start(&[("/file", bytes.clone())], vec![Fault::Silent]);
    let patience = ClientOptions { silence: Duration::from_millis(300), ..options() };
    let (result, events) = fetch(patience.clone(), dir.path(), &download(silent.url("/file"), Promise::None));
    assert!(
        result.is_ok() && matches!(&events[0], Event::Retry { reason, .. } if reason.contains("timed out")),
        "{events:?}"
    );
    let slow = Server::start(&[("/slow", bytes.clone())], vec![Fault::Slow]);
    let (result, events) = fetch(patience, dir.path(), &download(slow.url("/slow"), Promise::None));
    assert_eq!(std::fs::read(result.unwrap()).unwrap(), bytes);
    assert!(matches!(events[..], [Event::Done { .. }]), "{events:?}");
}

#[test]
fn checksum_files_are_asked_and_a_web_page_in_their_place_is_named() {
    let bytes = body(1000);
    let sums = format!("{}  runc.arm64\n{}  runc.amd64\n", "0".repeat(64), hash(&bytes));
    let page = b"<!DOCTYPE html><html>gone</html>".to_vec();
    let files = [("/runc.amd64", bytes), ("/runc.sha256sum", sums.into_bytes()), ("/page", page)];
    let server = Server::start(&files, Vec::new());
    let dir = tempfile::tempdir().unwrap();
    let by = |name: &str| Promise::ChecksumFile(server.url(name));
    let (fine, _) = fetch(options(), dir.path(), &download(server.url("/runc.amd64"), by("/runc.sha256sum")));
    assert!(fine.is_ok());
    let (page, _) = fetch(options(), dir.path(), &download(server.url("/runc.amd64"), by("/page")));
    let said = page.unwrap_err().to_string();
    assert!(said.contains("says nothing of `runc.amd64`"), "{said}");
}

#[test]
fn a_mirror_takes_the_place_of_a_source() {
    let bytes = body(1000);
    let server = Server::start(&[("/k8s/release/v1/kubelet", bytes)], Vec::new());
    let dir = tempfile::tempdir().unwrap();
    let rewrites = vec![("https://dl.k8s.io".to_owned(), server.url("/k8s"))];
    let wanted = download("https://dl.k8s.io/release/v1/kubelet".into(), Promise::None);
    let (result, _) = fetch(ClientOptions { rewrites, ..options() }, dir.path(), &wanted);
    assert!(result.unwrap().to_string_lossy().ends_with("-kubelet"));
}

#[test]
fn several_files_come_at_a_time_and_the_first_error_ends_it() {
    let files: Vec<(String, Vec<u8>)> =
        (0..8).map(|number| (format!("/{number}"), body(10_000 + number))).collect();
    let listed: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    let server = Server::start(&listed, Vec::new());
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(options()).unwrap();
    let downloads = Downloads { client: &client, folder: dir.path(), watch: &|_| {} };
    let wanted: Vec<Download> =
        files.iter().map(|(path, bytes)| download(server.url(path), Promise::Known(hash(bytes)))).collect();
    let came = downloads.all(&wanted, 4).unwrap();
    for (path, (_, bytes)) in came.iter().zip(&files) {
        assert_eq!(std::fs::read(path).unwrap(), *bytes);
    }
    let mut broken = wanted;
    broken[3].url = server.url("/missing");
    assert!(downloads.all(&broken, 4).unwrap_err().to_string().contains("404"));
}
