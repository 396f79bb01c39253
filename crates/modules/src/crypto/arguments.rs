//! Arguments that several modules for keys, requests and certificates have in common.

use crate::{Arg, Rules};

/// Which library `community.crypto` is to use.
pub(super) const CRYPTO_BACKEND: Arg = Arg::str("select_crypto_backend")
    .default_str("auto")
    .choices(&["auto", "cryptography"])
    .help("Accepted for playbooks that set it.");

/// How the `_info` modules show names that are not ASCII.
pub(super) const NAME_ENCODING: Arg = Arg::str("name_encoding")
    .default_str("ignore")
    .choices(&["ignore", "idna", "unicode"])
    .help("How international names are shown; they are shown as they are.");

/// What is looked at comes from `path` or from `content`.
pub(super) const PATH_OR_CONTENT: Rules = Rules {
    mutually_exclusive: &[&["path", "content"]],
    required_one_of: &[&["path", "content"]],
    ..Rules::NONE
};
