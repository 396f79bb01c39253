//! Asks the API behind the load balancer or the console, over and over, and remembers how long it did not answer.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use data::{Diagnose, Diagnostic};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::cluster::Cluster;

/// Time between two questions, and how long an answer may take.
const INTERVAL: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the API is asked, and whom it is trusted by.
pub(super) struct Endpoint {
    url: String,
    /// Who vouches for it; the console speaks plain HTTP.
    authority: Option<Vec<u8>>,
}

impl Endpoint {
    /// The common address of the control plane, with the authority that the install made.
    ///
    /// # Errors
    /// There is no common address, or no authority.
    pub(super) fn of(cluster: &Cluster) -> Result<Self, Box<dyn Diagnose>> {
        let refuse = |what: String, help: &str| -> Box<dyn Diagnose> {
            Box::new(Diagnostic::error(what).help(help.to_owned()))
        };
        let endpoint = cluster.conf.vars.get("loadbalancer_apiserver").and_then(data::Value::as_map);
        let field = |name: &str| endpoint.and_then(|map| map.get(name)).map(data::python::str);
        let Some(address) = field("address").filter(|address| !address.is_empty()) else {
            let help = "a drill measures what clients of `loadbalancer_apiserver` see";
            return Err(refuse("the control plane has no common address".to_owned(), help));
        };
        let port = field("port").unwrap_or_else(|| "6443".to_owned());
        let file = cluster.folder.join("pki/kubernetes-ca.pem");
        let authority = read(&file)
            .map_err(|error| refuse(error, "drill from the machine that installed the cluster"))?;
        Ok(Self { url: format!("https://{address}:{port}/readyz"), authority: Some(authority) })
    }

    /// KubeSphere's console.
    pub(super) fn console(url: String) -> Self {
        Self { url, authority: None }
    }

    fn agent(&self) -> Option<ureq::Agent> {
        let mut tls = TlsConfig::builder();
        if let Some(authority) = &self.authority {
            tls = tls.root_certs(RootCerts::new_with_certs(&[Certificate::from_pem(authority).ok()?]));
        }
        let tls = tls.build();
        // A new connection each time: an old one tells nothing of the load balancer.
        let config = ureq::Agent::config_builder().tls_config(tls).proxy(None).timeout_global(Some(PATIENCE));
        Some(config.max_idle_connections(0).build().into())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

/// The answers so far.
#[derive(Debug)]
struct Answers {
    last: Instant,
    longest: Duration,
}

impl Answers {
    fn answered(&mut self, at: Instant) {
        self.longest = self.gap(at);
        self.last = at;
    }

    /// The longest time without an answer, the one that lasts until `at` included.
    fn gap(&self, at: Instant) -> Duration {
        self.longest.max(at.duration_since(self.last))
    }
}

/// A thread that asks until it is stopped.
pub(super) struct Probe {
    answers: Arc<Mutex<Answers>>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Probe {
    pub(super) fn start(endpoint: &Endpoint) -> Self {
        let answers = Arc::new(Mutex::new(Answers { last: Instant::now(), longest: Duration::ZERO }));
        let ended = Arc::new(AtomicBool::new(false));
        let (agent, url) = (endpoint.agent(), endpoint.url.clone());
        let (their_answers, their_end) = (Arc::clone(&answers), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            while !their_end.load(Ordering::Relaxed) {
                let fine = agent.as_ref().is_some_and(|agent| agent.get(&url).call().is_ok());
                if fine {
                    their_answers.lock().unwrap_or_else(PoisonError::into_inner).answered(Instant::now());
                }
                std::thread::sleep(INTERVAL);
            }
        });
        Self { answers, ended, thread }
    }

    /// The longest time without an answer so far.
    pub(super) fn longest_gap(&self) -> Duration {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).gap(Instant::now())
    }

    /// Ends it; the longest time without an answer.
    pub(super) fn stop(self) -> Duration {
        let longest = self.longest_gap();
        self.ended.store(true, Ordering::Relaxed);
        // A thread that panicked has nothing more to say.
        let _ = self.thread.join();
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_still_lasts_counts() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut answers = Answers { last: begin, longest: Duration::ZERO };
        answers.answered(after(1));
        answers.answered(after(8));
        answers.answered(after(9));
        assert_eq!(answers.gap(after(10)), Duration::from_secs(7));
        assert_eq!(answers.gap(after(30)), Duration::from_secs(21));
    }
}
