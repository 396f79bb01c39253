//! `community.general.alternatives`: which of several programs a common name stands for.

use data::{Map, Value};

use crate::process::{Command, require_program};
use crate::{Arg, ArgType, Args, Context, Diff, Failure, ModuleSpec, Outcome, Rules};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "alternatives",
    collection: "community.general",
    summary: "Manages alternative programs for common commands",
    args: &[
        Arg::str("name").required().help("The common name, such as `editor`."),
        Arg::path("path").help("The program it shall stand for."),
        Arg::str("family").help("A family of programs, on hosts of Red Hat's kind."),
        Arg::path("link").help("The link that is the common name; needed for a name that is not known yet."),
        Arg::int("priority").help("The program's weight in automatic mode; 50 for a new one."),
        Arg::str("state")
            .default_str("selected")
            .choices(&["present", "selected", "auto", "absent"])
            .help("Known, known and chosen, known and left to the weights, or not known."),
        Arg::list("subcommands", ArgType::Dict)
            .aliases(&["slaves"])
            .options(
                &[
                    Arg::str("name").required().help("The name."),
                    Arg::path("path").required().help("The file."),
                    Arg::path("link").required().help("The link."),
                ],
                Rules::NONE,
            )
            .help("Links that change along, such as manual pages."),
    ],
    rules: Rules { required_one_of: &[&["path", "family"]], ..Rules::NONE },
    run,
    ..ModuleSpec::DEFAULTS
};

fn run(args: &Args, context: &mut Context) -> Result<Outcome, Failure> {
    let program = require_program("update-alternatives", context)?;
    let tool = |words: &[&str]| Command::new(&program).env("LC_ALL", "C").args(words);
    let name = args.str("name")?;
    let shown = tool(&["--display", name]).run(context)?;
    let group = if shown.ok() { Group::parse(&shown.stdout_text()) } else { Group::default() };
    let mut change =
        Change { args, group: &group, commands: Vec::new(), messages: Vec::new(), after: Map::new() };
    change.plan()?;
    let diff = Diff::properties(group.before(args), change.after);
    if !context.check {
        for words in &change.commands {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            tool(&words).run_ok(context)?;
        }
    }
    Ok(Outcome::new(!change.commands.is_empty()).msg(change.messages.join(" ")).with("diff", diff.to_value()))
}

/// A name and the programs it may stand for.
#[derive(Debug, Default, PartialEq)]
struct Group {
    mode: Option<String>,
    path: Option<String>,
    link: Option<String>,
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Default, PartialEq)]
struct Alternative {
    path: String,
    family: Option<String>,
    priority: i64,
    /// Name, path and link.
    subcommands: Vec<(String, String, String)>,
}

impl Group {
    /// Reads what `update-alternatives --display` prints, Debian's form and Red Hat's.
    fn parse(text: &str) -> Self {
        let mut group = Self::default();
        let mut links: Vec<(&str, &str)> = Vec::new();
        for line in text.lines() {
            let words = line.trim_start();
            if let Some(path) = words.strip_prefix("link currently points to ") {
                group.path = Some(path.to_owned());
            } else if let Some((_, link)) = words
                .strip_prefix("link ")
                .and_then(|rest| rest.split_once(" is "))
                .filter(|(name, _)| !name.contains(' '))
            {
                group.link = Some(link.to_owned());
            } else if let Some(rest) =
                words.strip_prefix("slave ").or_else(|| words.strip_prefix("follower "))
            {
                match (rest.split_once(" is "), rest.split_once(": ")) {
                    (Some((name, link)), _) if group.alternatives.is_empty() => links.push((name, link)),
                    (_, Some((name, path))) if path != "(null)" => {
                        let link =
                            links.iter().find(|(known, _)| *known == name).map_or("", |(_, link)| link);
                        if let Some(last) = group.alternatives.last_mut() {
                            last.subcommands.push((name.to_owned(), path.to_owned(), link.to_owned()));
                        }
                    }
                    _ => {}
                }
            } else if let Some((head, rest)) = line.split_once(" - ") {
                if head.starts_with('/') {
                    group.alternatives.extend(Alternative::parse(head, rest));
                } else if group.mode.is_none() {
                    let mode = rest.strip_prefix("status is ").unwrap_or(rest);
                    let mode = mode.trim_end_matches('.').trim_end_matches(" mode");
                    group.mode = Some(mode.to_owned());
                }
            }
        }
        group
    }

