//! Files over HTTP: several at a time, each resumed where it broke off, each checked before it counts.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use ureq::http::StatusCode;

use super::client::{Client, explain};
use crate::content::Content;
use crate::digest::sha256;
use crate::{BundleError, checksum};

/// Bytes read at a time.
const BUFFER: usize = 256 * 1024;
/// The longest checksum file that is read.
const CHECKSUM_LIMIT: u64 = 4 * 1024 * 1024;

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// Who says what its SHA-256 is.
    pub promise: Promise,
    /// More headers, such as a token.
    pub headers: Vec<(String, String)>,
}

/// Where a file's SHA-256 comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// It is known.
    Known(String),
    /// A checksum file, in any of the usual shapes.
    ChecksumFile(String),
    /// Nobody publishes one; the hash of what comes goes into the bundle's manifest.
    None,
}

/// What happens while files are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A try failed and another follows.
    Retry {
        /// Of what.
        url: String,
        /// Why.
        reason: String,
    },
    /// Goes on where an earlier try ended.
    Resumed {
        /// What.
        url: String,
        /// From which byte.
        from: u64,
    },
    /// A file is there and whole.
    Done {
        /// What.
        url: String,
        /// Its size in bytes.
        size: u64,
        /// Whether it was there already.
        kept: bool,
    },
}

/// Fetches into a folder in which broken downloads wait to be resumed.
pub struct Downloads<'a> {
    /// How.
    pub client: &'a Client,
    /// Where to.
    pub folder: &'a Path,
    /// Hears what happens; from several threads.
    pub watch: &'a (dyn Fn(Event) + Sync),
}

