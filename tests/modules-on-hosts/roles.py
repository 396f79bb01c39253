#!/usr/bin/env python3
"""Converges fresh hosts with public roles, once with ansible-core and once with taskbox, and compares what they leave.

Usage: roles.py --engine DIR --roles DIR [--image IMAGE] [ROLE ...]

The roles themselves are not part of this repository: DIR has them unpacked, each under the name that the plays of `roles/` call it by
(`geerlingguy.nginx` ...). A host is a container with systemd, as for compare.py, and the play runs on it over a local connection. Each engine
runs the play twice; the second run must change nothing. Then packages, users, groups, units and the trees of FOLDERS must be the same.
"""

import argparse
import concurrent.futures
import difflib
import pathlib
import re
import sys
import tempfile

import compare

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = ["/etc", "/opt", "/root", "/srv", "/usr/local", "/var/www", "/var/lib/haproxy"]
# What differs from run to run, whoever makes it; and what ansible-core needs on a host and taskbox does not.
VOLATILE = re.compile(
    r"/etc/(ld\.so\.cache|passwd-|group-|shadow-?|gshadow-?|subuid-|subgid-|machine-id|mtab|resolv\.conf|hostname|hosts)\b|/root/\.ansible|"
    r"/etc/ssl/private|/__pycache__|\.pyc\b|/root/\.local/share/taskbox|/etc/docker/key\.json"
)
ONLY_ANSIBLES = {"python3-debian", "python3-apt", "python3-chardet"}
QUESTIONS = {
    "packages": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'",
    "users": "cat /etc/passwd /etc/group",
    "units": "systemctl list-unit-files --no-legend | awk '{print $1, $2}'; systemctl list-units --no-legend --plain --type=service --state=active | awk '{print $1, $3, $4}' | grep -v -e systemd- -e user",
}


def run(args, play, real, out):
    """One engine's two runs of a play: its text, whether the second changed something, and what is there afterwards."""
    (out / "inventory").write_text(f"testhost ansible_connection=local ansible_python_interpreter={args.python}\n")
    mounts = ["-v", f"{args.roles.resolve()}:/roles:ro", "-v", f"{HERE / 'roles'}:/plays:ro"]
    with compare.Host(args, out, True, mounts) as host:
        host.run("sh", "-c", "cp -r /engine /e")
        program = [args.python, f"{args.real}/bin/ansible-playbook"] if real else ["/e/ansible-playbook"]
        env = ["ANSIBLE_NOCOLOR=1", "ANSIBLE_ROLES_PATH=/roles", "ANSIBLE_RETRY_FILES_ENABLED=0", "ANSIBLE_COLLECTIONS_PATH=/collections"]
        env += [f"PYTHONPATH={args.real}"] if real else []
        texts = [host.run("timeout", "800", *program, "-i", "/out/inventory", f"/plays/{play.name}", env=env) for _ in range(2)]
        state = {name: host.run("sh", "-c", question).splitlines() for name, question in QUESTIONS.items()}
        state["files"] = host.run(args.python, "-c", compare.TREE, *FOLDERS).splitlines()
    return texts, state


def wanted(line):
    return not VOLATILE.search(line) and line.split(" ")[0].split(":")[0] not in ONLY_ANSIBLES


def recap(text):
    found = re.search(r"^testhost\s+: (.*)$", text, re.M)
    return " ".join(found[1].split()) if found else "no recap"


def judge(args, play):
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        outs = [pathlib.Path(folder) / name for name in ("real", "ours")]
        for out in outs:
            out.mkdir()
        real, ours = pool.map(lambda at: run(args, play, at == 0, outs[at]), (0, 1))
    found = []
    for name, (texts, _) in (("ansible-core", real), ("taskbox", ours)):
        print(f"      {name}: {recap(texts[0])}; again: {recap(texts[1])}")
        if args.out:
            args.out.mkdir(exist_ok=True)
            (args.out / f"{play.stem}.{name}.txt").write_text("\n".join(texts))
    first, second = (recap(text) for text in ours[0])
    if "failed=0" not in first or "failed=0" not in second:
        found.append("a task failed")
    if "changed=0" not in second:
        found.append("the second run changed something")
    if recap(real[0][0]) != first:
        found.append("another recap than ansible-core's")
    for kind in [*QUESTIONS, "files"]:
        before, after = ([line for line in state[kind] if wanted(line)] for state in (real[1], ours[1]))
        lines = difflib.unified_diff(sorted(before), sorted(after), "ansible-core", "taskbox", lineterm="", n=0)
        found += [f"{kind}: {line}" for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return found, {kind: len(ours[1][kind]) for kind in [*QUESTIONS, "files"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True, type=pathlib.Path)
    parser.add_argument("--roles", required=True, type=pathlib.Path)
    parser.add_argument("--image", default="conformance:bookworm")
    parser.add_argument("--real", default="/opt/real")
    parser.add_argument("--python", default="/opt/ctl/bin/python")
    parser.add_argument("--collections", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, help="keep what both said in this folder")
    parser.add_argument("plays", nargs="*")
    args = parser.parse_args()
    plays = [HERE / "roles" / f"{name}.yml" for name in args.plays] or sorted((HERE / "roles").glob("*.yml"))
    failed = 0
    for play in plays:
        found, counts = judge(args, play)
        print(f"{'FAIL ' if found else 'ok   '} {play.stem}: {', '.join(f'{count} {kind}' for kind, count in counts.items())}, {len(found)} differences", flush=True)
        for line in found[:40]:
            print("     ", line)
        failed += bool(found)
    print(f"{len(plays) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
