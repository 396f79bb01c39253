//! How many hosts are being logged in to, and get their agent started, at the same time: a key exchange takes processor time, and with a thousand
//! of them at once none would be done within its time. Who waits has not connected yet, so that no
//! time limit of ours or of the server's runs; hosts that do not answer wait outside.

use std::sync::{Condvar, Mutex, PoisonError};

/// More than a machine of ordinary size gets through in a second, and enough to fill a line of 100 ms.
const PLACES: usize = 64;

/// Places for logins.
pub(super) struct Gate {
    free: Mutex<usize>,
    left: Condvar,
}

/// All logins of this process pass it; their place is theirs until the agent has answered.
pub(super) static LOGINS: Gate = Gate::new(PLACES);

/// A place; free again when this is dropped.
pub(super) struct Place<'a>(&'a Gate);

impl Gate {
    pub(super) const fn new(places: usize) -> Self {
        Self { free: Mutex::new(places), left: Condvar::new() }
    }

    /// Waits for a place.
    pub(super) fn enter(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_more_are_inside_than_there_are_places_and_all_get_in() {
        let gate = Gate::new(3);
        let (inside, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let place = gate.enter();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(place);
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!((most.load(Ordering::SeqCst), done.load(Ordering::SeqCst)), (3, 20));
    }
}
