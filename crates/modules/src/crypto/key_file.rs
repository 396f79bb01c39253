//! Content that a task gives as a path or as text.

use std::fs;

use super::private_key::PrivateKey;
use crate::{Args, Failure};

/// The bytes of `PREFIX_path` or `PREFIX_content`; `None` if neither is given.
pub(super) fn bytes(args: &Args, path: &str, content: &str) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(text) = args.opt_str(content) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let Some(file) = args.opt_path(path) else { return Ok(None) };
    fs::read(&file)
        .map(Some)
        .map_err(|error| Failure::new(format!("could not read {path} {}: {error}", file.display())))
}

/// The private key of `PREFIX_path` or `PREFIX_content`; `None` if neither is given. A passphrase is refused by name.
pub(super) fn private_key(args: &Args, prefix: &str) -> Result<Option<PrivateKey>, Failure> {
    let names = ["path", "content", "passphrase"].map(|end| format!("{prefix}_{end}"));
    let [path, content, passphrase] = names.each_ref().map(String::as_str);
    if args.has(passphrase) {
        return Err(Failure::new(format!(
            "`{passphrase}` is not supported: keys with a passphrase cannot be read"
        )));
    }
    if let Some(file) = args.opt_path(path).filter(|file| !args.has(content) && !file.exists()) {
        return Err(Failure::new(format!("The private key {} does not exist", file.display())));
    }
    bytes(args, path, content)?.map(|bytes| PrivateKey::from_pem(&bytes)).transpose()
}
