#!/usr/bin/env python3
"""Records what ansible-core answers to the template cases beside this file.

Needs (the answers here were made with these): ansible-core 2.19.14 and the collections of the package ansible 12.3.0 (ansible.utils 6.0.0,
ansible.netcommon 8.2.0, ansible.posix 2.1.0, community.crypto 3.0.5, community.general 11.4.2), with what their filters import:
    pip install ansible==12.3.0 ansible-core==2.19.14 jmespath==1.1.0 netaddr==1.3.0 passlib==1.7.4 jsonpatch==1.48 fqdn==1.6.0
Run:   python3 make_cases.py [name ...]     writes answers/<name>.json from cases/<name>.txt

A case file has one template a line, and directives:
  @vars JSON         the variables of what follows; strings in it are templates, {"!unsafe": "..."} is plain text
  @kind template | condition | expression
  @each JSON-list    each following line is run once per entry, which replaces @@
  <<< ... >>>        a template of several lines (without the last line break)
  <<+ ... >>>        the same with the last line break
  ## ...             a comment
"""
import datetime
import json
import os
import pathlib
import sys

os.environ.setdefault("ANSIBLE_DEPRECATION_WARNINGS", "False")
os.environ["TZ"] = "UTC"
os.environ["PYTHONHASHSEED"] = "0"

from ansible.parsing.dataloader import DataLoader
from ansible.release import __version__
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display
from ansible.plugins.loader import init_plugin_loader

HERE = pathlib.Path(__file__).resolve().parent
os.chdir(HERE / "files")
Display.display = lambda *args, **kwargs: None


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        if set(value) == {"!unsafe"}:
            return value["!unsafe"]
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return value


def expand(path):
    kind, vars_, each = "template", {}, None
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if line.startswith("## ") or not line:
            continue
        word, _, rest = line.partition(" ")
        if word == "@vars":
            vars_ = json.loads(rest)
        elif word == "@kind":
            kind = rest.strip()
        elif word == "@each":
            each = json.loads(rest) or None
        else:
            if line in ("<<<", "<<+"):
                body = []
                for inner in lines:
                    if inner == ">>>":
                        break
                    body.append(inner)
                text = "\n".join(body) + ("\n" if line == "<<+" else "")
            else:
                text = line
            for item in each or [None]:
                yield kind, text if item is None else text.replace("@@", item), vars_


def plain(value):
    """Python's own types, so that repr() shows no wrapper."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return datetime.datetime(*value.timetuple()[:6], value.microsecond, value.tzinfo)
    if isinstance(value, datetime.date):
        return datetime.date(value.year, value.month, value.day)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


def answer(kind, text, vars_):
    templar = Templar(loader=DataLoader(), variables=trusted(vars_))
    text = trust_as_template(text)
    try:
        if kind == "condition":
            result = templar.evaluate_conditional(text)
        elif kind == "expression":
            result = templar.evaluate_expression(text)
        else:
            result = templar.template(text)
        return {"result": repr(plain(result))}
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return {"error": f"{type(error).__name__}: {error}".replace(str(HERE), "HERE")}


def main():
    init_plugin_loader()
    wanted = sys.argv[1:]
    total = 0
    for path in sorted((HERE / "cases").glob("*.txt")):
        if wanted and path.stem not in wanted:
            continue
        sets, cases = [], []
        for kind, text, vars_ in expand(path):
            if vars_ not in sets:
                sets.append(vars_)
            cases.append({"kind": kind, "template": text, "vars": sets.index(vars_), **answer(kind, text, vars_)})
        out = HERE / "answers" / (path.stem + ".json")
        head = json.dumps({"ansible_core": __version__, "vars": sets}, ensure_ascii=False)[:-1]
        body = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        out.write_text(f'{head}, "cases": [\n{body}\n]}}\n')
        total += len(cases)
        print(f"{path.stem}: {len(cases)}")
    print(f"{total} cases")


if __name__ == "__main__":
    main()
