#!/usr/bin/env python3
"""Records what PyYAML, Python's json and ast, and ansible-core answer, for the Rust tests to compare with.

Run with a Python that has ansible-core and PyYAML with libyaml: record.py CASES_FOLDER. Reads inputs/*.txt (cases separated by lines of
four percent signs), writes answers/*.json with the versions used.
"""
import ast
import json
import os
import platform
import sys

import ansible
import yaml
from ansible.parsing.splitter import parse_kv, split_args
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.parsing.yaml.dumper import AnsibleDumper

assert yaml.__with_libyaml__, "the C loader is the reference"


def cases(folder, name):
    with open(os.path.join(folder, "inputs", name + ".txt"), encoding="utf-8", newline="") as file:
        return [case for case in file.read().split("%%%%\n")]


def answer(function, text):
    try:
        return {"input": text, "repr": repr(function(text))}
    except Exception as error:  # what it refuses is an answer too
        return {"input": text, "error": f"{type(error).__name__}: {error}"}


def load(text):
    return yaml.load(text, Loader=yaml.CSafeLoader)


STYLES = {
    "to_yaml": dict(default_flow_style=None),
    "to_nice_yaml": dict(default_flow_style=False, indent=4),
    "flow": dict(default_flow_style=True),
    "wide": dict(default_flow_style=False, indent=2, width=1337, sort_keys=False),
    "narrow": dict(default_flow_style=False, indent=6, width=20),
    "ascii": dict(default_flow_style=None, allow_unicode=False, explicit_start=True, explicit_end=True),
    "quoted": dict(default_flow_style=None, default_style='"'),
}


def dumps(text):
    value = load(text)
    return {
        name: yaml.dump(value, Dumper=AnsibleDumper, **{"allow_unicode": True, **style}) for name, style in STYLES.items()
    }


def record_dumps(text):
    try:
        return {"input": text, "dumps": dumps(text)}
    except Exception:
        return None


JSON_STYLES = {
    "default": {},
    "nice": dict(indent=4, sort_keys=True, separators=(",", ": ")),
    "compact": dict(separators=(",", ":"), ensure_ascii=False),
}


def record_json(text):
    try:
        value = json.loads(text)
    except ValueError as error:
        return {"input": text, "error": str(error)}
    return {"input": text, "repr": repr(value), "dumps": {name: json.dumps(value, **style) for name, style in JSON_STYLES.items()}}


def record_split(text):
    try:
        return {
            "input": text,
            "words": [str(word) for word in split_args(text)],
            "options": {str(key): str(value) for key, value in parse_kv(text).items()},
            "raw": {str(key): str(value) for key, value in parse_kv(text, check_raw=True).items()},
        }
    except Exception as error:
        return {"input": text, "error": type(error).__name__}


def literal(text):
    value = ast.literal_eval(text)
    json.dumps(value, default=list)
    return value


def record_vault(text):
    label = "prod" if len(text) % 2 else "default"
    vault = VaultLib([(label, VaultSecret(b"password"))])
    return {"input": text, "label": label, "envelope": vault.encrypt(text, vault_id=label).decode()}


def main(folder):
    versions = {"python": platform.python_version(), "pyyaml": yaml.__version__, "ansible_core": ansible.__version__}
    recorders = {
        "yaml": lambda text: answer(load, text),
        "dump": record_dumps,
        "json": record_json,
        "split": record_split,
        "vault": record_vault,
        "literal": lambda text: answer(literal, text),
    }
    for name, record in recorders.items():
        source = {"dump": "yaml", "vault": "split"}.get(name, name)
        inputs = cases(folder, source)[:12] if name == "vault" else cases(folder, source)
        answers = [found for found in map(record, inputs) if found is not None]
        path = os.path.join(folder, "answers", name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"versions": versions, "answers": answers}, file, indent=1, ensure_ascii=True)
            file.write("\n")


main(sys.argv[1])
