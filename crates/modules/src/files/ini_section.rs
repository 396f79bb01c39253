//! One section of an INI file taken out of it, changed line by line, and put back.

use data::Value;

use crate::{Args, Failure};

/// What must be in a section for it to be the one that is meant.
pub(super) struct Condition {
    option: String,
    values: Vec<String>,
}

/// The lines of a file around and in one section.
pub(super) struct Section {
    name: Option<String>,
    before: Vec<String>,
    /// The head first; the part before the first section has an empty head, which is not written.
    lines: Vec<String>,
    after: Vec<String>,
    found: bool,
    /// Whether the last line of the file had no newline.
    pub(super) had_no_end: bool,
}

impl Section {
    /// The section of this name in a text, or what stands before the first section.
    pub(super) fn find(text: &str, name: Option<&str>, conditions: &[Condition]) -> Self {
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        let had_no_end = !text.is_empty() && !text.ends_with('\n');
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        if let Some(last) = lines.last_mut().filter(|_| had_no_end) {
            last.push('\n');
        }
        if lines.is_empty() {
            // As Ansible does it: what is made from nothing begins with an empty line.
            lines.push("\n".to_owned());
        }
        lines.insert(0, String::new());
        let is_head = |index: usize, line: &str| match &name {
            None => index == 0,
            Some(name) => head_name(line).is_some_and(|found| found == name.trim()),
        };
        let mut start = None;
        let mut end = None;
        for (index, line) in lines.iter().enumerate() {
            if let Some(begun) = start.filter(|_| line.starts_with('[')) {
                if conditions.iter().all(|condition| condition.holds(&lines[begun..index])) {
                    end = Some(index);
                    break;
                }
                start = None;
            }
            if is_head(index, line) {
                start = Some(index);
            }
        }
        if let (Some(begun), None) = (start, end)
            && conditions.iter().all(|condition| condition.holds(&lines[begun..]))
        {
            end = Some(lines.len());
        }
        let (found, at) = match (start, end) {
            (Some(start), Some(end)) => (true, (start, end)),
            _ => (false, (0, 0)),
        };
        let after = lines.split_off(at.1);
        let inside = lines.split_off(at.0);
        Self { name, before: lines, lines: inside, after, found, had_no_end }
    }

    /// The whole text.
    pub(super) fn write(&self) -> String {
        [&self.before, &self.lines, &self.after].into_iter().flatten().map(String::as_str).collect()
    }

    /// A section head at the end of the file; what follows goes below it.
    fn begin(&mut self) {
        if let Some(name) = &self.name {
            self.after.push(format!("[{name}]\n"));
        }
    }
}

/// The name in a line such as `[ name ]`.
fn head_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split_once(']').map(|(name, _)| name.trim())
}

impl Condition {
    fn holds(&self, lines: &[String]) -> bool {
        lines
            .iter()
            .filter_map(|line| read_option(line, &self.option, true))
            .any(|found| self.values.is_empty() || self.values.iter().any(|value| value == found.value))
    }
}

/// An option in a line.
struct Found<'a> {
    value: &'a str,
    inactive: bool,
}

/// The value that a line gives an option; with `inactive` also a line that is commented out.
fn read_option<'a>(line: &'a str, option: &str, inactive: bool) -> Option<Found<'a>> {
    let blank = |c| c == ' ' || c == '\t';
    let value_after = |rest: &'a str| {
        let rest = rest.trim_start_matches(blank).strip_prefix(option)?.trim_start_matches(blank);
        if rest.is_empty() {
            return Some("");
        }
        rest.strip_prefix('=').map(|value| value.trim_start_matches(blank))
    };
    let line = line.strip_suffix('\n').unwrap_or(line).trim_start_matches(blank);
    if inactive && let Some(value) = line.strip_prefix(['#', ';']).and_then(value_after) {
        return Some(Found { value, inactive: true });
    }
    value_after(line).map(|value| Found { value, inactive: false })
}

/// What the arguments ask of the section.
pub(super) struct Edit {
    option: Option<String>,
    values: Vec<String>,
    present: bool,
    exclusive: bool,
    tight: bool,
    ignore_spaces: bool,
    allow_no_value: bool,
    inactive_too: bool,
    conditions: Vec<Condition>,
}

