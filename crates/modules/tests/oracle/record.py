#!/usr/bin/env python3
"""Asks the real ansible-core what its modules do with the cases of cases.json and keeps the answers in recorded.json.

Run it with a Python that has ansible-core and the collections community.general and ansible.posix: `python3 record.py` asks for the cases
that have no answer yet, `python3 record.py --all` for all. Each case is run three times in a fresh folder: in check mode, for
real, and again. In arguments and answers `@` stands for that folder. The tests of this crate then compare ours with the answers.
"""

import json
import os
import pathlib
import shutil
import stat
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


def prepare(folder, before):
    for name, content in before.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True)
            path.chmod(0o755)
        elif isinstance(content, dict):
            path.symlink_to(content["link"])
        else:
            path.write_text(content)
            path.chmod(0o644)


def replace(value, old, new):
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [replace(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key.replace(old, new): replace(item, old, new) for key, item in value.items()}
    return value


def run(folder, case, check):
    args = replace(case["args"], "@", str(folder))
    module = case["module"]
    args.update(_ansible_check_mode=check, _ansible_diff=True, _ansible_module_name=module)
    if module == "shell":
        module = "command"
        args["_uses_shell"] = True
    given = json.dumps({"ANSIBLE_MODULE_ARGS": args})
    collection, _, name = module.rpartition(".")
    module = f"ansible_collections.{collection}.plugins.modules.{name}" if collection else "ansible.modules." + name
    done = subprocess.run([sys.executable, "-c", RUN, module], input=given, capture_output=True, text=True, cwd=folder)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    # Arguments come back with every default; nobody compares them.
    result.pop("invocation", None)
    result["warnings"] = [warning["event"]["msg"] for warning in result.get("warnings", [])]
    if not result["warnings"]:
        del result["warnings"]
    # The controller adds this to every result that lacks it.
    result.setdefault("changed", False)
    return replace(result, str(folder), "@")


def tree(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        about = path.lstat()
        if path.is_symlink():
            found[name] = {"link": os.readlink(path).replace(str(folder), "@")}
        elif path.is_dir():
            found[name] = {"mode": oct(stat.S_IMODE(about.st_mode))}
        elif path.suffix in (".gz", ".tar", ".zip"):
            # Times are in it; what it holds is compared by unpacking.
            found[name] = {"mode": oct(stat.S_IMODE(about.st_mode))}
        else:
            content = path.read_bytes().decode().replace(str(folder), "@")
            found[name] = {"mode": oct(stat.S_IMODE(about.st_mode)), "content": content}
    return found


def main():
    from ansible.release import __version__

    os.umask(0o022)
    recorded = {"ansible_core": __version__, "cases": {}}
    known = {}
    if "--all" not in sys.argv:
        before = json.loads((HERE / "recorded.json").read_text())
        known = before["cases"] if before["ansible_core"] == __version__ else {}
    for case in json.loads((HERE / "cases.json").read_text()):
        if case["name"] in known:
            recorded["cases"][case["name"]] = known[case["name"]]
            continue
        folder = pathlib.Path(tempfile.mkdtemp())
        prepare(folder, case["before"])
        answer = {"check": run(folder, case, True), "first": run(folder, case, False), "again": run(folder, case, False)}
        answer["tree"] = tree(folder)
        recorded["cases"][case["name"]] = answer
        shutil.rmtree(folder)
    (HERE / "recorded.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


main()
