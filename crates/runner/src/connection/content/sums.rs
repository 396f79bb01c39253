//! SHA-1 and MD5 of large content, which Ansible's results carry: found out here, once a process, while the content is on its way to the
//! hosts. Each host would need longer for them than for all the rest of the task.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use modules::Sum;

use super::{Content, ContentHash};

/// A sum, once somebody has read the content for it.
type KnownSum = Arc<Mutex<Option<String>>>;

fn known(content: &Content, sum: Sum) -> KnownSum {
    static KNOWN: OnceLock<Mutex<HashMap<(ContentHash, Sum), KnownSum>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry((content.hash(), sum)).or_default())
}

impl Content {
    /// Whether its sums are found out here.
    pub(crate) fn has_sums_here(&self) -> bool {
        self.size() >= super::WORTH_REMEMBERING
    }

    /// Begins to find out a sum beside what else is to be done, unless it is known or under way.
    pub(crate) fn begin_sum(&self, sum: Sum) {
        let known = known(self, sum);
        let is_open = known.try_lock().is_ok_and(|known| known.is_none());
        if is_open {
            let content = self.clone();
            // An error comes again when somebody asks.
            std::thread::spawn(move || drop(content.sum(sum)));
        }
    }

    /// A sum in lower-case hex; waits for one that is under way.
    ///
    /// # Errors
    /// The content cannot be read.
    pub(crate) fn sum(&self, sum: Sum) -> io::Result<String> {
        let known = known(self, sum);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(sum.of(self.open()?)?);
        }
        Ok(known.clone().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_read_once_and_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        std::fs::write(&path, vec![7; super::super::WORTH_REMEMBERING as usize]).unwrap();
        let content = Content::from_file(&path).unwrap();
        assert!(content.has_sums_here());
        content.begin_sum(Sum::Md5);
        let sum = content.sum(Sum::Md5).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(content.sum(Sum::Md5).unwrap(), sum);
        assert!(content.sum(Sum::Sha1).is_err());
    }
}
