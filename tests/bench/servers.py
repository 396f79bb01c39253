"""Real sshd on the loopback address, each with a port, a home and a folder of its own, and a proxy that makes the line longer."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of processor time of a process and of all descendants that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def free_ports(count):
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Servers:
    """`count` servers; `names` hosts of the inventory spread over them (one each if not given). Ends them on leaving."""

    def __init__(self, count, names=None):
        # A short path: ssh's control sockets lie below it.
        self.folder = Path(tempfile.mkdtemp(prefix="tbench-", dir=os.environ.get("BENCH_FOLDER", "/tmp")))
        self.ports = free_ports(count)
        self.count = names or count
        self.hosts = [f"h{number}" for number in range(1, self.count + 1)] if count else []
        self.processes = []
        self.ssh_config = self.folder / "ssh_config"
        self.inventory = self.folder / "hosts.ini"
        self.pyinfra_inventory = self.folder / "inventory.py"

    def __enter__(self):
        for name in ("host", "user"):
            subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name])
        os.makedirs("/run/sshd", exist_ok=True)
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        for number, port in enumerate(self.ports, 1):
            home = self.folder / f"home{number}"
            home.mkdir()
            config = self.folder / f"sshd{number}"
            config.write_text(
                f"Port {port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/user.pub\n"
                "StrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\nMaxStartups 1000\nMaxSessions 100\nLogLevel ERROR\n"
                f"SetEnv HOME={home}\n"
            )
            log = open(self.folder / f"log{number}", "wb")
            self.processes.append(subprocess.Popen([sshd, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stderr=log))
        for port in self.ports:
            self.wait_for(port)
        self.describe(self.ports)
        return self

    def __exit__(self, *_):
        self.end_masters()
        for process in self.processes:
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for(self, port):
        for _ in range(200):
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                time.sleep(0.05)
        sys.exit(f"sshd does not listen on {port}: {[log.read_text() for log in self.folder.glob('log*')]}")

    def describe(self, ports):
        """Writes the inventories and ssh's configuration for hosts behind these ports."""
        key = (self.folder / "host.pub").read_text()
        known = self.folder / "known_hosts"
        known.write_text("".join(f"[127.0.0.1]:{port} {key}" for port in ports))
        places = [(host, ports[at % len(ports)]) for at, host in enumerate(self.hosts)]
        self.ssh_config.write_text(
            "".join(f"Host {host}\n  Port {port}\n" for host, port in places)
            + f"Host *\n  HostName 127.0.0.1\n  IdentityFile {self.folder}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
        )
        self.inventory.write_text(
            "[all]\n"
            + "".join(f"{host} ansible_port={port} work={self.work(host)}\n" for host, port in places)
            + "[all:vars]\nansible_host=127.0.0.1\nansible_python_interpreter=/usr/bin/python3\n"
            + f"ansible_ssh_private_key_file={self.folder}/user\n"
            + f"ansible_ssh_common_args='-o UserKnownHostsFile={known} -o IdentitiesOnly=yes'\n"
        )
        data = [
            (host, {"ssh_hostname": "127.0.0.1", "ssh_port": port, "ssh_key": f"{self.folder}/user", "ssh_known_hosts_file": str(known), "work": self.work(host)})
            for host, port in places
        ]
        self.pyinfra_inventory.write_text(f"hosts = {data!r}\n")

    def work(self, host):
        """The folder in which a host works."""
        return f"{self.folder}/work/{host}"

    def clean(self, agents=False):
        """Makes the hosts fresh again; with `agents` those that were left in the homes go too."""
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        (self.folder / "work").mkdir()
        if agents:
            for home in self.folder.glob("home*"):
                shutil.rmtree(home / ".cache", ignore_errors=True)

    def cpu(self):
        """Seconds of processor time of all servers and of what ran under them and has ended."""
        return sum(cpu_of(process.pid) for process in self.processes)

    def end_masters(self):
        """Ends ssh's kept connections, so that the next run begins without them; gives the processor time they took."""
        spent = 0.0
        marker = f"{self.folder}/cp"
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if marker in (entry / "cmdline").read_text():
                    spent += cpu_of(entry.name)
                    os.kill(int(entry.name), signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return spent

    def settle(self):
        """Waits until all sessions have ended: only then the servers know what they took."""
        busy = lambda process: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()
        for _ in range(100):
            if not any(busy(process) for process in self.processes):
                return
            time.sleep(0.05)


class DelayProxy:
    """Puts a proxy before every server that keeps bytes back for a time in each direction."""

    def __init__(self, servers, delay):
        self.process = None
        ports = free_ports(len(servers.ports))
        pairs = [f"{front}:{back}" for front, back in zip(ports, servers.ports)]
        program = Path(__file__).resolve().parent / "delay_proxy.py"
        with open(servers.folder / "turns", "w") as lines:
            self.process = subprocess.Popen([sys.executable, program, str(delay), *pairs], stdout=lines)
        self.lines = open(servers.folder / "turns")
        for port in ports:
            servers.wait_for(port)
        servers.describe(ports)

    def turns(self):
        """Round trips of each connection that has ended since the last call."""
        time.sleep(0.2)
        return [int(line) for line in self.lines.read().split()]

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.lines.close()
