//! Which hosts a play runs on.

use data::{Diagnostic, Value};
use inventory::{Inventory, Pattern};

use crate::event::HostName;
use crate::options::PatternMismatch;

/// The hosts that patterns and a limit select, in `order`, with warnings about words that match nothing.
///
/// # Errors
/// A pattern or limit that cannot be used, an unknown order, words that match nothing where `mismatch` says so.
pub(crate) fn select(
    inventory: &Inventory,
    patterns: &[String],
    limit: Option<&str>,
    order: Option<&str>,
    mismatch: PatternMismatch,
) -> Result<(Vec<HostName>, Vec<Diagnostic>), Diagnostic> {
    let chosen = Pattern::parse_list(patterns).and_then(|pattern| pattern.select(inventory));
    let chosen = chosen.map_err(|error| error.diagnostic(None))?;
    let mut hosts = chosen.hosts;
    let mut unmatched = chosen.unmatched;
    if let Some(limit) = limit {
        let limited = Pattern::parse_limit(limit).and_then(|pattern| pattern.select(inventory));
        let limited = limited.map_err(|error| error.diagnostic(None))?;
        hosts.retain(|host| limited.hosts.contains(host));
        unmatched.extend(limited.unmatched);
    }
    let title = |word: &String| format!("Could not match supplied host pattern, ignoring: {word}");
    let warnings = match (mismatch, unmatched.first()) {
        (PatternMismatch::Error, Some(word)) => return Err(Diagnostic::error(title(word))),
        (PatternMismatch::Warning, _) => {
            unmatched.iter().map(|word| Diagnostic::warning(title(word))).collect()
        }
        _ => Vec::new(),
    };
    sort(&mut hosts, inventory, order)?;
    Ok((hosts, warnings))
}

/// `order:` of a play.
fn sort(hosts: &mut [HostName], inventory: &Inventory, order: Option<&str>) -> Result<(), Diagnostic> {
    match order.unwrap_or("inventory") {
        "inventory" | "" => {}
        "reverse_inventory" => hosts.reverse(),
        "sorted" => hosts.sort(),
        "reverse_sorted" => {
            hosts.sort();
            hosts.reverse();
        }
        "shuffle" => shuffle(hosts, inventory),
        other => {
            let words = ["inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"];
            let error =
                Diagnostic::error(format!("invalid `order` specified for inventory hosts: `{other}`"));
            return Err(match data::suggest::nearest(other, words) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("one of {}", words.join(", "))),
            });
        }
    }
    Ok(())
}

/// A new order each time, drawn from the hash of the names with a random key.
fn shuffle(hosts: &mut [HostName], inventory: &Inventory) {
    use std::hash::BuildHasher;
    let drawn = std::hash::RandomState::new();
    let size = Value::from(inventory.hosts().len());
    hosts.sort_by_key(|host| drawn.hash_one((host, size.is_truthy())));
}
