#!/usr/bin/env python3
"""Renders the template files of the roles below a folder with ansible-core and with taskbox and compares every result.

    ANSIBLE_PLAYBOOK=VENV/bin/ansible-playbook TASKBOX=target/.../taskbox tests/templates-of-roles/compare.py FOLDER [--common FILE ...]

Every role gives its defaults and vars; --common adds variable files for all of them. A name that ansible-core finds undefined gets a stand-in
in the next round (its own name as text), up to --rounds, so that more of a template is reached. What fails must fail in both.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--common", nargs="*", default=[], type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=4)
parser.add_argument("--show", type=int, default=20, help="how many differences to print")
args = parser.parse_args()
ansible, taskbox = os.environ["ANSIBLE_PLAYBOOK"], os.environ["TASKBOX"]


def variable_files(role):
    for part in ("defaults", "vars"):
        for name in ("main.yml", "main.yaml", "main"):
            path = role / part / name
            if path.is_dir():
                yield from sorted(path.glob("*.y*ml"))
            elif path.is_file():
                yield path
                break


def play(role, templates, stand_ins):
    tasks = [
        {"name": str(path), "debug": {"msg": "{{ lookup('template', template_file) }}"}, "vars": {"template_file": str(path)},
         "ignore_errors": True}
        for path in templates
    ]
    files = [str(path.resolve()) for path in [*args.common, *variable_files(role)]]
    return {"hosts": "localhost", "vars_files": files, "vars": stand_ins, "tasks": tasks}


def results(command, path):
    """The result of each task, by the template's path."""
    env = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_DEPRECATION_WARNINGS="false",
               ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_SYSTEM_WARNINGS="false", ANSIBLE_GATHERING="smart")
    out = subprocess.run([*command, str(path)], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found = {}
    for part in re.split(r"^TASK \[", out, flags=re.M)[1:]:
        name = part.split("] *", 1)[0]
        start = re.search(r"^(ok|fatal): \[localhost\](: FAILED!)? => \{", part, flags=re.M)
        if not start:
            continue
        value, _ = json.JSONDecoder().raw_decode(part, start.end() - 1)
        found[name] = ("ok" if start[1] == "ok" else "failed", value.get("msg"))
    return found


roles = sorted({path.parent for path in args.folder.rglob("templates") if path.is_dir()})
stand_ins = {role: {} for role in roles}
templates = {}
for role in roles:
    files = [path.resolve() for path in sorted((role / "templates").rglob("*")) if path.is_file()]
    templates[role] = [path for path in files if b"\0" not in path.read_bytes()]
roles = [role for role in roles if templates[role]]
equal = failed = 0
differences = []
with tempfile.TemporaryDirectory() as scratch:
    for at in range(args.rounds):
        last = at == args.rounds - 1
        path = pathlib.Path(scratch) / "play.json"
        path.write_text(json.dumps([play(role, templates[role], stand_ins[role]) for role in roles]))
        theirs = results([ansible], path)
        more = False
        for role in roles:
            for file in templates[role]:
                status, msg = theirs.get(str(file), ("failed", ""))
                missing = re.search(r"'(\w+)' is undefined", str(msg)) if status == "failed" else None
                if missing and missing[1] not in stand_ins[role]:
                    stand_ins[role][missing[1]] = missing[1]
                    more = True
        if not more or last:
            break
    ours = results([taskbox, "playbook"], path)
for role in roles:
    for file in templates[role]:
        a, b = theirs.get(str(file)), ours.get(str(file))
        if a is None or b is None or a[0] != b[0] or (a[0] == "ok" and a[1] != b[1]):
            differences.append((file, a, b))
        elif a[0] == "ok":
            equal += 1
        else:
            failed += 1
for file, a, b in differences[: args.show]:
    print(f"{file}\n   ansible {str(a)[:600]}\n   taskbox {str(b)[:600]}")
print(f"{len(roles)} roles: {equal} templates equal, {failed} fail in both, {len(differences)} differ")
sys.exit(bool(differences))
