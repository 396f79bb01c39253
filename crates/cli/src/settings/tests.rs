use data::Diagnose;

use super::*;

fn settings(text: &str, env: &[(&str, &str)]) -> Result<Settings, FlagError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ansible.cfg");
    std::fs::write(&path, text).unwrap();
    let get = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::of(Some(ConfigFile::read(&path).unwrap()), &get)
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let found = settings("[defaults]\nforks = 7\ntimeout = 20\n", &[("ANSIBLE_TIMEOUT", "30")]).unwrap();
    assert_eq!(found.number("DEFAULT_FORKS"), Some(7));
    assert_eq!(found.number("DEFAULT_TIMEOUT"), Some(30));
    assert_eq!(found.get("DEFAULT_TIMEOUT").unwrap().1.to_string(), "env: ANSIBLE_TIMEOUT");
    assert_eq!(found.text("DEFAULT_TRANSPORT").as_deref(), Some("ssh"));
    assert!(!found.is_set("DEFAULT_TRANSPORT") && found.is_set("DEFAULT_FORKS"));
}

#[test]
fn values_have_the_kinds_of_their_settings() {
    let text = "[defaults]\nroles_path = roles:/srv/roles\ninventory = hosts, other/hosts\nany_errors_fatal = Yes\ncallbacks_enabled = timer , 'profile_tasks'\n";
    let found = settings(text, &[("ANSIBLE_VERBOSITY", "2.0")]).unwrap();
    let folder = found.file.as_ref().unwrap().path.parent().unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    assert_eq!(found.list("DEFAULT_ROLES_PATH"), [path("roles"), "/srv/roles".to_owned()]);
    assert_eq!(found.list("DEFAULT_HOST_LIST"), [path("hosts"), path("other/hosts")]);
    assert!(found.flag("ANY_ERRORS_FATAL"));
    assert_eq!(found.list("CALLBACKS_ENABLED"), ["timer", "profile_tasks"]);
    assert_eq!(found.number("DEFAULT_VERBOSITY"), Some(2));
}

#[test]
fn wrong_values_are_errors_that_say_what_is_possible() {
    for (text, title, help) in [
        ("[defaults]\nforks = many\n", "the setting `forks` cannot be `many`", "integer"),
        (
            "[defaults]\ngathering = never\n",
            "the setting `gathering` cannot be `never`",
            "implicit, explicit, smart",
        ),
    ] {
        let error = settings(text, &[]).unwrap_err().diagnostics().remove(0);
        assert_eq!(error.title, title);
        assert!(error.helps[0].contains(help), "{:?}", error.helps);
        assert!(error.place().is_some());
    }
    let error = settings("", &[("ANSIBLE_FORKS", "x")]).unwrap_err();
    assert_eq!(error.to_string(), "the setting `$ANSIBLE_FORKS` cannot be `x`");
    assert_eq!(settings("", &[("ANSIBLE_FORKS", "")]).unwrap().number("DEFAULT_FORKS"), Some(50));
}

#[test]
fn what_is_not_followed_is_told_once_each_with_its_reason() {
    let plugins = tempfile::tempdir().unwrap();
    std::fs::write(plugins.path().join("mine.py"), "").unwrap();
    let text = format!(
        "[defaults]\nfork = 5\nlookup_plugins = {}\nfilter_plugins = ./none\npipelining = yes\n[default]\nx = 1\n",
        plugins.path().display()
    );
    let env =
        ["ANSIBLE_FROKS", "ANSIBLE_LOOKUP_PLUGINS", "ANSIBLE_NOCOWS", "ANSIBLE_OF_MY_OWN_MAKING", "HOME"];
    let found = settings(&text, &[]).unwrap().warnings(env.iter().map(ToString::to_string));
    let titles: Vec<_> = found.iter().map(|found| found.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "there is no setting `fork`",
            "the setting `lookup_plugins` is not followed",
            "the settings of section `[default]` are not used",
            "there is no setting `ANSIBLE_FROKS`",
            "the setting `ANSIBLE_LOOKUP_PLUGINS` is not followed",
        ]
    );
    assert_eq!(found[0].helps, ["did you mean `forks`?"]);
    assert_eq!(found[1].notes, ["plugins in Python cannot be loaded"]);
}

#[test]
fn a_folder_that_everybody_can_write_into_gives_no_settings() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ansible.cfg"), "[defaults]\nforks = 3\n").unwrap();
    for (mode, used) in [(0o755, true), (0o777, false)] {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "settings::tests::prints_the_settings_file", "--nocapture"])
            .current_dir(folder.path())
            .env("HOME", folder.path().join("home"))
            .env_remove("ANSIBLE_CONFIG")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said.contains(&format!("file {}/ansible.cfg", folder.path().display())), used, "{said}");
        assert_eq!(said.contains("everybody can write"), !used, "{said}");
    }
}

/// Run as a process of its own by the test above; says nothing otherwise.
#[test]
fn prints_the_settings_file() {
    let (path, warning) = file::find(None);
    if let Some(path) = path {
        anstream::println!("file {}", path.display());
    }
    if let Some(warning) = warning {
        anstream::println!("{}", warning.title);
    }
}
