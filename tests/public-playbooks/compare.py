#!/usr/bin/env python3
"""Asks ansible-core and taskbox to list what public repositories hold and compares every answer, byte for byte.

    tests/public-playbooks/compare.py FOLDER --clone          # git clone of what upstreams.txt names, into FOLDER
    ANSIBLE_PLAYBOOK=VENV/bin/ansible-playbook TASKBOX=target/debug/taskbox tests/public-playbooks/compare.py FOLDER

Every checkout below FOLDER is searched for playbooks and for inventories. A checkout that is a role gets a playbook around it, one that is
a collection gets one around each of its roles. Asked are `--syntax-check`, the lists of hosts, tasks and tags, and `ansible-inventory` with
`--list`, `--list --export`, `--list --yaml` and `--graph --vars`. Nothing of a checkout is run: programs that print inventories are left out.

Both engines get the collections below --collections (a folder that holds `ansible_collections`, as the package `ansible` has it);
--bare takes them from taskbox, which must list what it cannot resolve. What ansible-core said is kept in --answers.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--clone", action="store_true", help="fetch the checkouts that are not there yet, and end")
parser.add_argument("--collections", type=pathlib.Path, help="a folder that holds ansible_collections")
parser.add_argument("--bare", action="store_true", help="taskbox without the collections")
parser.add_argument("--answers", type=pathlib.Path, help="keep ansible-core's answers here")
parser.add_argument("--only", default="", help="only questions that hold this text, e.g. a checkout's name")
parser.add_argument("--inventories", type=int, default=2, help="how many of the nearest inventories a playbook is asked with")
parser.add_argument("--at-most", type=int, default=40, help="playbooks, and inventories, of one checkout, evenly chosen; 0 for all")
parser.add_argument("--show", type=int, default=20, help="how many differences to print")
parser.add_argument("--lines", type=int, default=3, help="how many differing lines of each")
parser.add_argument("--errors", action="store_true", help="also print where both fail and say something else")
parser.add_argument("--jobs", type=int, default=2)
parser.add_argument("--ask-only", action="store_true", help="collect ansible-core's answers, without taskbox")
args = parser.parse_args()

Question = collections.namedtuple("Question", "checkout cwd program words")
SKIPPED = {".git", "node_modules", ".tox", "__pycache__"}
PROGRAMS = {".py", ".php", ".sh", ".rb", ".pl"}
NO_INVENTORY = {".md", ".rst", ".j2", ".txt", ".adoc", ".png", ".tf", ".cfg", ".html", *PROGRAMS}


def clone():
    for line in (HERE / "upstreams.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, address = line.split()
            if not (args.folder / name).exists():
                subprocess.run(["git", "clone", "--quiet", "--depth", "1", address, str(args.folder / name)], check=True)


class AnyTag(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads tags such as !vault as whatever they stand on."""


AnyTag.add_multi_constructor("", lambda loader, suffix, node: str(node.value))


def documents(path):
    try:
        return yaml.load(path.read_text(), AnyTag)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OSError, TypeError, RecursionError):
        return None


def files(folder):
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        yield from (pathlib.Path(at) / name for name in sorted(names))


def is_playbook(path):
    if path.suffix not in {".yml", ".yaml"} or {"defaults", "vars", "meta", "group_vars", "host_vars"} & set(path.parts):
        return False
    if not re.search(rb"(hosts|import_playbook)['\"]?\s*:", path.read_bytes()):
        return False
    plays = documents(path)
    return isinstance(plays, list) and bool(plays) and all(
        isinstance(play, dict) and ("hosts" in play or {"import_playbook", "ansible.builtin.import_playbook"} & set(play))
        for play in plays
    )


def holds_programs(folder):
    return any(path.suffix in PROGRAMS or os.access(path, os.X_OK) for path in files(folder))


def inventories(checkout):
    """Files and folders that look like inventories."""
    for at, folders, names in os.walk(checkout):
        here = pathlib.Path(at)
        folders[:] = sorted(
            name for name in folders
            if name not in SKIPPED | {"group_vars", "host_vars", "roles", "templates", "files", "tasks", "docs", "plugins", "library"}
        )
        in_folder = here.name in {"inventory", "inventories"} or here.parent.name in {"inventory", "inventories"}
        if in_folder and here != checkout and names and not holds_programs(here):
            yield here
        for name in sorted(names):
            path = here / name
            named = re.match(r"(hosts|inventory)([-_.]|$)", name)
            if not (named or in_folder) or path.suffix in NO_INVENTORY or name.startswith("."):
                continue
            if os.access(path, os.X_OK) or path.stat().st_size > 1 << 20 or is_playbook(path):
                continue
            yield path


