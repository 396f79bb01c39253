//! The `lsb` fact: the distribution in the words of the Linux Standard Base.

use data::Map;

use super::{Gather, files};

/// `lsb`: id, release, codename, description and major_release. The file is preferred to the program that prints it: where both are,
/// they agree, and on some systems the program is a script that takes longer than all other facts together.
pub(super) fn lsb(gather: &Gather) -> Map {
    let mut found = from_file(&files::text("/etc/lsb-release"));
    if !found.contains_key("id") && files::program("lsb_release").is_some() {
        let told = gather.stdout_of(&["lsb_release", "-a"]).map(|out| from_program(&out)).unwrap_or_default();
        if !told.is_empty() {
            found = told;
        }
    }
    if let Some(release) = found.get_str("release") {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        found.insert("major_release", major);
    }
    Map::from([("lsb", found)])
}

fn from_file(text: &str) -> Map {
    let mut found = Map::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let name = match key {
            "DISTRIB_ID" => "id",
            "DISTRIB_RELEASE" => "release",
            "DISTRIB_DESCRIPTION" => "description",
            "DISTRIB_CODENAME" => "codename",
            _ => continue,
        };
        found.insert(name, bare(value));
    }
    found
}

fn from_program(out: &str) -> Map {
    let mut found = Map::new();
    for (key, value) in out.lines().filter_map(|line| line.split_once(':')) {
        let name = match key.trim() {
            "LSB Version" | "Release" => "release",
            "Distributor ID" => "id",
            "Description" => "description",
            "Codename" => "codename",
            _ => continue,
        };
        found.insert(name, bare(value));
    }
    found
}

fn bare(value: &str) -> &str {
    value.trim().trim_matches(['\'', '"', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_program_say_the_same() {
        let file = from_file(
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\"\n",
        );
        let program =
            from_program("Distributor ID:\tUbuntu\nDescription:\tUbuntu 22.04.3 LTS\nRelease:\t22.04\n");
        for key in ["id", "release", "description"] {
            assert_eq!(file.get(key), program.get(key), "{key}");
        }
    }
}
