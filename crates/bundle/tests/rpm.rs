//! A repository of RPM packages, made by rpmbuild, compared with createrepo_c's and installed from by dnf into a root of its own. `./test.sh`
//! installs the three; without them this fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the functions beside the tests are test code too"
)]

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use taskbox_bundle::{Builder, Bundle, rpm_repository, survey};

fn run(program: &str, args: &[&str]) -> String {
    let said = Command::new(program).args(args).output();
    let said = said.unwrap_or_else(|error| {
        panic!("{program} is needed: apt-get install rpm dnf createrepo-c ({error})")
    });
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{program} {args:?}: {text}");
    text
}

const LIBRARY: &str = "
Name: box-lib
Version: 2.1
Release: 3.el9
Epoch: 1
Summary: A library & its <files>
License: MIT
BuildArch: noarch
Provides: box-api = 2
Requires: /bin/sh
Recommends: box-docs
%description
Two lines,
one of them with \"quotes\".
%install
mkdir -p %{buildroot}/usr/share/box %{buildroot}/usr/bin
echo 1 >%{buildroot}/usr/share/box/data
echo '#!/bin/sh' >%{buildroot}/usr/bin/box-lib
chmod 755 %{buildroot}/usr/bin/box-lib
%files
%dir /usr/share/box
/usr/share/box/data
/usr/bin/box-lib
";

const TOOL: &str = "
Name: box-tool
Version: 1.0
Release: 1
Summary: A tool
License: MIT
BuildArch: noarch
Requires: box-api >= 2
Requires: box-lib = 1:2.1-3.el9
Requires: /usr/share/box/data
Conflicts: box-old < 1
Obsoletes: box-older <= 0.9
%description
A tool.
%install
mkdir -p %{buildroot}/usr/bin
echo '#!/bin/sh' >%{buildroot}/usr/bin/box-tool
%files
/usr/bin/box-tool
";

/// A stand-in for the system's shell: what a fresh install root lacks.
const SHELL: &str = "
Name: box-shell
Version: 1
Release: 1
Summary: What provides /bin/sh
License: MIT
BuildArch: noarch
AutoReqProv: no
Provides: /bin/sh
%description
x
%files
";

fn build(folder: &Path, name: &str, spec: &str) {
    let file = folder.join(format!("{name}.spec"));
    std::fs::write(&file, spec).unwrap();
    let top = format!("_topdir {}", folder.join("top").display());
    let out = format!("_rpmdir {}", folder.join("from/rocky-9").display());
    run(
        "rpmbuild",
        &[
            "-bb",
            "--quiet",
            "--define",
            &top,
            "--define",
            &out,
            "--define",
            "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
            &file.display().to_string(),
        ],
    );
}

/// The lines of a list of packages that both must have: without times, and in one order within a package.
fn comparable(xml: &str) -> Vec<String> {
    let mut packages = Vec::new();
    for package in xml.split("<package ").skip(1) {
        let lines = package.lines().map(|line| line.trim().replace("\"/>", "\" />").replace(" />", "/>"));
        let mut lines: Vec<String> = lines
            .filter(|line| !line.starts_with("<time ") && !line.is_empty() && !line.starts_with("</metadata"))
            .collect();
        lines.sort();
        packages.push(lines.join("\n"));
    }
    packages.sort();
    packages
}

fn gunzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn dnf_installs_from_a_repository_that_equals_createrepos() {
    let dir = tempfile::tempdir().unwrap();
    for (name, spec) in [("box-lib", LIBRARY), ("box-tool", TOOL), ("box-shell", SHELL)] {
        build(dir.path(), name, spec);
    }
    let from = dir.path().join("from");
    let mut builder = Builder::new(None);
    survey(&from, &dir.path().join("work"), &mut builder).unwrap();
    let bundle = dir.path().join("b.bundle");
    let manifest = builder.write(&bundle).unwrap();
    assert!(manifest.artifacts.iter().all(|artifact| artifact.set.as_deref() == Some("rocky-9")));
    let bundle = Bundle::open(&bundle).unwrap();
    let repository =
        rpm_repository(&manifest, &bundle.contents().unwrap(), Some("rocky-9"), "amd64").unwrap();
    let repository: HashMap<&str, Vec<u8>> = repository.into_iter().collect();
    let ours = gunzipped(&repository["repodata/primary.xml.gz"]);

    // createrepo_c's list, the real thing. It keeps but few files in it; ours has all, so its files are a part of ours.
    let theirs = dir.path().join("theirs");
    run("cp", &["-r", &from.join("rocky-9").display().to_string(), &theirs.display().to_string()]);
    run("createrepo_c", &["--quiet", "--general-compress-type=gz", &theirs.display().to_string()]);
    let list = std::fs::read_dir(theirs.join("repodata")).unwrap().flatten().map(|entry| entry.path());
    let list = list.into_iter().find(|path| path.to_string_lossy().ends_with("primary.xml.gz")).unwrap();
    let theirs = gunzipped(&std::fs::read(list).unwrap());
    for (one, other) in comparable(&ours).iter().zip(comparable(&theirs)) {
        let lacking: Vec<&str> = other.lines().filter(|line| !one.lines().any(|own| own == *line)).collect();
        assert!(
            lacking.is_empty(),
            "of createrepo_c's list these lines are not in ours: {lacking:#?}\n{one}"
        );
        let more = one.lines().filter(|line| !other.lines().any(|theirs| theirs == *line));
        let more: Vec<&str> = more.filter(|line| !line.starts_with("<file")).collect();
        assert!(more.is_empty(), "these lines are in ours only: {more:#?}\n{other}");
    }

    // dnf reads it, resolves a requirement of a file that is in no list of createrepo_c's, and installs what is needed.
    let source = dir.path().join("source");
    bundle.unpack(&source, |_| true).unwrap();
    let source = source.join("packages/rocky-9");
    std::fs::create_dir(source.join("repodata")).unwrap();
    for (path, bytes) in &repository {
        std::fs::write(source.join(path), bytes).unwrap();
    }
    let root = dir.path().join("root");
    let conf = dir.path().join("dnf.conf");
    let text = format!(
        "[main]\ngpgcheck=0\nplugins=0\nreposdir=/nonexistent\ncachedir={0}/cache\n[taskbox-bundle]\nname=x\nbaseurl=file://{1}\nenabled=1\n",
        dir.path().display(),
        source.display()
    );
    std::fs::write(&conf, text).unwrap();
    let (root, conf) = (root.display().to_string(), conf.display().to_string());
    let said = run(
        "dnf",
        &[
            "-y",
            "-c",
            &conf,
            "--installroot",
            &root,
            "--releasever=9",
            "--setopt=install_weak_deps=0",
            "install",
            "box-tool",
        ],
    );
    let installed = run("rpm", &["--root", &root, "-qa", "--qf", "%{NAME}\n"]);
    let mut installed: Vec<&str> = installed.lines().collect();
    installed.sort_unstable();
    assert_eq!(installed, ["box-lib", "box-shell", "box-tool"], "{said}");
    assert!(Path::new(&root).join("usr/bin/box-tool").exists());
}
