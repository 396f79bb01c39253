//! What starts commands on a host: an SSH session, the system's `ssh`, or a shell on this machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ConnectionError;
use super::transport::{Breaker, Transport};

/// Makes what starts commands over another connection, once it is wanted; `None` if it cannot be made.
pub(crate) type Second = Box<dyn FnOnce() -> Option<Box<dyn Carrier>> + Send>;

/// Starts commands on one host. Opens what it needs at its first command and keeps it.
pub(crate) trait Carrier: Send {
    /// Runs a command by the login user's shell. Whatever breaks it goes into `interrupt`.
    fn start(&mut self, command: &str, interrupt: &Interrupt) -> Result<Box<dyn Transport>, ConnectionError>;

    /// Another connection to the same host, in a way that carries large content faster; `None` if there is none. To be asked when a command
    /// runs.
    fn second(&self) -> Option<Second> {
        None
    }

    /// What the first command was begun for is under way: the host has had its share of what many hosts must wait for in turn.
    fn settled(&mut self) {}

    /// Ends what is kept; the next command opens it anew.
    fn close(&mut self);
}

/// The user's wish to stop, and what must be broken for it.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<Inner>);

#[derive(Default)]
struct Inner {
    wished: AtomicBool,
    breakers: Mutex<Vec<Breaker>>,
}

impl Interrupt {
    /// Breaks all that runs and will run.
    pub(crate) fn now(&self) {
        self.0.wished.store(true, Ordering::Release);
        for breaker in self.0.breakers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            breaker();
        }
    }

    /// Whether the user wished it.
    pub(crate) fn is_wished(&self) -> bool {
        self.0.wished.load(Ordering::Acquire)
    }

    /// Something that runs now.
    pub(crate) fn add(&self, breaker: Breaker) {
        self.0.breakers.lock().unwrap_or_else(PoisonError::into_inner).push(breaker);
        // The wish may have come between the start and this call.
        if self.is_wished() {
            self.now();
        }
    }

    /// What ran has ended.
    pub(crate) fn clear(&self) {
        self.0.breakers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits, but not longer than until the wish.
    pub(crate) fn pause(&self, time: Duration) {
        let step = Duration::from_millis(50);
        let mut left = time;
        while !left.is_zero() && !self.is_wished() {
            std::thread::sleep(step.min(left));
            left = left.saturating_sub(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_starts_after_the_wish_is_broken_too() {
        let broken = Arc::new(AtomicUsize::new(0));
        let breaker = || -> Breaker {
            let broken = Arc::clone(&broken);
            Box::new(move || {
                broken.fetch_add(1, Ordering::Relaxed);
            })
        };
        let interrupt = Interrupt::default();
        interrupt.add(breaker());
        interrupt.now();
        interrupt.add(breaker());
        assert_eq!(broken.load(Ordering::Relaxed), 2);
    }
}
