//! `get_url`: a file from the network, checked before it takes its place.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use data::Map;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::http::{self, Answer, Call, mask};
use crate::atomic_write::{AtomicFile, backup};
use crate::file_attributes::{self, Changes, FileAttributes};
use crate::{Arg, ArgType, Args, Context, Default, Failure, ModuleSpec, Outcome, sha1_of_file};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "get_url",
    summary: "Downloads files from HTTP, HTTPS, or FTP to node",
    args: &[
        Arg::str("url").required().help("What to download: `http://`, `https://` or `file://`."),
        Arg::path("dest").required().help("Where it goes; in a folder, under the name that the server or the URL gives."),
        Arg::bool("backup").default_bool(false).help("Keep a copy of the old file."),
        Arg::str("checksum").default_str("").help("`ALGORITHM:DIGEST`, or `ALGORITHM:URL` of a list of digests."),
        Arg::int("timeout").default_int(10).help("How many seconds the server may be silent."),
        Arg::dict("headers").help("Headers of the request."),
        Arg::path("tmp_dest").help("Accepted for Ansible's sake: the download always lies beside its place, so that it can take it in one step."),
        Arg::list("unredirected_headers", ArgType::Str).default(Default::List(&[])).help("Headers not to send on after a redirect."),
        Arg::bool("decompress").default_bool(true).help("Unpack an answer that comes compressed with gzip."),
        Arg::list("ciphers", ArgType::Str).help("Accepted for Ansible's sake: the ciphers are TLS 1.2's and 1.3's good ones."),
        Arg::bool("use_netrc").default_bool(true).help("Whether `~/.netrc` may name a user and a password where `url_username` does not."),
        Arg::str("url_username").aliases(&["username"]).help("The user of basic authentication."),
        Arg::str("url_password").aliases(&["password"]).no_log().help("The password of basic authentication."),
    ],
    shared: SHARED,
    run,
    ..ModuleSpec::DEFAULTS
};

const SHARED: &[Arg] = &crate::spec::join::<{ http::ARGS.len() + file_attributes::ARGS.len() }>(
    http::ARGS,
    file_attributes::ARGS,
);

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let url = args.str("url")?;
    let start = Instant::now();
    let mut download = Download { args, url, dest: args.path("dest")?, fields: Map::new(), sum: None };
    download.fields.insert("url", mask(url));
    download.fields.insert("dest", download.dest.display().to_string());
    download.sum = download.wanted_sum(context)?;
    let result = download.carry_out(context);
    let elapsed = i64::try_from(start.elapsed().as_secs()).unwrap_or(i64::MAX);
    match result {
        Ok(outcome) => Ok(outcome.with("elapsed", elapsed)),
        Err(failure) => Err(failure.with("elapsed", elapsed)),
    }
}

/// A digest to be met.
struct Sum {
    algorithm: String,
    digest: String,
}

impl Sum {
    fn is_of(&self, file: &Path) -> Result<bool, Failure> {
        Ok(crate::files::checksum(file, &self.algorithm)? == self.digest)
    }
}

struct Download<'a> {
    args: &'a Args,
    url: &'a str,
    dest: PathBuf,
    fields: Map,
    sum: Option<Sum>,
}