impl Edit {
    pub(super) fn from_args(args: &Args) -> Result<Self, Failure> {
        let present = args.str("state")? == "present";
        let allow_no_value = args.bool("allow_no_value");
        let values = values_of(args);
        if present && !allow_no_value && values.is_empty() {
            return Err(Failure::new(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        let conditions = args.inner_list("section_has_values").into_iter().map(|inner| {
            let option = inner.opt_str("option").unwrap_or_default().to_owned();
            Condition { option, values: values_of(&inner) }
        });
        Ok(Self {
            option: args.opt_str("option").filter(|option| !option.is_empty()).map(str::to_owned),
            values,
            present,
            exclusive: args.bool("exclusive"),
            tight: args.bool("no_extra_spaces"),
            ignore_spaces: args.bool("ignore_spaces"),
            allow_no_value,
            inactive_too: args.bool("modify_inactive_option"),
            conditions: conditions.collect(),
        })
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Changes the section; says what changed, if anything did.
    pub(super) fn apply(&self, section: &mut Section) -> Option<&'static str> {
        match (self.present, &self.option) {
            (true, Some(_)) if section.found => self.set(section),
            (true, _) if !section.found => Some(self.add_section(section)),
            (true, _) => None,
            (false, Some(option)) => self.unset(section, option),
            (false, None) if section.found && section.name.is_some() => {
                section.lines.clear();
                Some("section removed")
            }
            (false, None) => None,
        }
    }

    fn assignment(&self, option: &str, value: &str) -> String {
        if self.tight { format!("{option}={value}\n") } else { format!("{option} = {value}\n") }
    }

    /// First the lines that have a wanted value, then other lines of the option, then new ones at the end.
    fn set(&self, section: &mut Section) -> Option<&'static str> {
        let option = self.option.as_deref().unwrap_or_default();
        let mut left = self.values.clone();
        let mut kept = vec![false; section.lines.len()];
        let mut said = None;
        let mut bare_there = false;
        for (line, kept) in section.lines.iter_mut().zip(&mut kept) {
            let Some(found) = read_option(line, option, self.inactive_too) else { continue };
            if let Some(at) = left.iter().position(|value| value == found.value) {
                let value = left.remove(at);
                let bare = value.is_empty() && self.allow_no_value;
                bare_there |= bare;
                let new = if bare { format!("{option}\n") } else { self.assignment(option, &value) };
                said = self.put(line, new, option).or(said);
                *kept = true;
            } else if left.is_empty() && self.allow_no_value {
                said = self.put(line, format!("{option}\n"), option).or(said);
                bare_there = true;
                break;
            }
        }
        if self.exclusive && !self.allow_no_value {
            said = self.take_over(section, &mut kept, &mut left, option).or(said);
        }
        let mut new: Vec<String> = left.iter().map(|value| self.assignment(option, value)).collect();
        if new.is_empty() && self.allow_no_value && !bare_there && self.values.is_empty() {
            new.push(format!("{option}\n"));
        }
        if new.is_empty() {
            return said;
        }
        let end = section.lines.iter().rposition(|line| !is_blank_or_comment(line)).map_or(1, |at| at + 1);
        let end = end.max(1).min(section.lines.len());
        section.lines.splice(end..end, new);
        Some("option added")
    }

    /// Other lines of the option take the values that are left; what is then still there is removed.
    fn take_over(
        &self,
        section: &mut Section,
        kept: &mut [bool],
        left: &mut Vec<String>,
        option: &str,
    ) -> Option<&'static str> {
        let mut said = None;
        for (line, kept) in section.lines.iter_mut().zip(kept.iter_mut()) {
            if !*kept && !left.is_empty() && read_option(line, option, self.inactive_too).is_some() {
                said = self.put(line, self.assignment(option, &left.remove(0)), option).or(said);
                *kept = true;
            }
        }
        let count = section.lines.len();
        let mut index = 0;
        section.lines.retain(|line| {
            index += 1;
            index == 1 || kept[index - 1] || read_option(line, option, self.inactive_too).is_none()
        });
        if section.lines.len() == count { said } else { Some("option changed") }
    }

    fn put(&self, line: &mut String, new: String, option: &str) -> Option<&'static str> {
        let same = if self.ignore_spaces {
            match (read_option(line, option, true), read_option(&new, option, true)) {
                (Some(old), Some(new)) if !old.inactive => old.value == new.value,
                _ => *line == new,
            }
        } else {
            *line == new
        };
        if same {
            return None;
        }
        *line = new;
        Some("option changed")
    }

    fn unset(&self, section: &mut Section, option: &str) -> Option<&'static str> {
        let count = section.lines.len();
        section.lines.retain(|line| match read_option(line, option, false) {
            None => true,
            Some(found) => !self.exclusive && !self.values.iter().any(|value| value == found.value),
        });
        (section.lines.len() != count).then_some("option changed")
    }

    /// A new section at the end, with all that it must have.
    fn add_section(&self, section: &mut Section) -> &'static str {
        section.begin();
        let mut values = self.values.clone();
        for condition in &self.conditions {
            if Some(&condition.option) == self.option.as_ref() {
                if !self.exclusive {
                    let more = condition.values.iter().filter(|value| !self.values.contains(value));
                    values.extend(more.cloned());
                }
            } else if condition.values.is_empty() {
                section.after.extend(self.allow_no_value.then(|| format!("{}\n", condition.option)));
            } else {
                let lines = condition.values.iter().map(|value| self.assignment(&condition.option, value));
                section.after.extend(lines);
            }
        }
        match &self.option {
            Some(option) if !values.is_empty() => {
                section.after.extend(values.iter().map(|value| self.assignment(option, value)));
                "section and option added"
            }
            Some(option) if self.allow_no_value => {
                section.after.push(format!("{option}\n"));
                "section and option added"
            }
            _ => "only section added",
        }
    }
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    line.trim_end_matches('\n').is_empty() || line.starts_with(['#', ';'])
}

/// `value` or `values`, each once.
fn values_of(args: &Args) -> Vec<String> {
    let given = match args.get("value") {
        Some(Value::Str(value)) => vec![value.to_string()],
        _ => args.strings("values").into_iter().map(str::to_owned).collect(),
    };
    let mut values: Vec<String> = Vec::new();
    for value in given {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}
