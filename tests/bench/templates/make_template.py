#!/usr/bin/env python3
"""Writes the bench's inputs into a folder: haproxy.cfg.j2 (200 lines with loops and filters), vars.json, and lazy.json (1,000 variables,
each a template of another, ten deep) with lazy.j2, which uses all of them."""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

head = """\
# {{ ansible_managed }}
global
    log /dev/log local0
    maxconn {{ lb.maxconn | default(4096) }}
    user {{ lb.user }}
    group {{ lb.group | default(lb.user, true) }}
    daemon
{% for option in lb.tuning | dictsort %}
    {{ option[0] }} {{ option[1] }}
{% endfor %}

defaults
    mode {{ lb.mode }}
    timeout connect {{ lb.timeout.connect }}s
    timeout client {{ lb.timeout.client }}s
    timeout server {{ lb.timeout.server }}s
{% if lb.stats.enabled | bool %}

listen stats
    bind *:{{ lb.stats.port }}
    stats uri {{ lb.stats.uri | default('/stats') }}
    stats auth {{ lb.stats.user }}:{{ lb.stats.password | b64encode }}
{% endif %}
"""
section = """\

{% set service = services[@@] %}
frontend {{ service.name }}_in
    bind {{ service.address | default('0.0.0.0') }}:{{ service.port }}{% if service.tls %} ssl crt /etc/ssl/{{ service.name }}.pem{% endif %}

    default_backend {{ service.name }}
backend {{ service.name }}
    balance {{ service.balance | default('roundrobin') | lower }}
{% for server in service.servers | sort(attribute='name') %}
    server {{ server.name }} {{ server.ip }}:{{ server.port }} check{% if not loop.first %} backup{% endif %} weight {{ server.weight * 10 }}
{% endfor %}
{% if service.headers is defined and service.headers | length > 0 %}
    http-request set-header {{ service.headers | items | map('join', ' ') | join(' ') }}
{% endif %}
    # {{ service.servers | map(attribute='ip') | join(', ') | upper }}
"""
text = head
at = 0
while len((text + section).splitlines()) <= 200:
    text += section.replace("@@", str(at))
    at += 1
text += "# end\n" * (200 - len(text.splitlines()))
services = [
    {
        "name": f"svc{n}",
        "port": 8000 + n,
        "tls": n % 2 == 0,
        "balance": "LeastConn",
        "headers": {"X-Name": f"svc{n}"},
        "servers": [{"name": f"s{m}", "ip": f"10.0.{n}.{m}", "port": 9000, "weight": m + 1} for m in range(4)],
    }
    for n in range(at)
]
lb = {
    "maxconn": 2000, "user": "haproxy", "group": "", "mode": "tcp", "timeout": {"connect": 5, "client": 50, "server": 50},
    "stats": {"enabled": "yes", "port": 9999, "user": "admin", "password": "secret"},
    "tuning": {f"tune.option{n}": n for n in range(8)},
}
(folder / "haproxy.cfg.j2").write_text(text)
(folder / "vars.json").write_text(json.dumps({"lb": lb, "services": services, "ansible_managed": "Ansible managed"}))
lazy = {f"v{n}": "{{ 1 }}" if n == 0 else "{{ v%d + 1 }}" % (n // 2) for n in range(1000)}
(folder / "lazy.json").write_text(json.dumps(lazy))
(folder / "lazy.j2").write_text("{{ [" + ", ".join(lazy) + "] | sum }}")
print(f"{len(text.splitlines())} lines, {at} services, {len(lazy)} lazy variables")
