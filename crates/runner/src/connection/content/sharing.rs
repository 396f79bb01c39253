//! Content that a host takes from another host, or gives on: what a session asks its agent for that.

use data::{Map, Value};
use modules::RunRequest;
use modules::wire::{Reply, Request};

use super::fan_out::{FanOut, Peer};
use crate::connection::session::AgentSession;
use crate::connection::{ConnectionError, Content};

impl AgentSession {
    /// Gets the host a piece: from another host, if one is free, else from here; then the host gives it on.
    pub(in crate::connection) fn share(
        &mut self,
        context: u32,
        content: &Content,
        sha256: &str,
        fan_out: &FanOut,
    ) -> Result<(), ConnectionError> {
        let host = self.host().to_owned();
        let mut turn = fan_out.turn(sha256, &host);
        if let Some(peer) = turn.peer().cloned()
            && !self.take_from(context, content, sha256, &peer)?
        {
            turn.peer_failed(&host);
        }
        if turn.peer().is_none() {
            self.give_one(context, content)?;
        }
        if let Some(peer) = self.offer(context, sha256)? {
            turn.offered_by(peer);
        }
        Ok(())
    }

    /// Lets the host read a piece from another; says whether it has it now.
    fn take_from(
        &mut self,
        context: u32,
        content: &Content,
        sha256: &str,
        peer: &Peer,
    ) -> Result<bool, ConnectionError> {
        let args = Map::from([
            ("action", Value::from("fetch")),
            ("sha256", sha256.into()),
            ("size", content.size().into()),
            ("addresses", peer.addresses.iter().map(|address| Value::from(address.as_str())).collect()),
            ("port", u32::from(peer.port).into()),
            ("token", peer.token.as_str().into()),
        ]);
        let answer = self.ask_share(context, args)?;
        Ok(answer.get("fetched") == Some(&Value::from(true)))
    }

    /// Lets the host give a piece on; `None` if it cannot.
    fn offer(&mut self, context: u32, sha256: &str) -> Result<Option<Peer>, ConnectionError> {
        let args = Map::from([("action", Value::from("offer")), ("sha256", sha256.into())]);
        let answer = self.ask_share(context, args)?;
        let port = answer.get("port").and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
        let (Some(port), Some(token)) = (port, answer.get_str("token")) else { return Ok(None) };
        // As the host knows itself, then as it is called here.
        let mut addresses: Vec<String> = answer.get_str("address").map(str::to_owned).into_iter().collect();
        if !addresses.iter().any(|address| address == self.address()) {
            addresses.push(self.address().to_owned());
        }
        Ok(Some(Peer { host: self.host().to_owned(), addresses, port, token: token.to_owned() }))
    }

    fn ask_share(&mut self, context: u32, args: Map) -> Result<Map, ConnectionError> {
        let request = Request::Run(RunRequest::new("taskbox.core.content_share", args).into());
        let id = self.ask(context, &request)?;
        match self.answer(id, context, None, None, &mut |_| ())? {
            Reply::Result(result) => Ok(result),
            other => Err(self.unexpected(&other)),
        }
    }
}
