//! The lines of a crontab, with the comments by which jobs are known.

/// What stands before the name of a job, in the line above it.
const MARK: &str = "#Ansible: ";

/// A crontab in memory.
pub(super) struct Crontab {
    lines: Vec<String>,
}

impl Crontab {
    pub(super) fn parse(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    /// The text to write; it ends in a line end.
    pub(super) fn text(&self) -> String {
        let text = self.lines.join("\n");
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { String::new() } else { format!("{text}\n") }
    }

    /// Whether nothing but blank lines is left.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.trim().is_empty())
    }

    /// Puts a job in, or in place of the one of that name; tells whether something changed. A job that is there without a name gets it.
    pub(super) fn set_job(&mut self, name: &str, job: &str) -> bool {
        let mark = format!("{MARK}{name}");
        if let Some(at) = self.lines.iter().position(|line| *line == mark) {
            return match self.lines.get_mut(at + 1) {
                Some(old) if old == job => false,
                Some(old) => {
                    job.clone_into(old);
                    true
                }
                None => {
                    self.lines.push(job.to_owned());
                    true
                }
            };
        }
        let nameless = self
            .lines
            .iter()
            .enumerate()
            .position(|(at, line)| line == job && (at == 0 || !self.lines[at - 1].starts_with(MARK)));
        match nameless {
            Some(at) => self.lines.insert(at, mark),
            None => self.lines.extend([mark, job.to_owned()]),
        }
        true
    }

    /// Takes a job out with its comment; tells whether it was there.
    pub(super) fn remove_job(&mut self, name: &str) -> bool {
        let mark = format!("{MARK}{name}");
        let Some(at) = self.lines.iter().position(|line| *line == mark) else { return false };
        let end = (at + 2).min(self.lines.len());
        self.lines.drain(at..end);
        true
    }

    /// Sets a variable; a new one comes first, or beside another. The name of that other, if it is not there.
    pub(super) fn set_variable(
        &mut self,
        name: &str,
        line: &str,
        after: Option<&str>,
        before: Option<&str>,
    ) -> Result<bool, String> {
        if let Some(at) = self.variable(name) {
            let changed = self.lines[at] != line;
            line.clone_into(&mut self.lines[at]);
            return Ok(changed);
        }
        let at = match (after, before) {
            (Some(other), _) => self.variable(other).ok_or_else(|| other.to_owned())? + 1,
            (None, Some(other)) => self.variable(other).ok_or_else(|| other.to_owned())?,
            (None, None) => 0,
        };
        self.lines.insert(at, line.to_owned());
        Ok(true)
    }

    /// Takes a variable out; tells whether it was there.
    pub(super) fn remove_variable(&mut self, name: &str) -> bool {
        let found = self.variable(name);
        found.map(|at| self.lines.remove(at)).is_some()
    }

    fn variable(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    }

    /// Names of jobs.
    pub(super) fn job_names(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix(MARK)).collect()
    }

    /// Names of variables.
    pub(super) fn variable_names(&self) -> Vec<&str> {
        let pairs = self.lines.iter().filter_map(|line| line.split_once('='));
        pairs
            .map(|(name, _)| name)
            .filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_has_no_name_gets_one() {
        let mut table = Crontab::parse("0 1 * * * x\n");
        assert!(table.set_job("night", "0 1 * * * x"));
        assert_eq!(table.text(), "#Ansible: night\n0 1 * * * x\n");
        assert!(!table.set_job("night", "0 1 * * * x"));
    }

    #[test]
    fn variables_are_put_beside_others() {
        let mut table = Crontab::parse("A=\"1\"\n0 1 * * * x\n");
        assert_eq!(table.set_variable("B", "B=\"2\"", Some("A"), None), Ok(true));
        assert_eq!(table.set_variable("C", "C=\"3\"", None, None), Ok(true));
        assert_eq!(table.set_variable("B", "B=\"2\"", None, None), Ok(false));
        assert_eq!(table.text(), "C=\"3\"\nA=\"1\"\nB=\"2\"\n0 1 * * * x\n");
        assert_eq!(table.set_variable("D", "D=\"4\"", Some("X"), None), Err("X".to_owned()));
        assert!(table.remove_variable("A"));
        assert_eq!(table.variable_names(), ["C", "B"]);
    }
}
