//! `taskbox.core.push_images`: the images of the run's bundle into a registry, sent from the controller, which must reach it.

use data::{List, Map, Value};

use super::ActionCall;
use crate::options::RegistryAccess;
use crate::trouble::Trouble;

pub(super) const ARGS: &[&str] = &["registry", "prefix", "username", "password", "ca_path", "plain_http"];

/// Sends what is lacking. `registry` is `HOST:PORT`; the result lists what was sent. In check mode a registry that is not there yet would
/// be filled.
pub(super) fn run(call: &ActionCall<'_>) -> Result<Map, Trouble> {
    let filled = |name: &str| call.text(name).filter(|text| !text.is_empty());
    let host = filled("registry").ok_or_else(|| Trouble::failed("missing required arguments: registry"))?;
    let to = RegistryAccess {
        prefix: filled("prefix"),
        login: filled("username").map(|user| (user, call.text("password").unwrap_or_default())),
        authority: filled("ca_path").map(Into::into),
        plain: call.flag("plain_http").unwrap_or(false),
        host,
    };
    let Some(archive) = &call.job.shared.options.packed else {
        return Err(Trouble::failed("there is no bundle to take images from: give one with --bundle"));
    };
    let pushed = match archive.push_images(&to, call.keywords.check) {
        Ok(pushed) => pushed,
        Err(reason) if call.keywords.check => {
            return Ok(Map::from([
                ("changed", Value::from(true)),
                ("msg", format!("{} cannot be asked yet: {reason}", to.host).into()),
            ]));
        }
        Err(reason) => return Err(Trouble::failed(reason)),
    };
    let changed: List =
        pushed.iter().filter(|image| image.changed).map(|image| image.name.as_str().into()).collect();
    let sent: usize = pushed.iter().map(|image| image.sent).sum();
    Ok(Map::from([
        ("changed", Value::from(!changed.is_empty())),
        ("images", Value::from(changed)),
        ("count", pushed.len().into()),
        ("blobs_sent", sent.into()),
    ]))
}
