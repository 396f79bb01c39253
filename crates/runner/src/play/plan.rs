//! What a run would do, as far as that is known before it: plays with their hosts, tasks and tags (`--list-hosts`, `--list-tasks`,
//! `--list-tags`, `--syntax-check`).

use std::path::PathBuf;
use std::sync::Arc;

use data::Diagnostic;
use playbook::{Inherited, Item, Play, Task};
use template::{Engine, Settings};

use crate::event::{Event, HostName};
use crate::options::RunOptions;
use crate::runner::{LoadFailure, PlaySettings, Runner, load_all, play_scope};
use crate::shared::Shared;
use crate::tags::{TagFilter, tags_of};
use crate::task::finalized::shown;

/// A playbook file.
#[derive(Clone, Debug)]
pub struct PlaybookPlan {
    /// Its path as given.
    pub path: PathBuf,
    /// Its plays, imported ones in their places.
    pub plays: Vec<PlayPlan>,
}

/// A play.
#[derive(Clone, Debug)]
pub struct PlayPlan {
    /// `name:`, or its patterns.
    pub name: String,
    /// `hosts:`, rendered.
    pub patterns: Vec<String>,
    /// `tags:` of the play, as written.
    pub tags: Vec<String>,
    /// The hosts that the patterns and `--limit` select.
    pub hosts: Vec<HostName>,
    /// The tasks that `--tags` and `--skip-tags` select, in order; without those of `rescue` and `always`, and without handlers.
    pub tasks: Vec<TaskPlan>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct TaskPlan {
    /// The name as written, or the action.
    pub name: String,
    /// Its own tags and those around it.
    pub tags: Vec<String>,
}

impl Runner {
    /// Reads and checks the playbooks, and says what they hold. `warn` hears warnings.
    ///
    /// # Errors
    /// All mistakes in the files together.
    pub fn plan(
        options: RunOptions,
        warn: &mut dyn FnMut(Diagnostic),
    ) -> Result<Vec<PlaybookPlan>, LoadFailure> {
        let loader = Self::loader(&options);
        let playbooks = load_all(&loader, &options, true, &mut |event| {
            if let Event::Warning(warning) = event {
                warn(warning);
            }
        })?;
        let shared = Arc::new(Shared::new(options, Engine::new(Settings::default()), loader));
        let mut plans = Vec::new();
        for playbook in playbooks {
            let plays =
                playbook.plays.iter().map(|play| plan_play(&shared, play, warn)).collect::<Result<_, _>>()?;
            plans.push(PlaybookPlan { path: playbook.path, plays });
        }
        Ok(plans)
    }
}

fn plan_play(
    shared: &Arc<Shared>,
    play: &Arc<Play>,
    warn: &mut dyn FnMut(Diagnostic),
) -> Result<PlayPlan, LoadFailure> {
    shared.set_playbook_folder(&play.base_dir);
    let scope = play_scope(shared, play, &play.vars);
    let broken = shared.take_broken();
    if !broken.is_empty() {
        return Err(LoadFailure::wrong(broken));
    }
    let settings = PlaySettings::new(play, &scope).map_err(LoadFailure::wrong)?;
    let options = &shared.options;
    let (hosts, warnings) = crate::play::hosts::select(
        &shared.inventory(),
        &settings.hosts,
        options.limit.as_deref(),
        settings.order.as_deref(),
        options.pattern_mismatch,
    )
    .map_err(|error| LoadFailure::wrong(vec![error]))?;
    warnings.into_iter().for_each(&mut *warn);
    let filter = TagFilter::new(&options.tags, &options.skip_tags);
    let mut tasks = Vec::new();
    collect(&play.compile(false), &mut |task| {
        let tags = tags_of(task, &scope);
        if !task.implicit && filter.admits(&tags) {
            tasks.push(TaskPlan { name: shown_name(task), tags });
        }
    });
    let tags = play.enclosing.keywords.list(Inherited::Tags).iter().filter_map(shown).collect();
    Ok(PlayPlan { name: settings.name, patterns: settings.hosts, tags, hosts, tasks })
}

/// Tasks in order, of blocks those in `block:` only.
fn collect(items: &[Item], take: &mut dyn FnMut(&Task)) {
    for item in items {
        match item {
            Item::Task(task) => take(task),
            Item::Block(block) => collect(&block.block, take),
        }
    }
}

/// The name as written: templates in it wait for a host.
fn shown_name(task: &Task) -> String {
    match task.name.as_ref().filter(|name| !name.is_empty()) {
        Some(name) => task.named(name),
        None => task.action.name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use data::{Map, Value};

    use super::*;

    #[test]
    fn a_plan_has_hosts_and_the_chosen_tasks_of_every_play() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.yml");
        std::fs::write(
            &path,
            "- name: first\n  hosts: 'a,{{ more }}'\n  tags: p\n  tasks:\n  - name: hello {{ who }}\n    debug: {msg: 1}\n  - block:\n    - command: x\n      tags: never\n    rescue:\n    - command: y\n",
        )
        .unwrap();
        let inventory = inventory::load(&["a,b,c"], &inventory::LoadOptions::default()).unwrap().inventory;
        let extra_vars = Map::from([("more", Value::from("b")), ("who", "you".into())]);
        let options = RunOptions { inventory, playbooks: vec![path], extra_vars, ..RunOptions::default() };
        let plans = Runner::plan(options, &mut |_| {}).unwrap();
        let play = &plans[0].plays[0];
        assert_eq!(play.hosts.iter().map(|host| &**host).collect::<Vec<_>>(), ["a", "b"]);
        let tasks: Vec<_> = play.tasks.iter().map(|task| (task.name.as_str(), task.tags.join(","))).collect();
        assert_eq!(tasks, [("hello {{ who }}", "p".to_owned())]);
    }
}
