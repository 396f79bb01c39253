//! Privilege escalation as Ansible's `become`: who a task runs as on its host, by which program, with which password.

use data::Text;
use modules::wire::BecomeMethod;

/// Another user to run a task as. Equal ones share one child agent on the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Become {
    /// `become_method`
    pub method: BecomeMethod,
    /// `become_user`; Ansible's default is `root`.
    pub user: String,
    /// `ansible_become_password`; travels through a pipe only. Always marked secret.
    pub password: Option<Text>,
    /// `become_flags`: further arguments of the program, split as a shell does; `None` takes the method's own.
    pub flags: Option<String>,
    /// `become_exe`: the program's path, if it is not simply its name.
    pub program: Option<String>,
    /// `ansible_su_prompt_l10n`: what `su` asks for a password with, if it is none of the words that are known.
    pub prompts: Vec<String>,
}

impl Become {
    /// `sudo` to this user without a password.
    pub fn sudo(user: impl Into<String>) -> Self {
        Self {
            method: BecomeMethod::Sudo,
            user: user.into(),
            password: None,
            flags: None,
            program: None,
            prompts: Vec::new(),
        }
    }

    /// The same with a password, which is marked secret.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Text>) -> Self {
        self.password = Some(password.into().into_secret());
        self
    }

    /// How it is started, for those who want to see it; never with a password.
    pub(crate) fn shown(&self) -> String {
        let program = self.program();
        let flags =
            self.flags.as_deref().unwrap_or(if self.method == BecomeMethod::Sudo { "-H" } else { "" });
        let words = match self.method {
            BecomeMethod::Sudo => vec![program, flags, "-S", "-u", &self.user],
            BecomeMethod::Doas => vec![program, flags, "-u", &self.user],
            BecomeMethod::Su => vec![program, flags, &self.user],
        };
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The program to start.
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(self.method.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_shows_in_debug_output() {
        assert!(!format!("{:?}", Become::sudo("root").with_password("hunter2")).contains("hunter2"));
    }
}