    fn get(&self, path: Option<&str>) -> Option<&Alternative> {
        self.alternatives.iter().find(|one| Some(one.path.as_str()) == path)
    }

    /// The diff's side before.
    fn before(&self, args: &Args) -> Map {
        if self.mode.is_none() {
            return Map::new();
        }
        let path = args.opt_str("path");
        let Some(known) = self.get(path) else { return Map::from([("state", "absent")]) };
        let manual = self.mode.as_deref() == Some("manual") && self.path.as_deref() != path;
        let mut before = Map::from([
            ("state", Value::from(if manual { "selected" } else { "present" })),
            ("path", known.path.as_str().into()),
            ("priority", known.priority.into()),
            ("link", self.link.clone().map_or(Value::Null, Value::from)),
        ]);
        if !known.subcommands.is_empty() {
            before.insert("subcommands", subcommands_value(&known.subcommands));
        }
        before
    }
}

impl Alternative {
    /// `priority 50` or `family x priority 50`.
    fn parse(path: &str, rest: &str) -> Option<Self> {
        let mut words = rest.split_whitespace();
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        loop {
            match (words.next()?, words.next()?) {
                ("family", family) => found.family = Some(family.to_owned()),
                ("priority", priority) => {
                    found.priority = priority.parse().ok()?;
                    return Some(found);
                }
                _ => return None,
            }
        }
    }
}

fn subcommands_value(list: &[(String, String, String)]) -> Value {
    list.iter()
        .map(|(name, path, link)| {
            Value::Map(Map::from([("name", name.as_str()), ("path", path.as_str()), ("link", link.as_str())]))
        })
        .collect()
}

/// What has to be done, and what will be said of it.
struct Change<'a> {
    args: &'a Args,
    group: &'a Group,
    commands: Vec<Vec<String>>,
    messages: Vec<String>,
    after: Map,
}

