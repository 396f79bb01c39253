//! Package files and keys that are named by their address.

use std::path::PathBuf;

use data::{Map, Value};

use crate::{Context, Failure};

/// Downloads an address into a file of its own in the temporary folder, also in check mode: what it is must be known.
///
/// # Errors
/// As `get_url` has them.
pub(super) fn fetch(
    address: &str,
    suffix: &str,
    validate_certs: bool,
    context: &mut Context,
) -> Result<PathBuf, Failure> {
    let file = tempfile::Builder::new().prefix("taskbox-").suffix(suffix).tempfile_in(&context.tmpdir);
    let file = file.map_err(|error| Failure::io("could not write into", &context.tmpdir, &error))?;
    let (_, path) =
        file.keep().map_err(|error| Failure::io("could not keep", &context.tmpdir, &error.error))?;
    let given = Map::from([
        ("url", Value::from(address)),
        ("dest", path.display().to_string().into()),
        ("validate_certs", validate_certs.into()),
        ("force", true.into()),
    ]);
    let module = crate::find("get_url").ok_or_else(|| Failure::new("get_url is not built in"))?;
    let parsed = module.parse(&given, &|name| context.variable(name));
    let parsed =
        parsed.map_err(|errors| Failure::new(errors.first().map(ToString::to_string).unwrap_or_default()))?;
    let check = std::mem::replace(&mut context.check, false);
    let done = (module.run)(&parsed, context);
    context.check = check;
    match done {
        Ok(_) => Ok(path),
        Err(failure) => {
            // A temporary file that cannot be removed does no harm.
            let _ = std::fs::remove_file(&path);
            Err(Failure::new(format!("Failure downloading {address}, {}", failure.msg)))
        }
    }
}
