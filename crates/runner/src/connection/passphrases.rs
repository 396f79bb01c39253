//! Passphrases of key files: asked for at the terminal when nothing else opened the door, once a run for all hosts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data::Text;

use crate::options::{Prompter, Question};

/// What the user said so far.
#[derive(Clone, Default)]
pub(crate) struct Passphrases(Arc<Inner>);

#[derive(Default)]
struct Inner {
    prompter: Option<Arc<dyn Prompter>>,
    /// `None` for a key whose passphrase the user did not want to give.
    known: Mutex<HashMap<PathBuf, Option<Text>>>,
}

impl Passphrases {
    /// With somebody to ask; without one no passphrase is ever known.
    pub(crate) fn asking(prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self(Arc::new(Inner { prompter, known: Mutex::default() }))
    }

    /// The passphrase of a key file. Hosts that want the same one at once wait for the first that asks.
    pub(crate) fn of(&self, key: &Path) -> Option<Text> {
        let prompter = self.0.prompter.as_ref()?;
        self.known()
            .entry(key.to_owned())
            .or_insert_with(|| {
                let text = format!("Enter passphrase for key '{}': ", key.display());
                let answer = prompter.ask(&Question { text, hidden: true, default: None, confirm: false });
                answer.ok().filter(|answer| !answer.is_empty()).map(Text::into_secret)
            })
            .clone()
    }

    /// It did not fit: the next one who wants it asks again.
    pub(crate) fn forget(&self, key: &Path, wrong: &Text) {
        let mut known = self.known();
        if known.get(key).is_some_and(|known| known.as_ref() == Some(wrong)) {
            known.remove(key);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, Option<Text>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use data::Diagnostic;

    use super::*;

    #[derive(Default)]
    struct Person(AtomicUsize);

    impl Prompter for Person {
        fn ask(&self, question: &Question) -> Result<Text, Diagnostic> {
            assert!(question.hidden);
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(Text::plain("first")),
                1 => Ok(Text::plain("second")),
                _ => Ok(Text::plain("")),
            }
        }
    }

    #[test]
    fn a_passphrase_is_asked_for_once_and_again_only_if_it_was_wrong() {
        let passphrases = Passphrases::asking(Some(Arc::new(Person::default())));
        let key = Path::new("/key");
        let of = |key| passphrases.of(key).map(|text| text.to_string());
        assert_eq!(of(key).as_deref(), Some("first"));
        assert_eq!(of(key).as_deref(), Some("first"));
        passphrases.forget(key, &Text::plain("first"));
        assert_eq!(of(key).as_deref(), Some("second"));
        passphrases.forget(key, &Text::plain("first"));
        assert_eq!(of(key).as_deref(), Some("second"));
        // Who gives none is not asked for every host.
        let other = Path::new("/other");
        assert_eq!((of(other), of(other)), (None, None));
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        assert_eq!(Passphrases::default().of(Path::new("/key")), None);
    }
}