impl Download<'_> {
    fn fail(&self, msg: impl Into<String>) -> Failure {
        Failure { fields: self.fields.clone(), ..Failure::new(msg) }
    }

    fn carry_out(&mut self, context: &mut Context) -> Result<Outcome, Failure> {
        let mut force = self.args.bool("force");
        let mut since = None;
        if self.dest.is_file() {
            if let Some(sum) = self.sum.as_ref().filter(|_| !force) {
                if sum.is_of(&self.dest)? {
                    return self.leave(context);
                }
                force = true;
            }
            since = fs::metadata(&self.dest).and_then(|about| about.modified()).ok().filter(|_| !force);
        }
        if let Some(path) = self.url.strip_prefix("file://") {
            let file =
                File::open(path).map_err(|error| self.fail(format!("Request failed: {path}: {error}")))?;
            self.name_in_folder(None, self.url);
            let size = file.metadata().map(|about| about.len()).unwrap_or_default();
            return Ok(self
                .keep(file, None, context)?
                .msg(format!("OK ({size} bytes)"))
                .with("status_code", data::Value::Null));
        }
        let answer = self.request(if context.check { "HEAD" } else { "GET" }, since, context)?;
        if answer.status == 304 {
            return Ok(self.done(false).with("status_code", 304).msg(reason(&answer)));
        }
        if answer.status != 200 {
            let failure = self.fail("Request failed").with("status_code", i64::from(answer.status));
            return Err(failure.with("response", reason(&answer)));
        }
        self.name_in_folder(answer.header("content-disposition"), &answer.url);
        let unpack = self.args.bool("decompress");
        let packed = unpack && answer.is_packed();
        let length =
            answer.header("content-length").filter(|_| !packed).and_then(|text| text.parse::<u64>().ok());
        let (msg, status) = (reason(&answer), i64::from(answer.status));
        if context.check {
            return Ok(self.done(true).with("status_code", status).msg(msg));
        }
        Ok(self.keep(answer.reader(unpack), length, context)?.with("status_code", status).msg(msg))
    }

    fn done(&self, changed: bool) -> Outcome {
        Outcome { fields: self.fields.clone(), ..Outcome::new(changed) }
    }

    /// The file is right already; only its attributes may not be.
    fn leave(&self, context: &mut Context) -> Result<Outcome, Failure> {
        let changed =
            FileAttributes::from_args(self.args)?.apply(&self.dest, context, &mut Changes::default())?;
        let msg =
            if changed { "file already exists but file attributes changed" } else { "file already exists" };
        Ok(self.done(changed).msg(msg))
    }

    fn request(
        &self,
        method: &str,
        since: Option<SystemTime>,
        context: &mut Context,
    ) -> Result<Answer, Failure> {
        let mut headers = headers(self.args);
        if let Some(time) = since.and_then(|time| Timestamp::try_from(time).ok()) {
            let text = time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.push(("If-Modified-Since".to_string(), text));
        }
        let call = Call {
            method,
            url: self.url,
            headers,
            body: None,
            timeout: timeout(self.args),
            redirects: 10,
            socket: None,
        };
        http::send(&call, self.args, context).map_err(|failure| self.fail(failure.msg))
    }

    /// In a folder the file gets the name that the server gives, or the last part of the URL.
    fn name_in_folder(&mut self, disposition: Option<&str>, url: &str) {
        if self.dest.is_dir() {
            let name = disposition.and_then(disposition_name).unwrap_or_else(|| url_name(url));
            self.dest.push(name);
            self.fields.insert("dest", self.dest.display().to_string());
        }
    }

    /// Writes beside the place, checks, and only then replaces.
    fn keep(
        &mut self,
        mut from: impl Read,
        length: Option<u64>,
        context: &mut Context,
    ) -> Result<Outcome, Failure> {
        let mut file = AtomicFile::begin(&self.dest).map_err(|failure| self.fail(failure.msg))?;
        let got = copy(&mut from, &mut file, context).map_err(|failure| self.fail(failure.msg))?;
        if let Some(length) = length.filter(|length| *length != got) {
            return Err(self.fail(format!("Incomplete read: {got} of {length} bytes came")));
        }
        let failed = |error: io::Error| Failure::io("could not read", file.path(), &error);
        let new = sha1_of_file(file.path()).map_err(failed)?;
        let old = if self.dest.exists() { sha1_of_file(&self.dest).ok() } else { None };
        self.fields.insert("checksum_src", new.as_str());
        self.fields.insert("checksum_dest", old.clone());
        self.fields.insert("src", file.name().display().to_string());
        if let Some(sum) = &self.sum {
            let found = crate::files::checksum(file.path(), &sum.algorithm)?;
            if found != sum.digest {
                let said = format!(
                    "The checksum for {} did not match {}; it was {found}.",
                    file.name().display(),
                    sum.digest
                );
                return Err(self.fail(said));
            }
        }
        self.fields.insert("md5sum", crate::files::checksum(file.path(), "md5")?);
        let differs = old.as_ref() != Some(&new);
        let mut saved = None;
        if differs && !context.check {
            if self.args.bool("backup") && old.is_some() {
                saved = Some(backup(&self.dest, context)?);
            }
            file.replace(self.args.bool("unsafe_writes")).map_err(|failure| self.fail(failure.msg))?;
        }
        let attributes =
            FileAttributes::from_args(self.args)?.apply(&self.dest, context, &mut Changes::default())?;
        let outcome = self.done(differs || attributes);
        Ok(match saved {
            Some(name) => outcome.with("backup_file", name),
            None => outcome,
        })
    }

    /// Reads the argument `checksum`; a URL in it is downloaded and searched for the file's name.
    fn wanted_sum(&self, context: &mut Context) -> Result<Option<Sum>, Failure> {
        let text = self.args.opt_str("checksum").unwrap_or_default();
        if text.is_empty() {
            return Ok(None);
        }
        let Some((algorithm, digest)) = text.split_once(':') else {
            return Err(self.fail("The checksum parameter has to be in format <algorithm>:<checksum>"));
        };
        let digest =
            if digest.contains("://") { self.listed_sum(digest, context)? } else { digest.to_string() };
        let digest: String = digest.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
        let digest = digest.to_lowercase();
        if digest.is_empty() || !digest.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(self.fail("The checksum format is invalid"));
        }
        Ok(Some(Sum { algorithm: algorithm.to_string(), digest }))
    }

    fn listed_sum(&self, url: &str, context: &mut Context) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let fail =
            |error: &dyn std::fmt::Display| self.fail(format!("could not read {}: {error}", mask(url)));
        if let Some(path) = url.strip_prefix("file://") {
            bytes = fs::read(path).map_err(|error| fail(&error))?;
        } else {
            let call = Call {
                method: "GET",
                url,
                headers: headers(self.args),
                body: None,
                timeout: timeout(self.args),
                redirects: 10,
                socket: None,
            };
            let answer = http::send(&call, self.args, context)?;
            if answer.status != 200 {
                return Err(fail(&reason(&answer)));
            }
            // A list of digests is short; more than this is something else.
            answer
                .reader(true)
                .take(16 * 1024 * 1024)
                .read_to_end(&mut bytes)
                .map_err(|error| fail(&error))?;
        }
        let name = url_name(self.url);
        find_sum(&String::from_utf8_lossy(&bytes), &name).ok_or_else(|| {
            self.fail(format!("Unable to find a checksum for file '{name}' in '{}'", mask(url)))
        })
    }
}

