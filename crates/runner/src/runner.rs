//! A run from its options to its exit code: playbook by playbook, play by play, batch by batch.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use data::{Diagnose, Diagnostic, Map, Value};
use playbook::{LoadSettings, Loader, Play, Playbook, Surroundings};
use template::{Engine, Settings};

use crate::check::About;
use crate::event::{Event, HostName, PlayStart};
use crate::module::foreign;
use crate::options::{Gathering, RunOptions};
use crate::play::run::{PlayRun, RunState};
use crate::play::scope::{PlayHosts, PlayScope};
use crate::play::{batches, prompts};
use crate::shared::Shared;
use crate::stats::{ExitCode, Stats};
use crate::strategy::Strategy;
use crate::variables::scope::TaskScope;
use crate::{action, check};

/// Runs playbooks.
pub struct Runner {
    options: RunOptions,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The recap of all playbooks.
    pub stats: Stats,
    /// Ansible's exit code.
    pub exit_code: ExitCode,
}

/// What the loader asks: names of actions, and renderings with variables that are known before the run.
struct Upstairs {
    engine: Engine,
    reader: inventory::Reader,
}

impl Surroundings for Upstairs {
    fn is_action(&self, name: &str) -> bool {
        action::exists(name) || foreign::is_known(name)
    }

    fn is_lookup(&self, name: &str) -> bool {
        template::has_lookup(name)
    }

    fn render(&self, value: &Value, variables: &Map) -> Result<Value, Vec<Diagnostic>> {
        let search = template::SearchPath::default();
        self.engine
            .resolve(value, &template::Context::new(variables, &search))
            .map_err(|error| error.diagnostics())
    }

    fn read(&self, path: &Path) -> Result<Arc<data::Source>, Vec<Diagnostic>> {
        self.reader.read(path).map_err(|error| error.diagnostics())
    }
}

/// Why a play ended before its tasks did.
enum Halt {
    /// No further play of the file runs.
    Play,
    /// The whole run ends.
    Run(ExitCode),
}

impl Runner {
    /// A run that has not begun.
    pub fn new(options: RunOptions) -> Self {
        Self { options }
    }

    /// The loader that the run would use, for commands that only read playbooks.
    pub fn loader(options: &RunOptions) -> Loader {
        let upstairs = Upstairs { engine: Engine::new(Settings::default()), reader: options.reader.clone() };
        let settings = LoadSettings {
            roles_path: options.roles_path.clone(),
            collections_path: options.collections_path.clone(),
            private_role_vars: options.private_role_vars,
            extra_vars: options.extra_vars.clone(),
        };
        let loader = Loader::new(Arc::new(upstairs), settings);
        options.stand_ins.iter().for_each(|(path, source)| loader.stand_in(path, source));
        loader
    }

    /// Reads and checks all playbooks, then runs them. `emit` hears everything, on the calling thread.
    pub fn run(self, emit: &mut dyn FnMut(Event)) -> RunOutcome {
        let loader = Self::loader(&self.options);
        let failed = |exit_code| RunOutcome { stats: Stats::default(), exit_code };
        let playbooks = match load_all(&loader, &self.options, false, emit) {
            Ok(playbooks) => playbooks,
            Err(failure) => {
                failure.findings.into_iter().for_each(|finding| emit(Event::Error(finding)));
                return failed(failure.exit_code);
            }
        };
        let threads = self.options.forks.max(1);
        let pool = match rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|at| format!("host-{at}"))
            .build()
        {
            Ok(pool) => pool,
            Err(error) => {
                emit(Event::Error(
                    Diagnostic::error(format!("cannot start {threads} threads: {error}"))
                        .help("lower `forks`"),
                ));
                return failed(ExitCode::Unexpected);
            }
        };
        let state = RunState {
            debugging: self.options.task_debugger,
            start_at: self.options.start_at_task.clone(),
            stepping: self.options.step,
            ..RunState::default()
        };
        let shared = Arc::new(Shared::new(self.options, Engine::new(Settings::default()), loader));
        Running { shared, pool: &pool, state, emit }.playbooks(&playbooks)
    }
}

