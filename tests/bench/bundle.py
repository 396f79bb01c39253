#!/usr/bin/env python3
"""Benches of installing from a bundle, over real sshd on the loopback address.

Usage: bundle.py throughput [--hosts 6] [--size 2048] [--runs 1]     a file of so many MiB to each host, beside `cat FILE | ssh HOST 'cat > FILE'`
       bundle.py fan-out [--hosts 20] [--size 64] [--rate 25]        the same over one uplink of so many MB/s, with and without hosts that give it on

TASKBOX is the binary; by default target/x86_64-unknown-linux-gnu/release/taskbox of this checkout, with its agent. Memory is the highest that the
system saw of the controller, and of any agent.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import measure
from servers import Servers, free_ports

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TASKBOX = os.environ.get("TASKBOX") or str(ROOT / "target/x86_64-unknown-linux-gnu/release/taskbox")

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Send a large file of the bundle
      ansible.builtin.copy:
        src: "{{ bundle_dir }}/files/large"
        dest: "{{ work }}/large"
        mode: "0644"
"""


class Home:
    """An installation with one play, a conf folder for the servers, and a bundle with one large file."""

    def __init__(self, size):
        self.folder = Path(tempfile.mkdtemp(prefix="tbundle-", dir="/tmp"))
        (self.folder / "playbooks").mkdir()
        (self.folder / "roles").mkdir()
        (self.folder / "conf").mkdir()
        (self.folder / "playbooks/install.yml").write_text(PLAYBOOK)
        (self.folder / "conf/vars.yml").write_text("kube_version: v1.36.2\n")
        (self.folder / "from/files").mkdir(parents=True)
        self.large = self.folder / "from/files/large"
        with open(self.large, "wb") as out:
            for _ in range(size):
                out.write(os.urandom(1 << 20))
        self.bundle = self.folder / "large.bundle"
        subprocess.check_call([TASKBOX, "bundle", "build", "--from", self.folder / "from", "-o", self.bundle], stdout=subprocess.DEVNULL)

    def describe(self, servers):
        # The conf is checked as any other: each host has an address of its own, which the play does not use.
        text = re.sub(r"^h(\d+) ", r"h\1 ip=198.51.100.\1 ", servers.inventory.read_text(), flags=re.MULTILINE)
        names = "\n".join(servers.hosts)
        first = servers.hosts[0]
        text += f"\n[kube-master]\n{first}\n[etcd]\n{first}\n[kube-node]\n{names}\n[k8s-cluster:children]\nkube-master\nkube-node\n"
        (self.folder / "conf/hosts.ini").write_text(text)

    def install(self, *extra):
        return [TASKBOX, "install", "--home", self.folder, "--conf", self.folder / "conf", "--yes", "--bundle", self.bundle, *extra]

    def end(self):
        subprocess.call(["rm", "-rf", self.folder])


class AgentMemory:
    """The most memory that any agent below a folder had, in MB, looked at while something runs."""

    def __init__(self, servers):
        self.marker, self.most, self.ends = str(servers.folder).encode(), 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def watch(self):
        while not self.ends.wait(0.1):
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    command = (entry / "cmdline").read_bytes()
                    if self.marker in command and b"serve" in command:
                        peak = re.search(r"VmHWM:\s+(\d+) kB", (entry / "status").read_text())
                        self.most = max(self.most, int(peak[1]) / 1024 if peak else 0)
                except OSError:
                    continue


def cat(home, servers):
    """Seconds that `cat` over ssh takes to all hosts at once."""
    for host in servers.hosts:
        os.makedirs(servers.work(host), exist_ok=True)
    start = time.monotonic()
    running = [
        subprocess.Popen(f"cat {home.large} | ssh -F {servers.ssh_config} {host} 'cat > {servers.work(host)}/large'", shell=True)
        for host in servers.hosts
    ]
    if any(process.wait() for process in running):
        sys.exit("cat over ssh failed")
    return time.monotonic() - start


def prepare(servers):
    servers.clean()
    for host in servers.hosts:
        os.makedirs(servers.work(host), exist_ok=True)


def check(home, servers):
    for host in servers.hosts:
        subprocess.check_call(["cmp", "-s", home.large, f"{servers.work(host)}/large"])


def throughput(args):
    home = Home(args.size)
    total = args.hosts * args.size / 1024
    with Servers(args.hosts) as servers:
        home.describe(servers)
        for number in range(args.runs):
            servers.clean()
            plain = cat(home, servers)
            prepare(servers)
            with AgentMemory(servers) as agents:
                one = measure(home.install("-e", "bundle_fan_out=false"), servers)
            check(home, servers)
            prepare(servers)
            with AgentMemory(servers) as agents_two:
                shared = measure(home.install(), servers)
            check(home, servers)
            print(f"run {number + 1}: {args.size} MiB to {args.hosts} hosts, {total:.1f} GiB in all")
            print(f"  cat | ssh              {plain:6.1f} s")
            for name, took, memory in (("from here", one, agents), ("host to host", shared, agents_two)):
                print(f"  taskbox, {name:<13} {took.wall:6.1f} s   {100 * plain / took.wall:.0f} % of cat   controller {took.memory:.0f} MB, agent {memory.most:.0f} MB")
    home.end()


def fan_out(args):
    home = Home(args.size)
    with Servers(args.hosts) as servers:
        ports, counter = free_ports(args.hosts), home.folder / "sent"
        pairs = [f"{front}:{back}" for front, back in zip(ports, servers.ports)]
        proxy = subprocess.Popen([sys.executable, HERE / "uplink_proxy.py", str(args.rate), counter, *pairs])
        try:
            for port in ports:
                servers.wait_for(port)
            servers.describe(ports)
            home.describe(servers)
            # The agents are there already, as after preflight.
            subprocess.check_call([TASKBOX, "playbook", "-i", servers.inventory, "-f", str(args.hosts), HERE / "play/ping.yml"], stdout=subprocess.DEVNULL)
            print(f"{args.size} MiB to {args.hosts} hosts over an uplink of {args.rate:g} MB/s")
            for name, extra in (("each from here", ["-e", "bundle_fan_out=false"]), ("host to host", [])):
                prepare(servers)
                before = int(counter.read_text())
                took = measure(home.install("--forks", str(args.hosts), *extra), servers)
                check(home, servers)
                sent = (int(counter.read_text()) - before) / (1 << 20)
                print(f"  {name:<15} {took.wall:6.1f} s   {sent:6.0f} MiB over the uplink, {sent / args.size:4.1f} times the file")
        finally:
            proxy.send_signal(signal.SIGTERM)
            proxy.wait()
    home.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", choices=["throughput", "fan-out"])
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--size", type=int, help="MiB")
    parser.add_argument("--rate", type=float, default=25, help="MB/s of the uplink")
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    args.hosts = args.hosts or (6 if args.bench == "throughput" else 20)
    args.size = args.size or (2048 if args.bench == "throughput" else 64)
    throughput(args) if args.bench == "throughput" else fan_out(args)


if __name__ == "__main__":
    main()
