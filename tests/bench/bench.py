#!/usr/bin/env python3
"""Benches of taskbox beside ansible-core, mitogen, pyinfra and plain ssh, all in one run on this machine.

Usage: bench.py [BENCH ...] [--hosts 10] [--runs 3]     benches: play delay file many startup; `play delay file` when none is given

Hosts are real sshd, one a host, on the loopback address. Environment:
    TASKBOX           the binary; default target/x86_64-unknown-linux-gnu/release/taskbox of this checkout
    ANSIBLE_PLAYBOOK  ansible-core's ansible-playbook
    MITOGEN           an ansible-playbook in whose environment mitogen is installed
    PYINFRA           pyinfra
    KUBESPRAY         a checkout of kubernetes-sigs/kubespray, for `startup`
    BENCH_FOLDER      where the hosts' folders are made; default /tmp. On a file system in memory the disk is left out of `file`
Those that are not given are left out. `wall` is a median of the runs; `cpu` is user and system time of controller and servers together.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import DelayProxy, Servers

HERE = Path(__file__).resolve().parent
PLAY = HERE / "play"
ROOT = HERE.parent.parent


class Took:
    """What one run took: seconds of wall time, seconds of processor time, peak memory of the controller in MB."""

    def __init__(self, wall, cpu, memory):
        self.wall, self.cpu, self.memory = wall, cpu, memory

    @staticmethod
    def median(runs):
        return Took(*(statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory")))


def measure(command, servers, env=None, cwd=None, settle=lambda: None):
    """Runs a command; a run that fails ends the bench with its output."""
    before, start = servers.cpu(), time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env={**os.environ, **(env or {})}, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said.read().decode(errors='replace')[-3000:]}")
    kept = settle() or 0
    servers.settle()
    return Took(wall, servers.cpu() - before + usage.ru_utime + usage.ru_stime + kept, usage.ru_maxrss / 1024)


class Tools:
    """The engines to compare, each as a function from (servers, inventory, playbook, forks) to a run."""

    def __init__(self):
        self.taskbox = os.environ.get("TASKBOX") or ROOT / "target/x86_64-unknown-linux-gnu/release/taskbox"
        self.given = {"taskbox": self.run_taskbox}
        for name, variable, run in (
            ("ansible-core", "ANSIBLE_PLAYBOOK", self.run_ansible),
            ("mitogen", "MITOGEN", self.run_mitogen),
            ("pyinfra", "PYINFRA", self.run_pyinfra),
        ):
            if os.environ.get(variable):
                self.given[name] = run
            else:
                print(f"note: {variable} is not set, {name} is left out")

    def run_taskbox(self, servers, playbook, extra=()):
        return measure([self.taskbox, "playbook", "-i", servers.inventory, "-f", str(servers.count), playbook, *extra], servers)

    def run_ansible(self, servers, playbook, extra=(), program=None, env=None):
        env = {
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(servers.folder / "cp"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_HOME": str(servers.folder / "ansible"),
            **(env or {}),
        }
        command = [program or os.environ["ANSIBLE_PLAYBOOK"], "-i", servers.inventory, "-f", str(servers.count), playbook, *extra]
        return measure(command, servers, env, settle=servers.end_masters)

    def run_mitogen(self, servers, playbook, extra=()):
        program = os.environ["MITOGEN"]
        python = Path(program).parent / "python"
        where = "import ansible_mitogen, os; print(os.path.dirname(ansible_mitogen.__file__))"
        plugins = subprocess.check_output([python, "-c", where], text=True).strip()
        env = {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": f"{plugins}/plugins/strategy"}
        return self.run_ansible(servers, playbook, extra, program, env)

    def run_pyinfra(self, servers, playbook, extra=()):
        if Path(playbook).name != "play.yml":
            return None
        return measure([os.environ["PYINFRA"], "-y", servers.pyinfra_inventory, "deploy.py"], servers, cwd=PLAY)


def floor(servers):
    """One `ssh` a host, all at once, each with the 30 steps as one script."""
    line = " & ".join(f"ssh -F {servers.ssh_config} {host} sh -s {servers.work(host)} <{PLAY}/steps.sh" for host in servers.hosts)
    return measure(["bash", "-c", f"{line} & wait"], servers)


def table(title, rows, against="taskbox"):
    """Prints runs side by side; the last columns say how many times ours each took."""
    print(f"\n{title}   [load {os.getloadavg()[0]:.1f}]")
    ours = rows[against]
    for name, took in rows.items():
        ratio = f"{took.wall / ours.wall:8.1f}x {took.cpu / max(ours.cpu, 0.01):8.1f}x"
        print(f"  {name:16} wall {took.wall:8.2f} s   cpu {took.cpu:8.2f} s   {took.memory:7.1f} MB   of ours: {ratio}", flush=True)


def bench_play(tools, args, delay=None):
    """30 small tasks, first on fresh hosts and again."""
    where = f"{args.hosts} hosts" + (f", {delay * 1000:.0f} ms each way" if delay else "")
    with Servers(args.hosts) as servers:
        proxy = DelayProxy(servers, delay) if delay else None
        first, again = {}, {}
        for name, run in {**tools.given, "plain ssh": lambda servers, _: floor(servers)}.items():
            fresh, later = [], []
            # Slow ones are measured less often; ours and the floor differ by little.
            for _ in range(args.runs if name in ("taskbox", "plain ssh") else 1):
                servers.clean(agents=name == "taskbox" and not fresh)
                fresh.append(run(servers, PLAY / "play.yml"))
                if proxy:
                    proxy.turns()
                later.append(run(servers, PLAY / "play.yml"))
                if proxy and name == "taskbox":
                    turns = proxy.turns()
            first[name], again[name] = Took.median(fresh), Took.median(later)
        table(f"30 tasks on {where}, first run", first)
        table(f"30 tasks on {where}, again", again)
        if proxy:
            trips = again["taskbox"].wall / (2 * delay)
            print(f"  taskbox: {max(turns)} round trips a host, {trips:.1f} in wall time, aim (tasks + 8) = 38")
            proxy.end()


def bench_delay(tools, args):
    """The same over a line with 20 ms in each direction."""
    bench_play(tools, args, delay=0.020)


def bench_file(tools, args):
    """A large file to 3 hosts, and again."""
    with Servers(3) as servers:
        large = servers.folder / "large"
        with open(large, "wb") as file:
            for _ in range(args.mebibytes):
                file.write(os.urandom(1024 * 1024))
        extra = ("-e", f"large={large}")
        line = " & ".join(f"ssh -F {servers.ssh_config} {host} 'cat > {servers.work(host)}-large' <{large}" for host in servers.hosts)
        rows, again = {}, {}
        for name in [name for name in tools.given if name in ("taskbox", "ansible-core")]:
            servers.clean()
            rows[name] = tools.given[name](servers, PLAY / "large.yml", extra)
            again[name] = tools.given[name](servers, PLAY / "large.yml", extra)
        servers.clean()
        rows["ssh cat >"] = measure(["bash", "-c", f"{line} & wait"], servers)
        table(f"{args.mebibytes} MiB to 3 hosts", rows)
        table(f"{args.mebibytes} MiB to 3 hosts, again", again)
        print(f"  taskbox: {rows['ssh cat >'].wall / rows['taskbox'].wall * 100:.0f} % of the speed of `ssh host 'cat > file'`, aim 90 %")


def bench_many(tools, args):
    """Five tasks on many inventory hosts, over ten servers."""
    with Servers(10, names=args.many) as servers:
        rows = {"taskbox": tools.run_taskbox(servers, PLAY / "five.yml")}
        if "ansible-core" in tools.given and args.many <= 200:
            rows["ansible-core"] = tools.run_ansible(servers, PLAY / "five.yml")
        table(f"5 tasks on {args.many} hosts", rows)
        print(f"  taskbox: {rows['taskbox'].memory / args.many:.2f} MB of controller memory a host, aim 1")


def bench_startup(tools, args):
    """From the start to the list of kubespray's tasks."""
    tree = os.environ.get("KUBESPRAY")
    if not tree:
        return print("note: KUBESPRAY is not set, `startup` is left out")
    inventory = Path(tree) / "inventory/local/hosts.ini"
    rows = {}
    with Servers(0) as none:
        for name, program in (("taskbox", [tools.taskbox, "playbook"]), ("ansible-core", [os.environ.get("ANSIBLE_PLAYBOOK")])):
            if program[-1]:
                command = [*program, "-i", inventory, "cluster.yml", "--list-tasks"]
                env = {"ANSIBLE_ROLES_PATH": f"{tree}/roles", "ANSIBLE_LIBRARY": f"{tree}/library"}
                rows[name] = Took.median([measure(command, none, env, cwd=tree) for _ in range(args.runs)])
    table("start-up on kubespray's cluster.yml (--list-tasks)", rows)


BENCHES = {"play": bench_play, "delay": bench_delay, "file": bench_file, "many": bench_many, "startup": bench_startup}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benches", nargs="*", metavar="BENCH", choices=[[], *BENCHES])
    parser.add_argument("--hosts", type=int, default=10, help="hosts of `play` and `delay` (10)")
    parser.add_argument("--runs", type=int, default=3, help="how often ours and the floor run (3)")
    parser.add_argument("--many", type=int, default=1000, help="hosts of `many` (1000)")
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of `file` (1024)")
    args = parser.parse_args()
    if not shutil.which("ssh"):
        sys.exit("error: ssh is not here\nhelp: install Debian's openssh-client and openssh-server")
    tools = Tools()
    for name in args.benches or ["play", "delay", "file"]:
        BENCHES[name](tools, args)


if __name__ == "__main__":
    main()
