//! The box at the end: where KubeSphere's console is, once it has answered, and how to log in.

use std::fs;
use std::path::{Path, PathBuf};

use data::Value;
use runner::Stats;

/// What the role `kubesphere` published after the console had answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Console {
    url: String,
    account: String,
    version: String,
    password: Password,
}

/// Where the password is. It is shown on the screen, never written to a log.
#[derive(Debug, PartialEq, Eq)]
enum Password {
    /// The user chose it in `vars.yml`.
    Chosen,
    /// It was made, and is kept in this file.
    Made(String, PathBuf),
}

impl Console {
    /// Reads what was published; `None` without KubeSphere, or while its console has not answered.
    pub(super) fn published(stats: &Stats, folder: &Path) -> Option<Self> {
        let published = stats.custom.get(&None)?.get("kubesphere")?;
        let text = |name: &str| published.get(name).and_then(Value::as_str).map(str::to_owned);
        let file = folder.join("pki/kubesphere.password");
        let password = match published.get("password_chosen").and_then(Value::as_bool) {
            Some(true) => Password::Chosen,
            _ => Password::Made(fs::read_to_string(&file).ok()?.trim().to_owned(), file),
        };
        Some(Self { url: text("console")?, account: text("account")?, version: text("version")?, password })
    }

    /// The box.
    pub(super) fn text(&self) -> String {
        let password = match &self.password {
            Password::Chosen => "the one of kubesphere_admin_password in vars.yml".to_owned(),
            Password::Made(password, file) => format!("{password}  (kept in {})", file.display()),
        };
        let line = "#".repeat(60);
        format!(
            "{line}\n  Welcome to KubeSphere {}!\n{line}\n\nConsole: {}\nAccount: {}\nPassword: {password}\n\n\
             Notes:\n  1. Look at \"Cluster Status\" after logging in; some components may still be starting.\n  \
             2. Change the password at your first login.\n{line}\n",
            self.version, self.url, self.account
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_was_made_is_shown_with_its_file() {
        let console = |password| Console {
            url: "http://192.0.2.4:30880".into(),
            account: "admin".into(),
            version: "v4.1.3".into(),
            password,
        };
        let made = console(Password::Made("secret".into(), "pki/kubesphere.password".into())).text();
        assert!(
            made.contains("Console: http://192.0.2.4:30880\nAccount: admin\nPassword: secret  (kept in pki/"),
            "{made}"
        );
        let chosen = console(Password::Chosen).text();
        assert!(chosen.contains("Password: the one of kubesphere_admin_password"), "{chosen}");
    }
}