/// Playbooks that cannot be run.
#[derive(Clone, Debug)]
pub struct LoadFailure {
    /// All mistakes.
    pub findings: Vec<Diagnostic>,
    /// Ansible's exit code: another one for files that are not there than for files that are wrong.
    pub exit_code: ExitCode,
}

impl LoadFailure {
    /// Files that hold mistakes.
    pub(crate) fn wrong(findings: Vec<Diagnostic>) -> Self {
        Self { findings, exit_code: ExitCode::Unreachable }
    }
}

/// Loads and checks the playbooks. For one who only wants to look (`looking`), arguments that an action does not take are worth a warning.
pub(crate) fn load_all(
    loader: &Loader,
    options: &RunOptions,
    looking: bool,
    emit: &mut dyn FnMut(Event),
) -> Result<Vec<Playbook>, LoadFailure> {
    let mut playbooks = Vec::new();
    let mut findings = Vec::new();
    // Of files that are not there, and of actions that are gone, Ansible dies another way.
    let mut missing = false;
    for path in &options.playbooks {
        match loader.playbook(path) {
            Ok((playbook, warnings)) => {
                warnings.into_iter().for_each(|warning| emit(Event::Warning(warning)));
                let found = playbook.plays.iter().flat_map(|play| check::play(play, options));
                let (errors, warnings): (Vec<_>, Vec<_>) = found
                    .map(|mut finding| {
                        if looking && finding.about == About::Argument {
                            finding.told.severity = data::Severity::Warning;
                        }
                        finding
                    })
                    .partition(|finding| finding.told.severity == data::Severity::Error);
                missing |= findings.is_empty()
                    && errors.first().is_some_and(|finding| finding.about == About::Removed);
                findings.extend(errors.into_iter().map(|finding| finding.told));
                let warnings = warnings.into_iter().map(|finding| finding.told).collect();
                check::once(warnings).into_iter().for_each(|warning| emit(Event::Warning(warning)));
                playbooks.push(playbook);
            }
            Err(error) => {
                missing |= findings.is_empty() && error.is_missing();
                findings.extend(error.diagnostics());
            }
        }
    }
    if findings.is_empty() {
        return Ok(playbooks);
    }
    let failure = LoadFailure::wrong(findings);
    Err(match missing || options.reader.was_locked_out() {
        true => LoadFailure { exit_code: ExitCode::Error, ..failure },
        false => failure,
    })
}

/// A run under way.
struct Running<'r> {
    shared: Arc<Shared>,
    pool: &'r rayon::ThreadPool,
    state: RunState,
    emit: &'r mut dyn FnMut(Event),
}

