//! All connections of a run: one per host and way, opened at their first use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::agent_file::AgentFiles;
use super::container::ContainerCarrier;
use super::host::RemoteHost;
use super::local::LocalHost;
use super::openssh::OpenSshCarrier;
use super::passphrases::Passphrases;
use super::ssh::SshCarrier;
use super::{Connection, ConnectionSettings, Way};
use crate::options::Prompter;

/// The connections of a run. Ends them all with its value.
#[derive(Default)]
pub struct Connections {
    open: Mutex<HashMap<ConnectionSettings, Arc<dyn Connection>>>,
    interrupted: AtomicBool,
    passphrases: Passphrases,
}

impl Connections {
    /// No connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No connections yet, and somebody who knows the passphrases of keys.
    pub fn asking(prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self { passphrases: Passphrases::asking(prompter), ..Self::default() }
    }

    /// The connection for these settings: the same one for equal settings. Nothing is opened before its first use.
    pub fn get(&self, settings: &ConnectionSettings) -> Arc<dyn Connection> {
        let mut open = self.open();
        if let Some(connection) = open.get(settings) {
            return Arc::clone(connection);
        }
        let connection = connect(settings, &self.passphrases);
        if self.interrupted.load(Ordering::Acquire) {
            connection.interrupt();
        }
        open.insert(settings.clone(), Arc::clone(&connection));
        connection
    }

    /// Breaks off all that runs, and refuses all that comes: the user's second Ctrl-C.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        let all: Vec<_> = self.open().values().cloned().collect();
        for connection in all {
            connection.interrupt();
        }
    }

    /// Ends all sessions with a host, in every way it is reached.
    pub fn reset(&self, host: &str) {
        let of_host: Vec<_> = self
            .open()
            .iter()
            .filter(|(settings, _)| settings.host == host)
            .map(|(_, connection)| Arc::clone(connection))
            .collect();
        for connection in of_host {
            connection.reset();
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ConnectionSettings, Arc<dyn Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(settings: &ConnectionSettings, passphrases: &Passphrases) -> Arc<dyn Connection> {
    let files = AgentFiles::of_program();
    match &settings.way {
        Way::Local => Arc::new(LocalHost::new(settings.clone(), files)),
        Way::Ssh => Arc::new(RemoteHost::new(
            settings.clone(),
            files,
            Box::new(SshCarrier::new(settings.clone(), passphrases.clone())),
        )),
        Way::Container(_) => Arc::new(RemoteHost::new(
            settings.clone(),
            files,
            Box::new(ContainerCarrier::new(settings.clone())),
        )),
        Way::OpenSsh(_) => {
            Arc::new(RemoteHost::new(settings.clone(), files, Box::new(OpenSshCarrier::new(settings))))
        }
    }
}

#[cfg(test)]
mod tests {
    use data::Map;

    use super::*;
    use crate::connection::Call;

    #[test]
    fn equal_settings_share_a_connection() {
        let connections = Connections::new();
        let one = connections.get(&ConnectionSettings::local("a"));
        assert!(Arc::ptr_eq(&one, &connections.get(&ConnectionSettings::local("a"))));
        assert!(!Arc::ptr_eq(&one, &connections.get(&ConnectionSettings::local("b"))));
    }

    #[test]
    fn modules_run_in_this_process_for_local_hosts() {
        let connection = Connections::new().get(&ConnectionSettings::local("a"));
        let result = connection.run(&Call::new("ping", Map::new()), &mut |_| ()).unwrap();
        assert_eq!(result.get_str("ping"), Some("pong"));
    }

    #[test]
    fn an_interrupted_run_starts_nothing_more() {
        let connections = Connections::new();
        connections.interrupt();
        let result =
            connections.get(&ConnectionSettings::local("a")).run(&Call::new("ping", Map::new()), &mut |_| ());
        assert!(result.is_err());
    }
}