def evenly(paths):
    """At most --at-most of them, the same ones each time."""
    if not args.at_most or len(paths) <= args.at_most:
        return paths
    return [paths[index * len(paths) // args.at_most] for index in range(args.at_most)]


def near(path, candidates):
    """The candidates, those first that share most of the path."""
    def distance(other):
        common = os.path.commonpath([path, other])
        return (len(other.parts) - len(pathlib.Path(common).parts), str(other))
    shared = [(-len(pathlib.Path(os.path.commonpath([path, other])).parts), *distance(other), other) for other in candidates]
    return [entry[-1] for entry in sorted(shared, key=lambda entry: entry[:-1])]


def settings_folder(path, checkout):
    """The nearest folder with an ansible.cfg, else the checkout."""
    for folder in path.parents:
        if (folder / "ansible.cfg").exists():
            return folder
        if folder == checkout:
            break
    return checkout


def role_name(checkout):
    meta = documents(checkout / "meta" / "main.yml") or {}
    galaxy = meta.get("galaxy_info", {}) if isinstance(meta, dict) else {}
    name = galaxy.get("role_name") or re.sub(r"^.*[.+]|^ansible-role-", "", checkout.name)
    return f"{galaxy.get('namespace') or galaxy.get('author') or 'public'}.{name}"


def generated(checkout, home):
    """Playbooks around what a checkout offers, below the home folder: its role, or its collection's roles."""
    folder = home / "plays" / checkout.name
    names = []
    if (checkout / "tasks").is_dir() and (checkout / "meta").is_dir():
        names.append(role_name(checkout))
        link(home / ".ansible" / "roles" / names[0], checkout)
    galaxy = documents(checkout / "galaxy.yml")
    if isinstance(galaxy, dict) and (checkout / "roles").is_dir():
        names += [f"{galaxy['namespace']}.{galaxy['name']}.{role.name}" for role in sorted((checkout / "roles").iterdir()) if role.is_dir()]
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.yml"
        path.write_text(f"- name: One role\n  hosts: all\n  tags: [one]\n  roles:\n    - role: {name}\n")
        yield path


def link(at, to):
    at.parent.mkdir(parents=True, exist_ok=True)
    if not at.exists():
        at.symlink_to(to)


def home_folder(home, checkouts, shared):
    """Roles and collections where Ansible looks for a user's own."""
    root = home / ".ansible" / "collections" / "ansible_collections"
    root.mkdir(parents=True, exist_ok=True)
    for checkout in checkouts:
        galaxy = documents(checkout / "galaxy.yml") if (checkout / "galaxy.yml").exists() else None
        if isinstance(galaxy, dict):
            link(root / galaxy["namespace"] / galaxy["name"], checkout)
    if shared:
        for folder in (shared / "ansible_collections").glob("*/*"):
            if folder.is_dir():
                link(root / folder.parent.name / folder.name, folder.resolve())


def questions(checkout, home):
    found = [path for path in inventories(checkout) if path.exists()]
    playbooks = evenly([path for path in files(checkout) if is_playbook(path)])
    first = True
    for path in [*playbooks, *generated(checkout, home)]:
        own = checkout in path.parents
        cwd = settings_folder(path, checkout) if own else checkout
        chosen = near(path, found)[: args.inventories] if own else []
        options = [["-i", os.path.relpath(inventory, cwd)] for inventory in chosen] or [["-i", "one,two,"]]
        shown = os.path.relpath(path, cwd) if own else str(path)
        for number, option in enumerate(options):
            yield Question(checkout.name, cwd, "ansible-playbook", [*option, "--list-hosts", "--list-tasks", "--list-tags", shown])
            if number == 0:
                yield Question(checkout.name, cwd, "ansible-playbook", [*option, "--syntax-check", shown])
            if first:
                for flag in ("--list-hosts", "--list-tasks", "--list-tags"):
                    yield Question(checkout.name, cwd, "ansible-playbook", [*option, flag, shown])
        first = False
    for path in evenly(found):
        cwd = settings_folder(path, checkout)
        option = ["-i", os.path.relpath(path, cwd)]
        for words in (["--list"], ["--list", "--export"], ["--list", "--yaml"], ["--graph", "--vars"]):
            yield Question(checkout.name, cwd, "ansible-inventory", [*option, *words])


def steady(text):
    """Ansible keeps a play's tags and hosts in sets, whose order is another in each run: they are put in order here, in both answers."""
    out, hosts = [], None
    for line in text.splitlines():
        if hosts is not None and re.match(r" {6}\S", line) and "\tTAGS: " not in line and "TASK TAGS: " not in line:
            hosts.append(line)
            continue
        if hosts is not None:
            out += sorted(hosts)
            hosts = None
        if re.match(r" {4}hosts \(\d+\):", line):
            hosts = []
        play = re.match(r"(  play #.*\tTAGS: \[)(.*)\]$", line)
        out.append(f"{play[1]}{','.join(sorted(play[2].split(',')))}]" if play else line)
    return "\n".join(out + sorted(hosts or []))


def ask(program, question, home):
    roles = args.folder / question.checkout / "roles"
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    env.update(HOME=str(home), ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8", COLUMNS="10000", ANSIBLE_DEPRECATION_WARNINGS="false")
    if roles.is_dir():
        # Some settings name the roles by the place where the project wants to be installed.
        env["ANSIBLE_ROLES_PATH"] = f"{roles}:{home}/.ansible/roles"
    try:
        run = subprocess.run([program, *question.words], cwd=question.cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {"out": "", "err": "no answer within 300 s", "code": -1}
    return {"out": run.stdout.decode(errors="replace"), "err": run.stderr.decode(errors="replace"), "code": run.returncode}


def oracle(question, home):
    words = json.dumps([question.checkout, os.path.relpath(question.cwd, args.folder), question.program, question.words])
    kept = args.answers / (hashlib.sha256(words.replace(str(home), "~").encode()).hexdigest()[:24] + ".json") if args.answers else None
    if kept and kept.exists():
        return json.loads(kept.read_text())
    answer = ask(str(pathlib.Path(os.environ["ANSIBLE_PLAYBOOK"]).with_name(question.program)), question, home)
    if kept:
        kept.write_text(json.dumps(answer))
    return answer


def first_error(text):
    found = re.search(r"^(?:\[ERROR\]: |ERROR! |error: )(.*)", text, flags=re.M)
    return found[1].strip() if found else ""


def differing(theirs, ours):
    """The first lines that differ, as `number: theirs | ours`."""
    left, right = steady(theirs).splitlines(), steady(ours).splitlines()
    length = max(len(left), len(right))
    left += ["(end)"] * (length - len(left))
    right += ["(end)"] * (length - len(right))
    for number, (one, other) in enumerate(zip(left, right), 1):
        if one != other:
            yield f"line {number}\n        ansible: {one[:300]!r}\n        taskbox: {other[:300]!r}"


def main():
    if args.clone:
        args.folder.mkdir(parents=True, exist_ok=True)
        clone()
        return 0
    args.folder = args.folder.resolve()
    checkouts = sorted(path for path in args.folder.iterdir() if path.is_dir())
    if args.answers:
        args.answers.mkdir(parents=True, exist_ok=True)
    # Their paths show in answers, and answers may be kept: so the home folders have fixed names.
    base = pathlib.Path(tempfile.gettempdir()) / "public-playbooks"
    home, bare = base / "home", base / "bare"
    home_folder(home, checkouts, args.collections)
    home_folder(bare, checkouts, None)
    asked = [question for checkout in checkouts for question in questions(checkout, home)]
    for checkout in checkouts:
        list(generated(checkout, bare))
    asked = [question for question in asked if args.only in f"{question.checkout} {question.program} {' '.join(question.words)}"]
    links = base / "programs"
    if not args.ask_only:
        links.mkdir(parents=True, exist_ok=True)
        for name in ("ansible-playbook", "ansible-inventory"):
            (links / name).unlink(missing_ok=True)
            (links / name).symlink_to(pathlib.Path(os.environ["TASKBOX"]).resolve())

    def both(question):
        theirs = oracle(question, home)
        return theirs, theirs if args.ask_only else ask(str(links / question.program), question, bare if args.bare else home)

    equal, total, codes, told, shown = collections.Counter(), collections.Counter(), collections.Counter(), collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for question, (theirs, ours) in zip(asked, pool.map(both, asked)):
            total[question.checkout] += 1
            codes["listed" if theirs["code"] == 0 else "refused"] += 1
            same = steady(theirs["out"]) == steady(ours["out"]) and theirs["code"] == ours["code"]
            equal[question.checkout] += same
            words = first_error(theirs["err"]), first_error(ours["err"])
            if theirs["code"] and ours["code"]:
                told["same words" if words[0] == words[1] else "other words"] += 1
            if (same and not (args.errors and theirs["code"] and words[0] != words[1])) or shown >= args.show:
                continue
            shown += 1
            print(f"{question.checkout}: (cd {question.cwd}; {question.program} {' '.join(question.words)})")
            if theirs["code"] != ours["code"]:
                print(f"    exit code {theirs['code']}, taskbox {ours['code']}")
            for _, line in zip(range(args.lines), differing(theirs["out"], ours["out"])):
                print(f"    {line}")
            if words[0] != words[1]:
                print(f"    ansible's error: {words[0][:300]}\n    taskbox's error: {words[1][:300]}")
    for name in sorted(total):
        print(f"{name:40} {equal[name]:5} of {total[name]:5} equal")
    print(f"{'all':40} {sum(equal.values()):5} of {sum(total.values()):5} equal; ansible-core listed {codes['listed']} and refused {codes['refused']}"
          f" (first error in the same words {told['same words']}, in others {told['other words']})")
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main())
