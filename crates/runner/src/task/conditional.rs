//! `when` and its kin: lists of conditions that must all hold.

use data::Value;

use crate::trouble::Trouble;
use crate::variables::scope::TaskScope;

/// How a list of conditions came out.
pub(crate) enum Verdict {
    /// All hold.
    Holds,
    /// This one does not.
    Fails(Value),
}

/// Evaluates conditions in order up to the first that does not hold.
///
/// # Errors
/// One cannot be evaluated.
pub(crate) fn evaluate(conditions: &[Value], scope: &TaskScope) -> Result<Verdict, Trouble> {
    for condition in conditions {
        if !scope.condition(condition).map_err(Trouble::condition)? {
            return Ok(Verdict::Fails(condition.clone()));
        }
    }
    Ok(Verdict::Holds)
}

/// Whether all conditions hold.
///
/// # Errors
/// One cannot be evaluated.
pub(crate) fn holds(conditions: &[Value], scope: &TaskScope) -> Result<bool, Trouble> {
    Ok(matches!(evaluate(conditions, scope)?, Verdict::Holds))
}
