//! `~/.netrc`: users and passwords for hosts, as curl and Ansible read it.

use std::path::PathBuf;

use crate::Context;

/// User and password for a host, from the file that `NETRC` names or from `~/.netrc`.
pub(super) fn credentials(host: &str, context: &Context) -> Option<(String, String)> {
    let named = context.variable("NETRC").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| Some(PathBuf::from(context.variable("HOME")?).join(".netrc")))?;
    find(&std::fs::read_to_string(path).ok()?, host)
}

fn find(netrc: &str, host: &str) -> Option<(String, String)> {
    let mut words = netrc.split_whitespace();
    let (mut ours, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if ours && password.is_some() {
                    break;
                }
                ours = word == "default" || words.next() == Some(host);
                (user, password) = (None, None);
            }
            "login" if ours => user = words.next(),
            "password" if ours => password = words.next(),
            _ => {}
        }
    }
    Some((user.unwrap_or_default().to_owned(), password?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_own_credentials_or_the_default() {
        let text = "machine a.example\nlogin foo\npassword bar\nmachine b login x password y\ndefault login d password e\n";
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(find(text, "a.example"), pair("foo", "bar"));
        assert_eq!(find(text, "b"), pair("x", "y"));
        assert_eq!(find(text, "c"), pair("d", "e"));
        assert_eq!(find("machine a login x password y", "b"), None);
    }
}
