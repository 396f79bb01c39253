"""The same steps as play.yml for pyinfra, as near as its operations come."""

from io import StringIO

from pyinfra import host, inventory  # noqa: F401
from pyinfra.operations import files, server

work = host.data.work
peers = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]

files.directory(path=work, mode="755")
for part in ("conf", "data", "log"):
    files.directory(path=f"{work}/{part}", mode="750")
files.put(src=StringIO("1.2.3\n"), dest=f"{work}/VERSION", mode="644")
files.put(src="files/motd", dest=f"{work}/conf/motd", mode="644")
files.put(src="files/shop.service", dest=f"{work}/conf/shop.service", mode="644")
data = {"service": "shop", "port": 8080, "peers": peers, "inventory_hostname": host.name}
for name, mode in (("shop.conf", "640"), ("env", "600"), ("hosts", "644")):
    files.template(src=f"templates/{name}.j2", dest=f"{work}/conf/{name}", mode=mode, **data)
files.line(path=f"{work}/conf/shop.conf", line="^keepalive.*", replace="keepalive = 30")
for key, value in (("FILES", "65536"), ("PROCESSES", "4096"), ("MEMORY", "512M")):
    files.line(path=f"{work}/conf/env", line=f"^LIMIT_{key}=.*", replace=f"LIMIT_{key}={value}")
files.block(path=f"{work}/conf/hosts", content="192.0.2.1 gateway\n192.0.2.2 mirror")
files.replace(path=f"{work}/conf/motd", text="a guest", replace="an operator")
server.shell(commands=[f"test -e {work}/data/ready || touch {work}/data/ready"])
for command in ("uname -r", "id -u", f"find {work}/conf -type f | wc -l", f"stat {work}/conf/shop.conf", f"sha256sum {work}/VERSION"):
    server.shell(commands=[command])
files.put(src=StringIO("shop\n"), dest=f"{work}/data/summary", mode="644")
files.link(path=f"{work}/current", target=f"{work}/VERSION")
files.file(path=f"{work}/log/shop.log", mode="640")
files.file(path=f"{work}/conf/shop.conf.old", present=False)
server.shell(commands=[f"base64 {work}/data/summary"])
for part in ("conf", "data", "log"):
    server.shell(commands=[f"test -d {work}/{part}"])
for note in "abc":
    files.put(src=StringIO(f"{note}\n"), dest=f"{work}/data/note-{note}", mode="644")
server.shell(commands=[f"touch {work}/data/reloaded"])
server.shell(commands=[f"touch {work}/data/restarted"])