impl Running<'_> {
    fn playbooks(mut self, playbooks: &[Playbook]) -> RunOutcome {
        let mut exit_code = ExitCode::Ok;
        for playbook in playbooks {
            let (path, plays) = (playbook.path.display().to_string(), playbook.plays.len());
            (self.emit)(Event::PlaybookStart { path, plays });
            if let Some(code) = self.plays(playbook) {
                exit_code = code;
                break;
            }
        }
        if exit_code == ExitCode::Ok {
            exit_code = self.exit_code();
        }
        if let Some(name) = self.state.start_at.take() {
            let error = Diagnostic::error(format!(
                "No matching task \"{name}\" found. Note: --start-at-task can only follow static includes."
            ));
            (self.emit)(Event::Error(error));
        }
        // A run that a mistake ended has no recap.
        if self.state.aborted.is_none() {
            (self.emit)(Event::Stats(self.state.stats.clone()));
        }
        RunOutcome { stats: self.state.stats, exit_code }
    }

    /// Runs the plays of a file; an exit code ends the run.
    fn plays(&mut self, playbook: &Playbook) -> Option<ExitCode> {
        for play in &playbook.plays {
            let start = Instant::now();
            let halt = self.play(play);
            (self.emit)(Event::PlayEnd { name: play.shown_name(), duration: start.elapsed() });
            if self.shared.options.interrupt.is_set() {
                return Some(ExitCode::Interrupted);
            }
            match halt {
                Ok(()) => {}
                Err(Halt::Play) => break,
                Err(Halt::Run(code)) => return Some(code),
            }
        }
        // A file with failures is the last one.
        match self.exit_code() {
            ExitCode::Ok => None,
            code => Some(code),
        }
    }

    fn exit_code(&self) -> ExitCode {
        if let Some(code) = self.state.aborted {
            code
        } else if !self.state.unreachable.is_empty() {
            ExitCode::Unreachable
        } else if !self.state.failed.is_empty() {
            ExitCode::Failed
        } else {
            ExitCode::Ok
        }
    }

    fn play(&mut self, play: &Arc<Play>) -> Result<(), Halt> {
        self.shared.set_playbook_folder(&play.base_dir);
        crate::variables::reserved::warn(&self.shared, &play.vars);
        let mut vars = play.vars.clone();
        let scope = self.play_scope(play, &vars);
        if let Err(finding) = prompts::ask(play, &scope, &mut vars) {
            return Err(self.stop(finding));
        }
        let scope = self.play_scope(play, &vars);
        let broken = self.shared.take_broken();
        if !broken.is_empty() {
            broken.into_iter().for_each(|finding| (self.emit)(Event::Error(finding)));
            self.state.aborted = Some(ExitCode::Unreachable);
            return Err(Halt::Run(ExitCode::Unreachable));
        }
        let settings = match PlaySettings::new(play, &scope) {
            Ok(settings) => settings,
            Err(findings) => {
                findings.into_iter().for_each(|finding| (self.emit)(Event::Error(finding)));
                return Err(Halt::Run(ExitCode::Error));
            }
        };
        let all = self.hosts(&settings)?;
        let batches = match batches::split(all.clone(), &settings.serial) {
            Ok(batches) => batches,
            Err(finding) => return Err(self.stop(finding)),
        };
        if batches.is_empty() {
            (self.emit)(Event::PlayStart(play_start(&settings, play, Vec::new())));
            (self.emit)(Event::NoHostsMatched);
        }
        for batch in batches {
            let out_before = self.out(&batch);
            let ended = self.batch(play, &vars, &settings, &all, batch.clone());
            if ended {
                break;
            }
            // When a whole batch is lost, nothing more of the file runs.
            let lost = self.out(&batch).saturating_sub(out_before);
            if lost == batch.len() || self.state.aborted.is_some() || self.shared.options.interrupt.is_set() {
                return Err(Halt::Play);
            }
        }
        Ok(())
    }

    fn out(&self, hosts: &[HostName]) -> usize {
        hosts
            .iter()
            .filter(|host| self.state.failed.contains(*host) || self.state.unreachable.contains(*host))
            .count()
    }

    fn stop(&mut self, finding: Diagnostic) -> Halt {
        (self.emit)(Event::Error(finding));
        Halt::Run(ExitCode::Error)
    }

    fn play_scope(&self, play: &Arc<Play>, vars: &Map) -> TaskScope {
        play_scope(&self.shared, play, vars)
    }

    /// The hosts of a play: what its pattern and `--limit` select, in the play's order, without those that are out.
    fn hosts(&mut self, settings: &PlaySettings) -> Result<Vec<HostName>, Halt> {
        let inventory = self.shared.inventory();
        let selected = crate::play::hosts::select(
            &inventory,
            &settings.hosts,
            self.shared.options.limit.as_deref(),
            settings.order.as_deref(),
            self.shared.options.pattern_mismatch,
        );
        match selected {
            Ok((hosts, warnings)) => {
                warnings.into_iter().for_each(|warning| (self.emit)(Event::Warning(warning)));
                Ok(hosts)
            }
            Err(finding) => Err(self.stop(finding)),
        }
    }

    /// Runs one batch; true ends the play.
    fn batch(
        &mut self,
        play: &Arc<Play>,
        vars: &Map,
        settings: &PlaySettings,
        all: &[HostName],
        batch: Vec<HostName>,
    ) -> bool {
        let check = self.shared.options.check;
        (self.emit)(Event::PlayStart(PlayStart {
            check_mode: check,
            ..play_start(settings, play, batch.clone())
        }));
        let left: Vec<HostName> = batch
            .into_iter()
            .filter(|host| !self.state.failed.contains(host) && !self.state.unreachable.contains(host))
            .collect();
        if left.is_empty() {
            return false;
        }
        let removed = all
            .iter()
            .filter(|host| self.state.failed.contains(*host) || self.state.unreachable.contains(*host));
        let hosts = PlayHosts { all: all.to_vec(), batch: left, removed: removed.cloned().collect() };
        let gathering = self.shared.options.gathering;
        let shared = Arc::clone(&self.shared);
        let mut run =
            PlayRun::new(&self.shared, self.pool, &mut self.state, self.emit, play, vars.clone(), hosts);
        run.prepare(&|host| match (settings.gather_facts, gathering) {
            (Some(gather), _) if gathering != Gathering::Smart => gather,
            (Some(false), _) => false,
            (_, Gathering::Implicit) => true,
            (_, Gathering::Explicit) => false,
            (_, Gathering::Smart) => !shared.variables.has_facts(host),
        });
        run.read_variables();
        settings.strategy.run(&mut run, settings.max_fail_percentage);
        run.finish();
        run.end_play
    }
}

