#!/usr/bin/env python3
"""Asks the real ansible-core what its `dnf` module does with the steps of rpm_cases.json and keeps the answers in rpm_recorded.json.

Run it as root where dnf with its Python library, rpmbuild and createrepo_c are (on Debian: dnf, rpm, createrepo-c), with ansible-core on
PYTHONPATH. The steps run one after the other on one empty installation root and one repository built from the packages of the file;
`@` stands for the folder that holds both.
"""

import json
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
runpy.run_module("ansible.modules.dnf", run_name="__main__")
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
    (base / "dnf.conf").write_text(f"[main]\nreposdir={base}/repos\nbest=False\ncachedir=/cache\nplugins=0\n")


def replace(value, old, new):
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [replace(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: replace(item, old, new) for key, item in value.items()}
    return value


def run(base, step):
    args = {"installroot": "@/root", "releasever": "9", "conf_file": "@/dnf.conf", **step["args"]}
    args = replace(args, "@/", f"{base}/")
    args.update(_ansible_check_mode=step.get("check", False), _ansible_module_name="dnf")
    given = json.dumps({"ANSIBLE_MODULE_ARGS": args})
    done = subprocess.run([sys.executable, "-c", RUN], input=given, capture_output=True, text=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result.pop("invocation", None)
    result.pop("exception", None)
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
    dnf = subprocess.run(["dnf", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    recorded = {"ansible_core": __version__, "dnf": dnf, "steps": {step["name"]: run(base, step) for step in cases["steps"]}}
    shutil.rmtree(base)
    (HERE / "rpm_recorded.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


main()
