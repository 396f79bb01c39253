//! Large content for many hosts: sent to a few of them, which give it on to the others, so that the controller's uplink is not the limit.
//!
//! The first hosts that lack a piece get it from here; once one has it, the others take it from hosts that have it, as they get free. Those that
//! have it double with each round. Whatever goes wrong between two hosts, the piece comes from here instead.

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many hosts get a piece from here at the same time, where others can give it on.
const FROM_HERE: usize = 3;
/// How many hosts one host gives a piece to at the same time.
const FROM_PEER: usize = 2;

/// Where a host gives content on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name in the inventory.
    pub(crate) host: String,
    /// Addresses to try.
    pub(crate) addresses: Vec<String>,
    pub(crate) port: u16,
    pub(crate) token: String,
}

/// Who has which content, of one run.
#[derive(Debug, Default)]
pub struct FanOut {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pieces: HashMap<String, Piece>,
    /// Hosts that could not take something from another.
    alone: HashSet<String>,
}

#[derive(Debug, Default)]
struct Piece {
    /// How many get it from here now.
    from_here: usize,
    /// Hosts that have it, and how many take it from each now.
    holders: Vec<(Peer, usize)>,
}

/// One host's turn to get a piece; its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    fan_out: &'a FanOut,
    sha256: String,
    peer: Option<Peer>,
}

impl FanOut {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a host may get a piece, and says from where.
    pub(crate) fn turn(&self, sha256: &str, host: &str) -> Turn<'_> {
        let turn = |peer| Turn { fan_out: self, sha256: sha256.to_owned(), peer };
        let mut state = self.state();
        loop {
            let alone = state.alone.contains(host);
            let piece = state.pieces.entry(sha256.to_owned()).or_default();
            let free = |(peer, busy): &&mut (Peer, usize)| *busy < FROM_PEER && peer.host != host;
            // The least busy one, so that all that have it take part.
            let holder =
                piece.holders.iter_mut().filter(free).min_by_key(|(_, busy)| *busy).filter(|_| !alone);
            if let Some((peer, busy)) = holder {
                *busy += 1;
                return turn(Some(peer.clone()));
            }
            // Once somebody has it, only hosts that cannot take it from others get it from here.
            if piece.from_here < FROM_HERE
                && (alone || piece.holders.iter().all(|(peer, _)| peer.host == host))
            {
                piece.from_here += 1;
                return turn(None);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Turn<'_> {
    /// From whom; `None` is from here.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// The peer gave nothing: this host gets everything from here from now on, this piece at once.
    pub(crate) fn peer_failed(&mut self, host: &str) {
        let mut state = self.fan_out.state();
        state.alone.insert(host.to_owned());
        let piece = state.pieces.entry(self.sha256.clone()).or_default();
        if let Some(peer) = self.peer.take() {
            release(piece, &peer);
        }
        piece.from_here += 1;
        self.fan_out.changed.notify_all();
    }

    /// The host has the piece and gives it on.
    pub(crate) fn offered_by(&self, peer: Peer) {
        let mut state = self.fan_out.state();
        state.pieces.entry(self.sha256.clone()).or_default().holders.push((peer, 0));
        self.fan_out.changed.notify_all();
    }
}

fn release(piece: &mut Piece, peer: &Peer) {
    if let Some((_, busy)) = piece.holders.iter_mut().find(|(holder, _)| holder == peer) {
        *busy = busy.saturating_sub(1);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.fan_out.state();
        if let Some(piece) = state.pieces.get_mut(&self.sha256) {
            match &self.peer {
                Some(peer) => release(piece, peer),
                None => piece.from_here = piece.from_here.saturating_sub(1),
            }
        }
        self.fan_out.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn peer(host: &str) -> Peer {
        Peer { host: host.into(), addresses: vec![host.into()], port: 1, token: "t".into() }
    }

    #[test]
    fn a_few_get_it_from_here_and_give_it_on() {
        let fan_out = FanOut::default();
        let (from_here, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..20 {
                let (fan_out, from_here, most) = (&fan_out, &from_here, &most);
                scope.spawn(move || {
                    let host = format!("node{number}");
                    let turn = fan_out.turn("ab", &host);
                    if turn.peer().is_none() {
                        from_here.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(fan_out.state().pieces["ab"].from_here, Ordering::SeqCst);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                    turn.offered_by(peer(&host));
                });
            }
        });
        let direct = from_here.load(Ordering::SeqCst);
        assert!((1..=FROM_HERE).contains(&direct), "{direct} of 20 came from here");
        assert!(most.load(Ordering::SeqCst) <= FROM_HERE);
        let state = fan_out.state();
        assert_eq!(state.pieces["ab"].holders.len(), 20);
        assert!(state.pieces["ab"].holders.iter().all(|(_, busy)| *busy == 0), "all places are free again");
    }

    #[test]
    fn who_cannot_reach_others_gets_it_from_here() {
        let fan_out = FanOut::default();
        fan_out.turn("ab", "node1").offered_by(peer("node1"));
        let mut turn = fan_out.turn("ab", "node2");
        assert_eq!(turn.peer().map(|peer| peer.host.as_str()), Some("node1"));
        turn.peer_failed("node2");
        assert!(turn.peer().is_none());
        drop(turn);
        assert_eq!(fan_out.state().pieces["ab"].from_here, 0);
        assert!(fan_out.turn("ab", "node2").peer().is_none(), "it is not tried again");
        assert!(fan_out.turn("ab", "node1").peer().is_none(), "nobody takes from itself");
    }
}
