#!/usr/bin/env python3
"""The same work with jinja2 under ansible-core, in one process: prints seconds per render, seconds per lazy set, and what came out.

Run with the Python of a venv that has ansible-core: PYTHON with_ansible.py FOLDER RENDERS SETS"""
import hashlib
import json
import pathlib
import sys
import time

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

init_plugin_loader()
folder, renders, sets = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
text = trust_as_template((folder / "haproxy.cfg.j2").read_text())
variables = json.loads((folder / "vars.json").read_text())
lazy = {name: trust_as_template(value) for name, value in json.loads((folder / "lazy.json").read_text()).items()}
total = trust_as_template((folder / "lazy.j2").read_text())


def timed(work, times):
    if times > 1:
        work()  # compiled templates are kept by both engines; one set of lazy variables alone takes seconds
    start = time.process_time()
    for _ in range(times):
        result = work()
    return (time.process_time() - start) / times, result


def render():
    return Templar(loader=DataLoader(), variables=variables).template(text)


def resolve():
    return Templar(loader=DataLoader(), variables=lazy).template(total)


seconds, out = timed(render, renders)
print(json.dumps({"render": seconds, "sha256": hashlib.sha256(out.encode()).hexdigest()}))
seconds, out = timed(resolve, sets)
print(json.dumps({"lazy": seconds, "result": out}))
