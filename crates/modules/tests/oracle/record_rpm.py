#!/usr/bin/env python3
"""Asks the real modules of ansible-core and community.general what they do with the steps of rpm_cases.json and keeps the answers in
rpm_recorded.json.

Run it as root where dnf with its Python library, zypper, gpg, rpmbuild and createrepo_c are (on Debian: dnf, zypper, gnupg, rpm,
createrepo-c), with ansible-core and community.general on PYTHONPATH. The steps run one after the other on one empty installation root and one repository built from the packages of the file;
`@` stands for the folder that holds both.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
RUN = """
import json, runpy, sys
import ansible.module_utils.basic as basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(sys.argv[1], run_name="__main__")
"""
SPEC = """Name: {name}
Version: {version}
Release: {release}
Summary: A package of the tests
License: none
BuildArch: noarch
{more}
%description
A package of the tests.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo {version} > %{{buildroot}}/usr/share/{name}/version
%files
/usr/share/{name}
"""


def build(base, packages):
    for package in packages:
        spec = base / "package.spec"
        spec.write_text(SPEC.format(**package))
        places = ["--define", f"_rpmdir {base}/repo", "--define", f"_topdir {base}/build"]
        subprocess.run(["rpmbuild", "-bb", *places, str(spec)], check=True, capture_output=True)
    subprocess.run(["createrepo_c", "-q", f"{base}/repo/noarch"], check=True)
    (base / "repos").mkdir()
    address = f"baseurl=file://{base}/repo/noarch\ngpgcheck=0\n"
    (base / "repos/local.repo").write_text(f"[local]\nname=local\n{address}[other]\nname=other\nenabled=0\n{address}")
    zypp = base / "zypper/etc/zypp/repos.d"
    zypp.mkdir(parents=True)
    (zypp / "local.repo").write_text(f"[local]\nname=local\nautorefresh=1\n{address}")
    (base / "dnf.conf").write_text(f"[main]\nreposdir={base}/repos\nbest=False\ncachedir=/cache\nplugins=0\n")


def make_key(base):
    """A key, and a home in which rpm keeps a database of its own."""
    (base / "home").mkdir(mode=0o700)
    (base / "home/.rpmmacros").write_text(f"%_dbpath {base}/rpmdb\n")
    gpg = ["gpg", "--homedir", f"{base}/home", "--batch", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-gen-key", "tests@example.org", "rsa2048", "sign"], check=True, capture_output=True)
    key = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout
    (base / "key.asc").write_bytes(key)


def replace(value, old, new):
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [replace(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: replace(item, old, new) for key, item in value.items()}
    return value


def run(base, step):
    module = step.get("module", "dnf")
    always = {
        "dnf": {"installroot": "@/root", "releasever": "9", "conf_file": "@/dnf.conf"},
        "zypper": {"extra_args_precommand": "--root @/zypper --no-gpg-checks"},
    }
    args = replace({**always.get(module, {}), **step["args"]}, "@/", f"{base}/")
    args.update(_ansible_check_mode=step.get("check", False), _ansible_diff=True, _ansible_module_name=module)
    given = json.dumps({"ANSIBLE_MODULE_ARGS": args})
    package = "ansible_collections.community.general.plugins.modules" if module == "zypper" else "ansible.modules"
    home = {"HOME": f"{base}/home"} if module == "rpm_key" else {}
    program = [sys.executable, "-c", RUN, f"{package}.{module}"]
    done = subprocess.run(program, input=given, capture_output=True, text=True, env={**os.environ, **home})
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result.pop("invocation", None)
    result.pop("exception", None)
    result.pop("deprecations", None)
    result["warnings"] = [warning["event"]["msg"] for warning in result.get("warnings", [])]
    if not result["warnings"]:
        del result["warnings"]
    result.setdefault("changed", False)
    return replace(result, f"{base}/", "@/")


def main():
    from ansible.release import __version__

    cases = json.loads((HERE / "rpm_cases.json").read_text())
    base = pathlib.Path(tempfile.mkdtemp())
    build(base, cases["packages"])
    make_key(base)
    dnf = subprocess.run(["dnf", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    recorded = {"ansible_core": __version__, "dnf": dnf, "steps": {step["name"]: run(base, step) for step in cases["steps"]}}
    shutil.rmtree(base)
    (HERE / "rpm_recorded.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


main()