impl Change<'_> {
    fn plan(&mut self) -> Result<(), Failure> {
        let (path, state) = (self.args.opt_str("path"), self.args.str("state")?);
        let name = self.args.str("name")?.to_owned();
        let known = self.group.get(path);
        if state == "absent" {
            if let Some(known) = known {
                self.messages.push(format!("Remove alternative '{}' from '{name}'.", known.path));
                self.commands.push(vec!["--remove".to_owned(), name, known.path.clone()]);
                self.after.insert("state", "absent");
            }
            return Ok(());
        }
        if let Some(path) = path.filter(|_| known.is_none_or(|known| self.differs(known))) {
            self.install(&name, path)?;
        }
        let same_path = path.is_some() && self.group.path.as_deref() == path;
        let family = self.args.opt_str("family");
        let current = self.group.get(self.group.path.as_deref());
        let same_family = family.is_some() && current.is_some_and(|one| one.family.as_deref() == family);
        if state == "selected" && !same_path && !same_family {
            let choice = path.or(family).unwrap_or_default().to_owned();
            self.messages.push(format!("Set alternative '{choice}' for '{name}'."));
            self.commands.push(vec!["--set".to_owned(), name.clone(), choice]);
            self.after.insert("state", "selected");
        }
        if state == "auto" && self.group.mode.as_deref() == Some("manual") {
            self.messages.push(format!("Set alternative to auto for '{name}'."));
            self.commands.push(vec!["--auto".to_owned(), name]);
            self.after.insert("state", "present");
        }
        Ok(())
    }

    /// The subcommands that the arguments ask for, if they say anything of them.
    fn wanted_subcommands(&self) -> Option<Vec<(String, String, String)>> {
        self.args.get("subcommands")?;
        let text = |inner: &Args, name: &str| inner.opt_str(name).unwrap_or_default().to_owned();
        let wanted = self.args.inner_list("subcommands");
        Some(
            wanted
                .iter()
                .map(|inner| (text(inner, "name"), text(inner, "path"), text(inner, "link")))
                .collect(),
        )
    }

    fn differs(&self, known: &Alternative) -> bool {
        let priority = self.args.int("priority").is_some_and(|priority| priority != known.priority);
        let subcommands = self.wanted_subcommands().is_some_and(|wanted| {
            wanted.len() != known.subcommands.len()
                || wanted.iter().any(|one| !known.subcommands.contains(one))
        });
        priority || subcommands
    }

    fn install(&mut self, name: &str, path: &str) -> Result<(), Failure> {
        if !std::path::Path::new(path).exists() {
            return Err(Failure::new(format!("Specified path {path} does not exist")));
        }
        let link = self.args.opt_str("link").or(self.group.link.as_deref()).ok_or_else(|| {
            Failure::new("Needed to install the alternative, but unable to do so as we are missing the link")
        })?;
        let known = self.group.get(Some(path));
        let priority = self.args.int("priority").or(known.map(|known| known.priority)).unwrap_or(50);
        let mut words = ["--install", link, name, path].map(str::to_owned).to_vec();
        words.push(priority.to_string());
        let family = self.args.opt_str("family");
        if let Some(family) = family {
            words.extend(["--family".to_owned(), family.to_owned()]);
        }
        let kept = known.map(|known| known.subcommands.clone()).filter(|list| !list.is_empty());
        let subcommands = self.wanted_subcommands().or(kept).unwrap_or_default();
        for (name, path, link) in &subcommands {
            words.extend(["--slave", link, name, path].map(str::to_owned));
        }
        self.commands.push(words);
        self.messages.push(format!("Install alternative '{path}' for '{name}'."));
        self.after = Map::from([
            ("state", Value::from("present")),
            ("path", path.into()),
            ("family", family.map_or(Value::Null, Value::from)),
            ("priority", priority.into()),
            ("link", link.into()),
        ]);
        if !subcommands.is_empty() {
            self.after.insert("subcommands", subcommands_value(&subcommands));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "editor - auto mode
  link best version is /bin/nano
  link currently points to /bin/nano
  link editor is /usr/bin/editor
  slave editor.1.gz is /usr/share/man/man1/editor.1.gz
/bin/ed - priority -100
  slave editor.1.gz: /usr/share/man/man1/ed.1.gz
/bin/nano - priority 40
";

    #[test]
    fn debians_form_is_read() {
        let group = Group::parse(DEBIAN);
        assert_eq!(group.mode.as_deref(), Some("auto"));
        assert_eq!(group.path.as_deref(), Some("/bin/nano"));
        assert_eq!(group.link.as_deref(), Some("/usr/bin/editor"));
        assert_eq!(group.alternatives.len(), 2);
        assert_eq!(group.alternatives[0].priority, -100);
        assert_eq!(group.alternatives[0].subcommands[0].2, "/usr/share/man/man1/editor.1.gz");
    }

    #[test]
    fn red_hats_form_is_read() {
        let text = "java - status is manual.\n link currently points to /usr/lib/java\n/usr/lib/java - family java-11 priority 7\n follower jre: /usr/lib/jre\n follower x: (null)\n";
        let group = Group::parse(text);
        assert_eq!(group.mode.as_deref(), Some("manual"));
        assert_eq!(group.alternatives[0].family.as_deref(), Some("java-11"));
        assert_eq!(group.alternatives[0].subcommands.len(), 1);
    }

    fn plan(args: &[(&'static str, Value)]) -> (Vec<String>, String) {
        let args = SPEC.parse(&args.iter().cloned().collect(), &|_| None).unwrap();
        let group = Group::parse(DEBIAN);
        let mut change = Change {
            args: &args,
            group: &group,
            commands: Vec::new(),
            messages: Vec::new(),
            after: Map::new(),
        };
        change.plan().unwrap();
        (change.commands.iter().map(|words| words.join(" ")).collect(), change.messages.join(" "))
    }

    #[test]
    fn only_what_differs_is_done() {
        let name = ("name", Value::from("editor"));
        assert_eq!(plan(&[name.clone(), ("path", "/bin/nano".into())]).0, Vec::<String>::new());
        let (commands, msg) = plan(&[name.clone(), ("path", "/bin/ed".into())]);
        assert_eq!(commands, ["--set editor /bin/ed"]);
        assert_eq!(msg, "Set alternative '/bin/ed' for 'editor'.");
        let (commands, _) = plan(&[name.clone(), ("path", "/bin/sh".into()), ("state", "present".into())]);
        assert_eq!(commands, ["--install /usr/bin/editor editor /bin/sh 50"]);
        let (commands, _) = plan(&[name.clone(), ("path", "/bin/ed".into()), ("state", "absent".into())]);
        assert_eq!(commands, ["--remove editor /bin/ed"]);
        assert_eq!(
            plan(&[name, ("path", "/bin/zz".into()), ("state", "absent".into())]).0,
            Vec::<String>::new()
        );
    }
}
