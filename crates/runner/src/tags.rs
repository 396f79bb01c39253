//! `--tags` and `--skip-tags`: which tasks run.

use data::Value;
use playbook::{Inherited, Task};

use crate::task::finalized::shown;
use crate::variables::scope::TaskScope;

/// The tags asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagFilter {
    only: Vec<String>,
    skip: Vec<String>,
}

impl TagFilter {
    pub(crate) fn new(only: &[String], skip: &[String]) -> Self {
        let only = if only.is_empty() { vec!["all".to_owned()] } else { only.to_vec() };
        Self { only, skip: skip.to_vec() }
    }

    /// Whether a task with these tags runs. `always` runs unless skipped, `never` only when asked for.
    pub(crate) fn admits(&self, tags: &[String]) -> bool {
        let has = |tag: &str| tags.iter().any(|own| own == tag);
        let asked = |list: &[String], tag: &str| list.iter().any(|word| word == tag);
        let shares = |list: &[String]| {
            if tags.is_empty() { asked(list, "untagged") } else { tags.iter().any(|tag| asked(list, tag)) }
        };
        let wanted = has("always")
            || (asked(&self.only, "all") && !has("never"))
            || shares(&self.only)
            || (asked(&self.only, "tagged") && !tags.is_empty() && !has("never"));
        if !wanted || self.skip.is_empty() {
            return wanted;
        }
        if asked(&self.skip, "all") {
            return has("always") && !asked(&self.skip, "always");
        }
        !(shares(&self.skip) || (asked(&self.skip, "tagged") && !tags.is_empty()))
    }

    /// Whether a task runs.
    pub(crate) fn keeps(&self, task: &Task, scope: &TaskScope) -> bool {
        self.admits(&tags_of(task, scope))
    }
}

/// The tags of a task with those around it, rendered.
pub(crate) fn tags_of(task: &Task, scope: &TaskScope) -> Vec<String> {
    rendered(task.keywords.list(Inherited::Tags), scope)
}

/// The words of `tags:`, rendered.
fn rendered(raw: &[Value], scope: &TaskScope) -> Vec<String> {
    let mut tags = Vec::new();
    for raw in raw {
        let rendered = scope.resolve(raw).unwrap_or_else(|_| raw.clone());
        match rendered {
            Value::List(list) => tags.extend(list.iter().filter_map(shown)),
            other => tags.extend(
                shown(&other)
                    .into_iter()
                    .flat_map(|text| text.split(',').map(|tag| tag.trim().to_owned()).collect::<Vec<_>>()),
            ),
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_choose_as_in_ansible() {
        type Case = (&'static [&'static str], &'static [&'static str], &'static [&'static str], bool);
        let cases: &[Case] = &[
            (&[], &[], &[], true),
            (&[], &[], &["a"], true),
            (&[], &[], &["never"], false),
            (&["a"], &[], &["a", "never"], true),
            (&["a"], &[], &["b"], false),
            (&["a"], &[], &["always"], true),
            (&["tagged"], &[], &["b"], true),
            (&["tagged"], &[], &[], false),
            (&["untagged"], &[], &[], true),
            (&["untagged"], &[], &["a"], false),
            (&[], &["a"], &["a"], false),
            (&[], &["a"], &["a", "always"], false),
            (&[], &["always"], &["always"], false),
            (&[], &["all"], &["always"], true),
            (&[], &["tagged"], &["x"], false),
            (&[], &["untagged"], &[], false),
        ];
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (only, skip, tags, runs) in cases {
            let filter = TagFilter::new(&words(only), &words(skip));
            assert_eq!(filter.admits(&words(tags)), *runs, "only {only:?}, skip {skip:?}, tags {tags:?}");
        }
    }
}
