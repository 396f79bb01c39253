//! Which connection a task uses: from its host's variables, its keywords and the command line.

use std::sync::{Arc, OnceLock};

use crate::connection::{Become, Connection, ConnectionDefaults, ConnectionSettings, Connections as Pool};
use crate::event::HostName;
use crate::options::Prompter;
use crate::task::finalized::Finalized;
use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// The connections of a run.
pub(crate) struct Connections {
    pool: Pool,
    bastion: OnceLock<Box<ConnectionSettings>>,
}

impl Connections {
    /// No connections yet; `prompter` is asked for passphrases of keys.
    pub(crate) fn asking(prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self { pool: Pool::asking(prompter), bastion: OnceLock::new() }
    }

    /// The connection to a host for one task, and the user it becomes there.
    ///
    /// # Errors
    /// Variables that describe no usable connection.
    pub(crate) fn open(
        &self,
        host: &HostName,
        scope: &TaskScope,
        keywords: &Finalized,
    ) -> Result<(Arc<dyn Connection>, Option<Become>), Trouble> {
        let get = |name: &str| {
            scope.variable(name).ok().flatten().filter(|value| !value.is_null() && !value.is_undefined())
        };
        let jump = self.bastion(host, scope)?;
        let defaults = ConnectionDefaults {
            jump,
            connection: keywords
                .connection
                .clone()
                .or_else(|| scope.shared.options.connection.connection.clone()),
            user: keywords.remote_user.clone().or_else(|| scope.shared.options.connection.user.clone()),
            port: keywords.port.or(scope.shared.options.connection.port),
            ..scope.shared.options.connection.clone()
        };
        let settings = ConnectionSettings::from_vars(host, &get, &defaults)?;
        let become_as = Become::from_vars(host, &get, &keywords.become_as, &defaults)?;
        Ok((self.pool.get(&settings), become_as))
    }

    /// Ends the sessions with a host (`meta: reset_connection`).
    pub(crate) fn reset(&self, host: &str) {
        self.pool.reset(host);
    }

    /// Breaks off all that runs.
    pub(crate) fn interrupt(&self) {
        self.pool.interrupt();
    }

    /// The way through the inventory's `[bastion]` group, for hosts that are not in it: its first host.
    fn bastion(
        &self,
        host: &HostName,
        scope: &TaskScope,
    ) -> Result<Option<Box<ConnectionSettings>>, Trouble> {
        let inventory = scope.shared.inventory();
        let members = inventory.group("bastion").map(|group| inventory.hosts_of(group)).unwrap_or_default();
        let Some(first) = members.first().filter(|_| members.iter().all(|member| member.name() != host))
        else {
            return Ok(None);
        };
        if let Some(known) = self.bastion.get() {
            return Ok(Some(known.clone()));
        }
        let first: HostName = first.name().clone();
        let of_bastion = scope.for_host(&first);
        let get = |name: &str| of_bastion.variable(name).ok().flatten();
        let settings = ConnectionSettings::from_vars(&first, &get, &scope.shared.options.connection)?;
        Ok(Some(self.bastion.get_or_init(|| Box::new(settings)).clone()))
    }
}