impl Downloads<'_> {
    /// Fetches all, `at_once` at a time; gives their files in the same order. The first error ends it, what is whole stays.
    ///
    /// # Errors
    /// A file cannot be fetched or written, or has another checksum than was promised.
    pub fn all(&self, downloads: &[Download], at_once: usize) -> Result<Vec<PathBuf>, BundleError> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<PathBuf>>> = Mutex::new(vec![None; downloads.len()]);
        let failed: Mutex<Option<BundleError>> = Mutex::new(None);
        let lock = |failed: &Mutex<Option<BundleError>>| {
            failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
        };
        std::thread::scope(|scope| {
            for _ in 0..at_once.clamp(1, downloads.len().max(1)) {
                scope.spawn(|| {
                    while !lock(&failed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(download) = downloads.get(index) else { break };
                        match self.one(download) {
                            Ok(path) => {
                                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(path);
                            }
                            Err(error) => {
                                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                            }
                        }
                    }
                });
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect())
    }

    /// Fetches one file; gives where it lies.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn one(&self, download: &Download) -> Result<PathBuf, BundleError> {
        let promised = self.promised(download)?;
        let to = self.folder.join(place(&download.url));
        std::fs::create_dir_all(self.folder).map_err(BundleError::file("create", self.folder))?;
        let done =
            |kept: bool, size: u64| (self.watch)(Event::Done { url: download.url.clone(), size, kept });
        if let Ok(about) = std::fs::metadata(&to) {
            let (_, found) = Content::File(to.clone()).digest().map_err(BundleError::file("read", &to))?;
            if promised.as_ref().is_none_or(|promised| *promised == found) {
                done(true, about.len());
                return Ok(to);
            }
            std::fs::remove_file(&to).map_err(BundleError::file("replace", &to))?;
        }
        let part = part_of(&to);
        self.with_tries(&download.url, |last| {
            self.fetch(download, &part)?;
            let (size, found) =
                Content::File(part.clone()).digest().map_err(|error| Trouble::Local(part.clone(), error))?;
            match &promised {
                Some(promised) if *promised != found => {
                    // A broken resume or a wrong answer: begin anew.
                    std::fs::remove_file(&part).map_err(|error| Trouble::Local(part.clone(), error))?;
                    let reason = format!("it has the SHA-256 {found}, promised is {promised}");
                    if last {
                        return Err(Trouble::Wrong(BundleError::Checksum {
                            what: download.url.clone(),
                            by: match &download.promise {
                                Promise::ChecksumFile(by) => by.clone(),
                                _ => "the plan".into(),
                            },
                            promised: promised.clone(),
                            found,
                        }));
                    }
                    Err(Trouble::Again(reason))
                }
                _ => Ok(size),
            }
        })
        .and_then(|size| {
            std::fs::rename(&part, &to).map_err(BundleError::file("create", &to))?;
            done(false, size);
            Ok(to)
        })
    }

    /// The SHA-256 that the file must have.
    fn promised(&self, download: &Download) -> Result<Option<String>, BundleError> {
        match &download.promise {
            Promise::Known(hash) => Ok(Some(hash.to_ascii_lowercase())),
            Promise::None => Ok(None),
            Promise::ChecksumFile(url) => {
                let text = self.text(url)?;
                let file = download.url.rsplit('/').next().unwrap_or_default();
                let found = checksum::promised(&text, file);
                found.map(Some).ok_or_else(|| BundleError::Fetch {
                    url: url.clone(),
                    reason: format!("it came, but says nothing of `{file}`"),
                    help: "look at that address in a browser: a web page in its place means that the file is gone".into(),
                })
            }
        }
    }

    /// A small text.
    ///
    /// # Errors
    /// As [`Self::one`].
    pub fn text(&self, url: &str) -> Result<String, BundleError> {
        let address = self.client.rewritten(url);
        self.with_tries(url, |_| {
            let response = self.client.agent(&address).and_then(|agent| agent.get(&address).call());
            let response = response.map_err(|error| Trouble::Again(explain(&error)))?;
            judge(response.status())?;
            let mut text = Vec::new();
            let read =
                response.into_body().into_with_config().limit(CHECKSUM_LIMIT).reader().read_to_end(&mut text);
            read.map_err(|error| Trouble::Again(error.to_string()))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        })
    }

    /// Tries, and tries again after growing pauses; `true` is the last try.
    pub(super) fn with_tries<T>(
        &self,
        url: &str,
        run: impl Fn(bool) -> Result<T, Trouble>,
    ) -> Result<T, BundleError> {
        let options = self.client.options();
        let mut pause = options.pause;
        let mut number = 1;
        loop {
            let last = number >= options.tries;
            let reason = match run(last) {
                Ok(value) => return Ok(value),
                Err(Trouble::Local(path, error)) => {
                    return Err(BundleError::File { action: "write", path, error });
                }
                Err(Trouble::Wrong(error)) => return Err(error),
                Err(Trouble::Never(reason)) => return Err(self.failed(url, reason)),
                Err(Trouble::Again(reason)) if last => {
                    return Err(self.failed(url, format!("{reason} (after {number} tries)")));
                }
                Err(Trouble::Again(reason)) => reason,
            };
            (self.watch)(Event::Retry { url: url.to_owned(), reason });
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2);
            number += 1;
        }
    }

    fn failed(&self, url: &str, reason: String) -> BundleError {
        let address = self.client.rewritten(url);
        let url = if address == url { address } else { format!("{url} (rewritten to {address})") };
        let help = "run the same command again when the source answers, it goes on where it stopped; or name a mirror with --rewrite, or put \
                    the file into a folder for --from";
        BundleError::Fetch { url, reason, help: help.into() }
    }

    /// Appends what is left of a file to `part`.
    fn fetch(&self, download: &Download, part: &Path) -> Result<(), Trouble> {
        let address = self.client.rewritten(&download.url);
        let there = std::fs::metadata(part).map_or(0, |about| about.len());
        let again = |error: ureq::Error| Trouble::Again(explain(&error));
        let mut request = self.client.agent(&address).map_err(again)?.get(&address);
        for (name, value) in &download.headers {
            request = request.header(name, value);
        }
        if there > 0 {
            request = request.header("Range", format!("bytes={there}-"));
        }
        let response = request.call().map_err(again)?;
        let local = |error| Trouble::Local(part.to_owned(), error);
        let range =
            response.headers().get("content-range").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT
            && range.as_deref().and_then(range_start).is_some_and(|start| start == there);
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && there > 0 {
            // All of it is here, or what is here is longer: the checksum tells.
            let total = range.as_deref().and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
            if total == Some(there) {
                return Ok(());
            }
            std::fs::remove_file(part).map_err(local)?;
            return Err(Trouble::Again("what was fetched before does not fit".into()));
        }
        judge(response.status())?;
        if resumed {
            (self.watch)(Event::Resumed { url: download.url.clone(), from: there });
        }
        let mut options = OpenOptions::new();
        let mut out: File =
            options.create(true).append(resumed).write(true).truncate(!resumed).open(part).map_err(local)?;
        let length = response.body().content_length();
        let mut reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; BUFFER];
        let mut came = 0;
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Trouble::Again(format!("broke off: {error}"))),
            };
            out.write_all(&buffer[..read]).map_err(local)?;
            came += read as u64;
        }
        match length {
            Some(length) if length != came => {
                Err(Trouble::Again(format!("broke off after {came} of {length} bytes")))
            }
            _ => out.sync_data().map_err(local),
        }
    }
}

/// Why a try failed.
pub(super) enum Trouble {
    /// Another try may help.
    Again(String),
    /// No other try will help.
    Never(String),
    /// The disk here.
    Local(PathBuf, io::Error),
    /// What came is wrong.
    Wrong(BundleError),
}

/// Whether an answer is one to use.
pub(super) fn judge(status: StatusCode) -> Result<(), Trouble> {
    if status.is_success() {
        return Ok(());
    }
    let said =
        format!("the server says {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let again = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(if again { Trouble::Again(said) } else { Trouble::Never(said) })
}

/// `bytes 100-199/1000`
fn range_start(range: &str) -> Option<u64> {
    range.strip_prefix("bytes")?.trim().split('-').next()?.parse().ok()
}

/// The name of a URL's file in the folder: its own, after a hash of the whole.
fn place(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name: String = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    format!("{}/{name}", &sha256(url.as_bytes())[..12]).replace('/', "-")
}

fn part_of(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    to.with_file_name(name)
}
