#!/usr/bin/env python3
"""Runs playbooks of module calls with ansible-core and with taskbox, each in a fresh container, and compares every result field by field.

Usage: compare.py --engine DIR [--image IMAGE] [--real DIR] [--collections DIR] [--keep-going] [CASE ...]

DIR holds the engine's programs under Ansible's names (a link or a copy of `taskbox` named `ansible-playbook`, the agent beside it). IMAGE is a
Debian with systemd and a Python (`--python`); `--real` is where ansible-core lies in it, `--collections` a folder of this machine with
`ansible_collections` below it, for modules that ansible-core does not have. A case is a playbook of `cases/`; without names all are run.

A case's first lines may say, in comments:
    # systemd                 the container's first process is systemd
    # ignore: FIELD ...       fields that cannot be equal in this case, with those of IGNORED
    # files: FOLDER ...       folders that must hold the same afterwards (names, kinds, modes, owners, contents)
What ansible-core said is kept in `answers/`; `--live` asks it again, and `--record` writes the answers of new and changed cases back.
A task whose name begins with `-` only prepares the host: its result is not compared.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import uuid

HERE = pathlib.Path(__file__).resolve().parent
# Fields that no two runs have in common, whoever runs them.
IGNORED = {"start", "end", "stop", "delta", "atime", "mtime", "ctime", "inode", "dev", "version", "elapsed", "ansible_job_id", "results_file"}
# Python's part of a result, and what only a callback sees.
PYTHONS = {"failed", "skipped", "exception", "module_stdout", "module_stderr", "deprecations"}
RECORDER = """
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "notification", "record_results", False

    def __init__(self):
        super().__init__()
        self.out = open("/out/real.jsonl", "w")

    def write(self, status, result, item=False):
        line = {"task": result.task.get_name(), "status": status, "item": item, "result": dict(result.result)}
        print(json.dumps(line, default=str), file=self.out, flush=True)

    def v2_runner_on_ok(self, result): self.write("ok", result)
    def v2_runner_on_failed(self, result, ignore_errors=False): self.write("failed", result)
    def v2_runner_on_skipped(self, result): self.write("skipped", result)
    def v2_runner_on_unreachable(self, result): self.write("unreachable", result)
    def v2_runner_item_on_ok(self, result): self.write("ok", result, True)
    def v2_runner_item_on_failed(self, result): self.write("failed", result, True)
    def v2_runner_item_on_skipped(self, result): self.write("skipped", result, True)
"""
# Everything below some folders: name, kind, mode, owner, and what it holds.
TREE = """
import hashlib, os, stat, sys
for base in sys.argv[1:]:
    for folder, folders, files in os.walk(base):
        folders.sort()
        for name in sorted(files + folders):
            path = os.path.join(folder, name)
            about = os.lstat(path)
            what = stat.filemode(about.st_mode)
            if stat.S_ISLNK(about.st_mode): held = os.readlink(path)
            elif stat.S_ISREG(about.st_mode): held = hashlib.sha256(open(path, 'rb').read()).hexdigest()[:16]
            else: held = ''
            print(what, about.st_uid, about.st_gid, path, held)
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True, type=pathlib.Path)
    parser.add_argument("--image", default="conformance:bookworm")
    parser.add_argument("--real", default="/opt/real")
    parser.add_argument("--python", default="/opt/ctl/bin/python")
    parser.add_argument("--collections", type=pathlib.Path)
    parser.add_argument("--live", action="store_true", help="ask ansible-core even where its answer is known")
    parser.add_argument("--record", action="store_true", help="write ansible-core's answers into answers/")
    parser.add_argument("--invocation", action="store_true", help="compare invocation too")
    parser.add_argument("--out", type=pathlib.Path, help="keep what both said in this folder")
    parser.add_argument("cases", nargs="*")
    return parser.parse_args()


def header(case):
    """What the comments before a case's first play ask for."""
    wanted = {"systemd": False, "ignore": set(), "files": []}
    for line in case.read_text().splitlines():
        if not line.startswith("#"):
            break
        word, _, rest = line.lstrip("# ").partition(":")
        if word == "systemd":
            wanted["systemd"] = True
        elif word == "ignore":
            wanted["ignore"] |= set(rest.split())
        elif word == "files":
            wanted["files"] += rest.split()
    return wanted