fn timeout(args: &Args) -> Duration {
    Duration::from_secs(
        args.int("timeout").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(10).max(1),
    )
}

/// The argument `headers`.
pub(super) fn headers(args: &Args) -> Vec<(String, String)> {
    let map = args.map("headers").cloned().unwrap_or_default();
    map.iter().map(|(name, value)| (name.to_string(), data::python::str(value))).collect()
}

fn reason(answer: &Answer) -> String {
    match (answer.status, answer.header("content-length")) {
        (200..300, Some(length)) => format!("OK ({length} bytes)"),
        (200..300, None) => "OK (unknown bytes)".to_string(),
        (status, _) => format!("HTTP Error {status}: {}", answer.reason),
    }
}

fn copy(from: &mut impl Read, to: &mut AtomicFile, context: &Context) -> Result<u64, Failure> {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        context.go_on()?;
        let count = match from.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Failure::new(format!(
                    "Incomplete read: the download broke off after {total} bytes: {error}"
                )));
            }
        };
        if count == 0 {
            return Ok(total);
        }
        total += to.fill(&buffer[..count])?;
    }
}

/// The last part of a URL's path, as Ansible names a download.
fn url_name(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    match path.split_once('/').map(|(_, path)| path.rsplit('/').next().unwrap_or_default()) {
        Some(name) if !name.is_empty() && name != ".." && name != "." => name.to_string(),
        _ => "index.html".to_string(),
    }
}

/// The file name in a `Content-Disposition` header; never a path.
fn disposition_name(header: &str) -> Option<String> {
    let value = header.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
    let name = value.trim_matches('"').rsplit(['/', '\\']).next()?;
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_string())
}

/// The digest of a file in a list as `sha256sum` (either style) writes it, or alone in its file.
fn find_sum(list: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = list.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [line] = lines.as_slice()
        && !line.contains(char::is_whitespace)
    {
        return Some((*line).to_string());
    }
    lines.iter().find_map(|line| {
        let bsd = line.split_once(" = ").or_else(|| line.split_once("= ")).and_then(|(left, digest)| {
            let file = left.split_once('(')?.1.rsplit_once(')')?.0;
            Some((digest, file))
        });
        let (digest, file) = bsd.or_else(|| line.split_once(char::is_whitespace))?;
        let file = file.trim_start().trim_start_matches('*').trim_start_matches("./");
        (file == name).then(|| digest.trim().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::Value;

    fn call(args: &[(&str, &str)]) -> Map {
        crate::run_local(&crate::RunRequest::new("get_url", args.iter().copied().collect()))
    }

    #[test]
    fn a_download_is_kept_only_with_the_right_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let (source, dest) = (folder.path().join("source"), folder.path().join("dest"));
        fs::write(&source, "hello").unwrap();
        let url = format!("file://{}", source.display());
        let (url, dest_text) = (url.as_str(), dest.to_str().unwrap());
        let wrong = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let result = call(&[("url", url), ("dest", dest_text), ("checksum", wrong)]);
        assert!(result.get_str("msg").unwrap().contains("did not match"));
        assert!(!dest.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let right = "sha1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
        let args = [("url", url), ("dest", dest_text), ("checksum", right)];
        assert_eq!(call(&args).get("changed"), Some(&Value::from(true)));
        assert_eq!(fs::read(&dest).unwrap(), b"hello");
        let again = call(&args);
        assert_eq!(
            (again.get("changed"), again.get_str("msg")),
            (Some(&Value::from(false)), Some("file already exists"))
        );
    }

    #[test]
    fn digests_are_found_in_lists_of_both_styles() {
        let gnu = "aa  x.tar\nbb *./y.tar\n";
        assert_eq!(find_sum(gnu, "x.tar").as_deref(), Some("aa"));
        assert_eq!(find_sum(gnu, "y.tar").as_deref(), Some("bb"));
        assert_eq!(find_sum("SHA256 (x.tar) = cc\nSHA256 (y) = dd", "x.tar").as_deref(), Some("cc"));
        assert_eq!(find_sum("ee\n", "any").as_deref(), Some("ee"));
        assert_eq!(find_sum(gnu, "z"), None);
    }

    #[test]
    fn names_never_lead_out_of_the_folder() {
        assert_eq!(url_name("http://h/a/b.tar.gz?x=/y"), "b.tar.gz");
        assert_eq!(url_name("http://h"), "index.html");
        assert_eq!(url_name("http://h/a/.."), "index.html");
        assert_eq!(disposition_name("attachment; filename=\"../../etc/passwd\"").as_deref(), Some("passwd"));
        assert_eq!(disposition_name("attachment; filename=\"..\""), None);
    }
}