/// The scope of a play's own keywords.
pub(crate) fn play_scope(shared: &Arc<Shared>, play: &Arc<Play>, vars: &Map) -> TaskScope {
    let roles: Vec<_> = play.all_roles().cloned().collect();
    let scope = PlayScope::new(shared, play, vars, &roles, &PlayHosts::default(), shared.options.check);
    TaskScope::new(shared, &Arc::new(scope), None, None)
}

fn play_start(settings: &PlaySettings, play: &Play, hosts: Vec<HostName>) -> PlayStart {
    PlayStart {
        name: settings.name.clone(),
        check_mode: false,
        hosts,
        place: play.place.clone(),
        free: settings.strategy == Strategy::Free,
    }
}

/// A play's own keywords, rendered.
pub(crate) struct PlaySettings {
    pub(crate) name: String,
    pub(crate) hosts: Vec<String>,
    serial: Vec<Value>,
    pub(crate) order: Option<String>,
    strategy: Strategy,
    gather_facts: Option<bool>,
    max_fail_percentage: Option<f64>,
}

impl PlaySettings {
    pub(crate) fn new(play: &Play, scope: &TaskScope) -> Result<Self, Vec<Diagnostic>> {
        let render = |raw: &Value| scope.resolve(raw).map_err(|error| error.diagnostics());
        let optional = |raw: &Option<Value>| raw.as_ref().map(render).transpose();
        let text = |raw: &Option<Value>| {
            Ok::<_, Vec<Diagnostic>>(optional(raw)?.as_ref().and_then(crate::task::finalized::shown))
        };
        let hosts = match render(&play.hosts)? {
            Value::List(list) => list.iter().filter_map(crate::task::finalized::shown).collect(),
            other => crate::task::finalized::shown(&other).into_iter().collect::<Vec<_>>(),
        };
        if hosts.iter().all(|pattern| pattern.trim().is_empty()) {
            let error = Diagnostic::error("Hosts list cannot be empty. Please check your playbook");
            return Err(vec![error.at_opt(play.place.as_ref(), "in this play")]);
        }
        let name = match &play.name {
            Some(name) => {
                scope.resolve(&Value::Str(name.clone())).ok().as_ref().and_then(crate::task::finalized::shown)
            }
            None => None,
        };
        let configured = || scope.shared.options.strategy.clone();
        let strategy = text(&play.strategy)?
            .or_else(configured)
            .map_or(Ok(Strategy::Linear), |name| Strategy::named(&name));
        let percentage = text(&play.max_fail_percentage)?.map(|text| {
            text.trim().trim_end_matches('%').parse::<f64>().map_err(|_| {
                vec![
                    Diagnostic::error(format!("`max_fail_percentage` takes a number, not `{text}`"))
                        .at_opt(play.place.as_ref(), "in this play"),
                ]
            })
        });
        let mut serial = Vec::new();
        for size in &play.serial {
            match render(size)? {
                Value::List(list) => serial.extend(list.into_items()),
                other => serial.push(other),
            }
        }
        Ok(Self {
            name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| hosts.join(",")),
            hosts,
            serial,
            order: text(&play.order)?,
            strategy: strategy.map_err(|error| vec![error.at_opt(play.place.as_ref(), "in this play")])?,
            gather_facts: optional(&play.gather_facts)?.as_ref().and_then(playbook::boolean),
            max_fail_percentage: percentage.transpose()?,
        })
    }
}