def docker(*words, **more):
    return subprocess.run(["docker", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


class Host:
    """A container for one run."""

    def __init__(self, args, out, systemd, more=()):
        self.name = f"modules-on-hosts-{uuid.uuid4().hex[:8]}"
        words = ["run", "-d", "--rm", "--name", self.name, "--hostname", "testhost", "--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN",
                 "--cap-add", "LINUX_IMMUTABLE",
                 "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "-v", f"{out}:/out",
                 "-v", f"{args.engine.resolve()}:/engine:ro", "-v", f"{HERE / 'cases'}:/cases:ro", "-e", "LC_ALL=C.UTF-8"]
        words += more
        if args.collections:
            words += ["-v", f"{args.collections.resolve()}:/collections:ro"]
        if systemd:
            words += ["--tmpfs", "/run", "--tmpfs", "/run/lock", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "-e", "container=docker"]
        words += [args.image, "/sbin/init" if systemd else "sleep", *([] if systemd else ["infinity"])]
        made = docker(*words)
        if made.returncode:
            raise RuntimeError(made.stdout)
        if systemd:
            docker("exec", self.name, "sh", "-c", "for i in $(seq 100); do case $(systemctl is-system-running) in running|degraded) break;; esac; sleep 0.2; done")

    def run(self, *words, env=()):
        """A command in it; its output, whatever its exit code."""
        return docker("exec", *[word for pair in env for word in ("-e", pair)], self.name, *words, timeout=900).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        docker("rm", "-f", "-v", self.name)


def run(args, case, wanted, real, out):
    """One engine's run of a case: its results, its files, its text."""
    inventory = f"testhost ansible_connection=local ansible_python_interpreter={args.python}\n"
    (out / "inventory").write_text(inventory)
    (out / "recorder").mkdir()
    (out / "recorder" / "record_results.py").write_text(RECORDER)
    with Host(args, out, wanted["systemd"]) as host:
        words = ["timeout", "600", f"{args.real}/bin/ansible-playbook" if real else "/engine/ansible-playbook", "-i", "/out/inventory", f"/cases/{case.name}", "--diff", "-vvv"]
        env = ["ANSIBLE_NOCOLOR=1", "ANSIBLE_COLLECTIONS_PATH=/collections", "ANSIBLE_RETRY_FILES_ENABLED=0"]
        if real:
            words[2:3] = [args.python, words[2]]
            text = host.run(*words, env=[*env, f"PYTHONPATH={args.real}", "ANSIBLE_CALLBACK_PLUGINS=/out/recorder"])
        else:
            text = host.run("sh", "-c", 'cp -r /engine /e && exec "$@" --events /out/ours.jsonl', "sh", *[word.replace("/engine/", "/e/") for word in words], env=env)
        files = host.run(args.python, "-c", TREE, *wanted["files"]).splitlines() if wanted["files"] else []
    path = out / ("real.jsonl" if real else "ours.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if not real:
        lines = [line | {"item": line["event"] == "item_result"} for line in lines if line["event"] in ("item_result", "task_result")]
    return [line for line in lines if not line["task"].startswith("-")], files, text


def plain(value, ignored):
    """A result without what is not compared, at any depth."""
    if isinstance(value, dict):
        return {key: plain(item, ignored) for key, item in value.items() if key not in ignored and not key.startswith("_ansible_")}
    if isinstance(value, list):
        return [plain(item, ignored) for item in value]
    return value


def status(line):
    return "ok" if line["status"] == "changed" else line["status"]


def differences(real, ours, ignored):
    """Where two runs differ, in words."""
    for at, line in enumerate(real):
        if at >= len(ours) or ours[at]["task"] != line["task"]:
            found = repr(ours[at]["task"]) if at < len(ours) else "nothing"
            yield f"[{line['task']}] taskbox has {found} here"
            return
        mine = ours[at]
        if status(line) != status(mine):
            yield f"[{line['task']}] status {status(mine)} instead of {status(line)}: {json.dumps(mine['result'].get('msg'))} instead of {json.dumps(line['result'].get('msg'))}"
            continue
        if line["result"].get("results") is not None and not line["item"] and isinstance(line["result"]["results"], list) and len(line["result"]["results"]) and isinstance(line["result"]["results"][0], dict) and "ansible_loop_var" in line["result"]["results"][0]:
            continue  # The items were compared.
        yield from fields(f"[{line['task']}]", plain(line["result"], ignored), plain(mine["result"], ignored))
    if len(ours) > len(real):
        yield f"taskbox goes on with [{ours[len(real)]['task']}]"


def fields(place, real, ours):
    """Where two values differ, each by its path."""
    if isinstance(real, dict) and isinstance(ours, dict):
        for key in sorted(real.keys() | ours.keys()):
            if key not in ours:
                yield f"{place} {key} is missing: {json.dumps(real[key])}"
            elif key not in real:
                yield f"{place} {key} is too much: {json.dumps(ours[key])}"
            else:
                yield from fields(f"{place} {key}", real[key], ours[key])
    elif isinstance(real, list) and isinstance(ours, list) and len(real) == len(ours):
        if all(isinstance(item, dict) and "path" in item for item in real + ours):
            real, ours = (sorted(items, key=lambda item: item["path"]) for items in (real, ours))
        for at, (one, other) in enumerate(zip(real, ours)):
            yield from fields(f"{place}[{at}]", one, other)
    elif real != ours or type(real) is not type(ours):
        yield f"{place} is {json.dumps(ours)} instead of {json.dumps(real)}"


def digest(case):
    return hashlib.sha256(case.read_bytes()).hexdigest()[:16]


def answer(case):
    """What ansible-core said of this case as it is now, if that is known."""
    path = HERE / "answers" / f"{case.stem}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    return known if known.get("case") == digest(case) else None


def keep(case, results, files):
    """Writes down what ansible-core said, without what nobody compares."""
    kept = [line | {"result": plain(line["result"], PYTHONS | {"invocation"})} for line in results]
    path = HERE / "answers" / f"{case.stem}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"case": digest(case), "results": kept, "files": files}, indent=1, sort_keys=True) + "\n")


def compare(args, case):
    wanted = header(case)
    ignored = IGNORED | PYTHONS | wanted["ignore"] | (set() if args.invocation else {"invocation"})
    known = answer(case) if not args.live else None
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        outs = [pathlib.Path(folder) / name for name in ("real", "ours")]
        for out in outs:
            out.mkdir()
        runs = [pool.submit(run, args, case, wanted, at == 0, outs[at]) for at in (0, 1) if not (known and at == 0)]
        done = [future.result() for future in runs]
    ours, our_files, our_text = done[-1]
    real, real_files, real_text = (known["results"], known["files"], "") if known else done[0]
    if args.record and not known and real:
        keep(case, real, real_files)
    if args.out:
        args.out.mkdir(exist_ok=True)
        (args.out / f"{case.stem}.ours.txt").write_text(our_text)
        (args.out / f"{case.stem}.ours.json").write_text(json.dumps(ours, indent=1))
        if real_text:
            (args.out / f"{case.stem}.real.txt").write_text(real_text)
    found = list(differences(real, ours, ignored))
    if not real:
        found.append(f"ansible-core said nothing: {real_text[-2000:]}")
    for line in sorted(set(real_files) ^ set(our_files), key=lambda line: line.split(" ")[3:]):
        found.append(f"files: {'ansible-core' if line in real_files else 'taskbox'} leaves {line}")
    return len(real), found


def main():
    args = arguments()
    cases = [HERE / "cases" / f"{name}.yml" for name in args.cases] or sorted((HERE / "cases").glob("*.yml"))
    failed = 0
    for case in cases:
        count, found = compare(args, case)
        print(f"{'ok   ' if not found else 'FAIL '} {case.stem}: {count} results, {len(found)} differences", flush=True)
        for line in found:
            print("     ", line)
        failed += bool(found)
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
