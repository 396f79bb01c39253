#!/usr/bin/env python3
"""Makes random template cases and records what ansible-core answers to them: a hunt for differences beyond the cases of this folder.

    python3 generate_cases.py FOLDER [--seed N] [--count N] [FAMILY ...]      writes FOLDER/<family>.json
    ANSWERS=FOLDER cargo nextest run -p taskbox-template ansible_core_gives     compares

Needs what make_cases.py needs. What is found becomes a case in cases/*.txt, so that it stays found.
"""
import argparse
import json
import pathlib
import random
import resource
import warnings

import make_cases
from ansible.plugins.loader import init_plugin_loader
from ansible.release import __version__

VARS = {
    "i": 7, "z": 0, "neg": -13, "big": 12345678901234567890, "f": 2.5, "tiny": 1e-7, "huge": 1.5e22, "s": "Hello World", "e": "", "num": "42",
    "hex": "0x1F", "uni": "žluťoučký Kůň ß ﬁ", "multi": "one\n  two\n\nthree\n", "tabs": "a\tb\t\tc", "t": True, "no": False, "n": None,
    "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "mixed": [1, "a", None, 2.5, True], "empty": [], "nest": [[1, 2], [3, [4, 5]], []],
    "d": {"b": 2, "a": 1, "C": 3}, "dd": {"x": {"y": [1, {"z": "deep"}]}, "items": 5, "keys": "k"}, "ed": {},
    "users": [{"name": "bob", "age": 30, "tags": ["x", "y"]}, {"name": "Amy", "age": 25, "tags": []}, {"name": "carl", "age": 30, "tags": ["x"]}],
    "lazy": "{{ i + 1 }}", "lazyl": ["{{ i }}", "{{ s }}"], "lazyd": {"p": "{{ l }}", "q": "{{ missing }}"}, "bad": "{{ missing }}",
    "u": {"!unsafe": "{{ i }}"}, "html": "<a href=\"x\">T & C</a>", "path": "/etc/foo/bar.tar.gz", "ver": "1.10.2", "date": "2024-02-29 13:05:09",
    "yes": "yes", "yml": "a: 1\nb: [x, y]\n", "js": "{\"a\": [1, 2.50, null, true]}", "csv": "a,b,,c", "lt": [["k", 1], ["j", 2]],
}
NUMBERS = ["0", "1", "2", "-1", "3", "7", "10", "-5", "255", "1.0", "2.5", "-0.5", "1e3", "1e16", "1e-5", "123456789", "i", "z", "neg", "f", "tiny", "huge",
           "big", "true", "0.1", "1_000", "3.0e0", "100"]
TEXTS = ["''", "'a'", "'abc'", "'Hello World'", "' x '", "'12'", "'-3.5'", "'é'", "'a,b,c'", "\"it's\"", "'a\\nb'", "'%s'", "'{}'", "'yes'", "'0x1f'",
         "s", "e", "num", "hex", "uni", "multi", "tabs", "path", "ver", "csv", "html", "yml", "js", "date", "'aaa'", "'ab' 'cd'", "'\\t'", "'null'", "'1e3'"]
LISTS = ["[]", "[1, 2, 3]", "['a', 'b']", "[1, 'a', none]", "l", "ls", "mixed", "nest", "users", "lazyl", "[[1, 2], [3]]", "(1, 2)", "('a',)", "range(4)",
         "[true, false]", "[1.5, 1, '1']", "[0, '', none, false]", "lt", "[{'a': 1}, {'a': 2}]", "['B', 'a', 'b', 'A']", "d.keys()", "d.items()", "d.values()"]
DICTS = ["{}", "{'a': 1}", "{'x': [1, 2], 'y': {'z': none}}", "d", "dd", "ed", "{1: 'one', 2: 'two'}", "dict(a=1, b=2)", "users[0]", "lazyd", "{true: 1, none: 2}"]
ODD = ["none", "true", "false", "missing", "bad", "omit", "u", "lazy", "undef()", "d.zz", "l[9]", "s.nope", "n.x", "yes"]
ANY = NUMBERS + TEXTS + LISTS + DICTS + ODD
SETS = ["[1, 2, 3]", "l", "range(4)", "[443, 80, 8080]", "range(30)", "[9, 17, 33, 1]", "[true, 0, -1, 2.0]", "nest", "[[1], 2]", "[]", "d.values()", "7", "(5, 8, 13)"]
KEYS = ["'name'", "'age'", "'tags'", "'a'", "'b'", "0", "1", "'name.x'", "'zz'", "''", "none", "'tags.0'"]

FILTERS = {
    "abs": [[]], "batch": [["small"], ["small", "any"]], "capitalize": [[]], "center": [["small"]], "default": [["any"], ["any", "bool"]],
    "dictsort": [[], ["bool"], ["bool", "'value'"], ["false", "'key'", "true"], ["reverse=true"], ["by='value'"]], "escape": [[]], "filesizeformat": [[], ["bool"]],
    "first": [[]], "float": [[], ["any"]], "forceescape": [[]], "format": [["any"], ["any", "any"]], "groupby": [["key"], ["key", "'none'"]],
    "indent": [[], ["small"], ["small", "bool"], ["small", "bool", "bool"], ["'> '"], ["first=true"]], "int": [[], ["any"], ["0", "16"], ["0", "0"], ["-1", "2"], ["base=8"]],
    "items": [[]], "join": [[], ["text"], ["','", "key"], ["','", "attribute=0"]], "last": [[]], "length": [[]], "list": [[]], "lower": [[]],
    "map": [["'upper'"], ["'int'"], ["'string'"], ["attribute='name'"], ["attribute='age'", "default='D'"], ["'extract'", "dict"], ["'length'"], ["'nope'"], ["'default'", "'x'"], ["attribute=0"], ["'regex_replace'", "'a'", "'b'"], ["'join'", "'-'"], []],
    "max": [[], ["true"], ["false", "key"], ["attribute='age'"]], "min": [[], ["true"], ["false", "key"], ["attribute='name'"]], "pprint": [[]], "random": [],
    "reject": [[], ["'odd'"], ["'none'"], ["'match'", "'a'"], ["'in'", "list"], ["'equalto'", "any"], ["'nope'"]],
    "select": [[], ["'even'"], ["'string'"], ["'search'", "'a'"], ["'in'", "list"], ["'gt'", "num"], ["'defined'"], ["'boolean'"], ["'mapping'"]],
    "selectattr": [["'name'"], ["'age'", "'gt'", "26"], ["'tags'", "'contains'", "'x'"], ["'zz'", "'defined'"], ["'zz'"], ["'name'", "'match'", "'b'"], ["'tags.0'", "'equalto'", "'x'"], []],
    "rejectattr": [["'name'"], ["'age'", "'eq'", "30"], ["'zz'", "'undefined'"], ["'tags'"], ["'zz.y'"]],
    "replace": [["text", "text"], ["text", "text", "small"], ["'a'", "any"]], "reverse": [[]], "round": [[], ["small"], ["1", "'floor'"], ["0", "'ceil'"], ["2", "'common'"], ["-1"], ["1", "'bad'"]],
    "safe": [[]], "slice": [["small"], ["small", "any"]], "sort": [[], ["true"], ["false", "true"], ["attribute=key"], ["attribute='age,name'"], ["reverse=true", "attribute='age'"], ["case_sensitive=true"]],
    "string": [[]], "striptags": [[]], "sum": [[], ["attribute='age'"], ["start=10"], ["'age'", "5"], ["start=any"]], "title": [[]], "tojson": [[], ["2"]], "trim": [[], ["text"]],
    "truncate": [["small"], ["small", "bool"], ["small", "bool", "'..'"], ["5", "true", "'', 0".split(", ")[0], "0"], ["length=7", "leeway=0"], []],
    "unique": [[], ["true"], ["false", "key"], ["attribute='age'"]], "upper": [[]], "urlencode": [[]], "urlize": [[], ["10"]], "wordcount": [[]], "wordwrap": [["small"], ["5", "bool"], ["6", "false", "'|'"], []],
    "xmlattr": [[], ["false"]], "attr": [["text"], ["'a'"]],
    # ansible.builtin
    "to_json": [[], ["indent=2"], ["sort_keys=false"], ["ensure_ascii=false"], ["separators=(',', ':')"], ["indent=0"], ["sort_keys=true"]], "to_nice_json": [[], ["2"], ["indent=1"], ["sort_keys=false"], ["ensure_ascii=false"]],
    "to_yaml": [[], ["indent=4"], ["width=10"], ["sort_keys=false"], ["default_flow_style=false"], ["default_flow_style=true"], ["allow_unicode=false"], ["explicit_start=true"], ["default_style='\"'"], ["canonical=true"], ["line_break='\\r\\n'"]],
    "to_nice_yaml": [[], ["2"], ["indent=2"], ["width=8"], ["sort_keys=false"], ["indent=8", "width=1000"], ["default_style=\"'\""], ["explicit_end=true"]],
    "from_json": [[]], "from_yaml": [[]], "from_yaml_all": [[]], "b64encode": [[], ["encoding='utf-16-le'"], ["'latin-1'"]], "b64decode": [[], ["urlsafe=true"]],
    "hash": [[], ["'md5'"], ["'sha256'"], ["'crc'"]], "md5": [[]], "sha1": [[]], "checksum": [[]], "to_uuid": [[], ["namespace='361E6D51-FAEC-444A-9079-341386DA8E2E'"]], "bool": [[]],
    "quote": [[]], "ternary": [["any", "any"], ["any", "any", "any"]], "mandatory": [[], ["'m'"], ["msg='x'"]], "type_debug": [[]], "combine": [["dict"], ["dict", "recursive=true"], ["dict", "dict"], ["dict", "list_merge='append'"], ["{'x': [1, 3]}", "list_merge='append_rp'", "recursive=true"], ["{'x': [9]}", "list_merge='prepend_rp'"], []],
    "dict2items": [[], ["key_name='k'"], ["value_name='v'", "key_name='k'"]], "items2dict": [[], ["key_name='name'", "value_name='age'"], ["'name'", "'age'"]], "flatten": [[], ["1"], ["levels=1"], ["skip_nulls=false"], ["0"]],
    "zip": [["list"], ["list", "list"], []], "zip_longest": [["list"], ["list", "fillvalue='x'"]], "product": [["list"], ["repeat=2"], []], "permutations": [["2"], ["0"]], "combinations": [["2"], ["1"], ["5"], ["0"]],
    "union": [["numbers"]], "intersect": [["list"]], "difference": [["numbers"]], "symmetric_difference": [["numbers"]], "subelements": [["'tags'"], ["'zz'"], ["'zz'", "skip_missing=true"], ["['tags']"]],
    "extract": [["dict"], ["list"], ["dict", "'y'"], ["users", "'name'"], ["users", "['tags', 0]"]], "rekey_on_member": [["'name'"], ["'age'"], ["'age'", "duplicates='overwrite'"], ["'zz'"]],
    "human_readable": [[], ["true"], ["unit='M'"], ["false", "'k'"]], "human_to_bytes": [[], ["'M'"], ["isbits=true"]], "log": [[], ["2"], ["10"], ["0"]], "pow": [["num"], ["2"]], "root": [[], ["3"], ["2"]],
    "regex_replace": [["'a'", "'b'"], ["'(\\w)(\\w)'", "'\\\\2\\\\1'"], ["'^'", "'> '"], ["'[a-z]+'", "'X'", "count=1"], ["'h'", "'J'", "ignorecase=true"], ["'^.'", "'#'", "multiline=true"], ["'(?P<x>.)'", "'<\\\\g<x>>'"], ["'x*'", "'-'"], ["'(a)|b'", "'[\\\\1]'"], ["'nope'", "'x'", "mandatory_count=1"]],
    "regex_search": [["'[a-z]+'"], ["'(\\w)(\\w)'", "'\\\\1'"], ["'(?P<n>\\d)'", "'\\\\g<n>'"], ["'zz'"], ["'H'", "ignorecase=true"], ["'^t'", "multiline=true"], ["'(a)|(b)'", "'\\\\1'", "'\\\\2'"]],
    "regex_findall": [["'[a-z]'"], ["'(\\w)(\\w)'"], ["'^.'", "multiline=true"], ["'O'", "ignorecase=true"], ["''"]], "regex_escape": [[], ["'posix_basic'"], ["re_type='posix_extended'"]], "split": [[], ["','"], ["'l'"], ["none", "1"], ["maxsplit=1"], ["'o', maxsplit=1"]],
    "splitext": [[]], "basename": [[]], "dirname": [[]], "realpath": [], "normpath": [[]], "commonpath": [[]], "path_join": [[]], "win_basename": [[]], "win_dirname": [[]], "win_splitdrive": [[]],
    "urlsplit": [[], ["'scheme'"], ["'path'"], ["'nope'"]], "urldecode": [[]], "strftime": [["0"], ["second=1700000000", "utc=true"]], "to_datetime": [[], ["'%Y'"]], "comment": [[], ["'c'"], ["'xml'"], ["'plain'", "prefix='##'"], ["decoration='; '"], ["'cblock'", "newline='|'"]],
    "min_": [], "symmetric": [], "vault_": [], "fileglob": [], "shuffle": [["seed='x'"], ["seed=5"]], "random_": [], "sort_": [],
}
TESTS = {
    "defined": [], "undefined": [], "none": [], "boolean": [], "true": [], "false": [], "integer": [], "float": [], "number": [], "string": [], "sequence": [], "mapping": [], "iterable": [], "callable": [],
    "even": [], "odd": [], "lower": [], "upper": [], "escaped": [], "truthy": ["", "convert_bool=true"], "falsy": ["", "convert_bool=true"], "divisibleby": ["3", "any"], "sameas": ["any"], "eq": ["any"], "ne": ["any"], "lt": ["any"], "ge": ["any"], "equalto": ["any"],
    "greaterthan": ["any"], "==": ["any"], "in": ["any"], "contains": ["any"], "subset": ["list"], "superset": ["list"], "issubset": ["any"], "all": [], "any": [], "nan": [], "abs": [], "filter": [], "test": [], "match": ["'a'", "'H.*'", "'h', ignorecase=true", "any"],
    "search": ["'l+'", "any", "'^t', multiline=true"], "regex": ["'a'", "'a', match_type='fullmatch'"], "version": ["'1.2'", "'1.10.2', '=='", "'1.9', '>', strict=true", "'1.9', 'ge', version_type='semver'", "'1', version_type='pep440'", "any, 'lt'", "'2', operator='nope'"],
    "failed": [], "succeeded": [], "success": [], "changed": [], "skipped": [], "started": [], "finished": [], "uri": ["", "['http']"], "url": [], "urn": [], "vault_encrypted": [], "timedout": [], "reachable": [], "unreachable": [],
}
METHODS = {
    "text": ["upper()", "lower()", "title()", "capitalize()", "swapcase()", "casefold()", "strip()", "strip(@t)", "lstrip(@t)", "rstrip(@t)", "split()", "split(@t)", "split(@t, @n)", "rsplit(@t, 1)", "rsplit(none, 1)", "splitlines()", "splitlines(true)", "partition(@t)",
             "rpartition(@t)", "find(@t)", "rfind(@t)", "index(@t)", "rindex(@t)", "count(@t)", "count(@t, 1, -1)", "startswith(@t)", "endswith(@t)", "startswith(('a', 'H'))", "startswith(@t, 1)", "replace(@t, @t)", "replace(@t, @t, @n)", "join(@l)", "center(@n)", "center(15, '*')",
             "ljust(@n)", "rjust(12, '.')", "zfill(@n)", "expandtabs()", "expandtabs(@n)", "isalpha()", "isdigit()", "isalnum()", "isspace()", "isupper()", "islower()", "istitle()", "isnumeric()", "isdecimal()", "isidentifier()", "isprintable()", "isascii()", "removeprefix(@t)",
             "removesuffix(@t)", "encode('utf-8').decode()", "format(@a)", "format(@a, @a)", "format(a=@a)", "format_map({'a': 1})", "translate({97: 'x'})", "maketrans('a', 'b')", "__len__()", "split(sep=',', maxsplit=1)", "splitlines(keepends=true)", "find('l', -5)"],
    "list": ["index(@a)", "count(@a)", "append(@a)", "extend(@l)", "insert(@n, @a)", "pop()", "pop(@n)", "remove(@a)", "reverse()", "sort()", "sort(reverse=true)", "copy()", "clear()", "nope()", "__len__()", "index(1, 1)"],
    "dict": ["get(@k)", "get(@k, @a)", "keys()", "values()", "items()", "keys() | list", "items() | list", "copy()", "pop(@k)", "pop(@k, @a)", "update(@d)", "update(a=@a)", "setdefault(@k, @a)", "popitem()", "clear()", "nope()", "__len__()", "has_key(@k)"],
    "num": ["bit_length()", "is_integer()", "real", "imag", "numerator", "denominator", "conjugate()", "as_integer_ratio()", "hex()", "__abs__()", "nope"],
}
SPECS = ["d", "5d", "-5d", "05d", "+d", " d", ",", "_", "x", "X", "#x", "o", "#o", "b", "#b", "c", "e", ".2e", "E", "f", ".0f", ".3f", "10.2f", "g", ".3g", "G", "%", ".1%", "n", "s", "10", "<10", ">10", "^10", "*^10", "10s", ".2", ".2s", "=+8", "0=8", "08.2f", "#.3g", "+.1e", "r", "!r", "<", "^", ",.2f", "_x", "", "z.1f", "010", "é^9", "-", "#010x", "_b"]
PRINTFS = ["%s", "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%x", "%X", "%#x", "%o", "%#o", "%e", "%.2e", "%E", "%f", "%.0f", "%10.3f", "%g", "%.3g", "%G", "%r", "%a", "%c", "%i", "%u", "%%", "%5s|", "%-5s|", "%.2s", "%*d", "%(a)s", "%(b)05.1f", "%(zz)s", "%s %s", "%s %d %s", "%", "%q", "%5%", "%ld", "%hd", "%-+8.3d|", "%.3d", "%#.3x"]

BLOCK_FILTERS = ["upper", "indent(2)", "trim", "replace('a', 'b')", "length", "to_json"]
SMALL = ["0", "2", "3", "-1", "2.5", "true", "none", "'a'", "[1]", "i", "'3'", "missing", "(1, 2)"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def arg(self, kind):
        r = self.random
        return {"any": lambda: self.pick(ANY), "num": lambda: self.pick(NUMBERS), "text": lambda: self.pick(TEXTS), "list": lambda: self.pick(LISTS), "dict": lambda: self.pick(DICTS), "numbers": lambda: self.pick(SETS), "key": lambda: self.pick(KEYS),
                "small": lambda: str(r.choice([0, 1, 2, 3, 4, 5, 7, 10, 20, -1])), "bool": lambda: r.choice(["true", "false"])}.get(kind, lambda: kind)()

    def filter(self):
        while True:
            name = self.pick(list(FILTERS))
            if FILTERS[name]:
                break
        shape = self.pick(FILTERS[name])
        args = []
        for part in shape:
            name_, eq, value = part.partition("=")
            args.append(f"{name_}={self.arg(value)}" if eq and name_.isidentifier() else self.arg(part))
        return name + (f"({', '.join(args)})" if args or self.random.random() < 0.1 else "")

    def test(self):
        name = self.pick(list(TESTS))
        shape = self.pick(TESTS[name] or [""])
        arg = self.pick(ANY) + (", 'lt'" if shape == "any, 'lt'" else "") if shape.startswith("any") else self.arg(shape)
        return ("not " if self.random.random() < 0.1 else "") + name + (f"({arg})" if arg else "")

    def method(self):
        kind = self.pick(list(METHODS))
        value = self.pick({"text": TEXTS, "list": LISTS, "dict": DICTS, "num": NUMBERS}[kind] if self.random.random() < 0.95 else ANY)
        call = self.pick(METHODS[kind])
        while "@" in call:
            at = call.index("@")
            call = call[:at] + self.arg({"t": "text", "n": "small", "l": "list", "a": "any", "k": "key", "d": "dict"}[call[at + 1]]) + call[at + 2:]
        return f"({value}).{call}" if value[0] in "-0123456789" else f"{value}.{call}"

    def operand(self, depth=0):
        r = self.random.random()
        if depth > 2 or r < 0.6:
            return self.pick(ANY)
        return self.expr(depth + 1)

    def expr(self, depth=0):
        kind = self.random.randrange(14)
        a, b = self.operand(depth), self.operand(depth)
        if kind == 0:
            operator = self.pick(["+", "-", "*", "/", "//", "%", "**", "~"])
            return f"{a} {operator} {self.pick(SMALL) if '*' in operator else b}"
        if kind == 1:
            return f"{a} {self.pick(['==', '!=', '<', '>', '<=', '>=', 'in', 'not in'])} {b}"
        if kind == 2:
            return f"{a} {self.pick(['and', 'or'])} {b}"
        if kind == 3:
            return f"not {a}"
        if kind == 4:
            return f"{a} if {b} else {self.operand(depth)}"
        if kind in (5, 6):
            return f"{a} | {self.filter()}"
        if kind == 7:
            return f"({a}) | {self.filter()} | {self.filter()}"
        if kind == 8:
            return f"{a} is {self.test()}"
        if kind == 9:
            return self.method()
        if kind == 10:
            return f"{a}[{self.pick(['0', '-1', '1', '5', ':', '1:', ':2', '::-1', '::2', '-2:', '1:1', ':-1', '5:1:-1'] + KEYS + [b])}]"
        if kind == 11:
            return f"[{a}, {b}]"
        if kind == 12:
            return f"({a} {self.pick(['+', '-', '/', '//', '%', '~'])} {b}) {self.pick(['+', '-', '==', '~', 'in'])} {self.operand(depth)}"
        return f"{self.pick(['-', '+', '- -', 'not not '])}{a}"

    def body(self, depth=0):
        """A piece of a template: text, output or a statement."""
        r = self.random
        kind = r.randrange(16)
        e = self.operand(1)
        dash = lambda: r.choice(["", "", "", "-", "+"])
        open_, close = "{%" + dash() + " ", " " + r.choice(["", "", "", "-"]) + "%}"
        tag = lambda text: "{%" + dash() + " " + text + " " + r.choice(["", "", "", "-", "+"]) + "%}"
        inner = lambda: self.body(depth + 1) if depth < 3 else r.choice(["x", "{{ i }}", "\n", " y "])
        space = lambda: r.choice(["", " ", "\n", "\n  ", "  \n"])
        if kind < 3:
            return r.choice(["a", " b ", "\n", "  \n", "{", "}}", "%}", "#", "\t", "word word", "\\n", "\\", "'", "{ {"])
        if kind < 6:
            return "{{" + r.choice(["", "-", "+"]) + f" {e} " + r.choice(["", "-"]) + "}}"
        if kind == 6:
            return f"{tag('if ' + e)}{space()}{inner()}{space()}{tag('else')}{inner()}{tag('endif')}{space()}"
        if kind == 7:
            it = r.choice(LISTS + ["d", "s", "'abc'", "[]", "missing", "7"])
            extra = r.choice(["", "", " if x", " recursive", " if x is string"])
            loop = r.choice(["loop.index", "loop.first", "loop.last", "loop.length", "loop.revindex0", "loop.cycle('o', 'e')", "loop.previtem", "loop.nextitem", "loop.changed(x)", "loop.depth", "loop.nope", "loop.previtem | default('-')", "loop.nextitem is defined", "loop.index0", "x", "x.name"])
            return f"{tag('for x in ' + it + extra)}{space()}{{{{ {loop} }}}}{inner()}{r.choice(['', tag('break') if False else '', tag('else') + 'none'])}{tag('endfor')}{space()}"
        if kind == 8:
            return f"{tag('set v = ' + e)}{space()}{{{{ v }}}}"
        if kind == 9:
            return f"{tag('set v')}{inner()}{tag('endset')}{{{{ v {r.choice(['', '| upper', '| length', '| trim'])} }}}}"
        if kind == 10:
            call = r.choice(["m(1)", "m()", "m(1, 2, 3)", "m(a=4)", "m(1, zz=3)", "m(*[1, 2])", "m(1, a=2)", "m(b=1)", "m(**{'a': 1})", "m.name", "m.arguments", "m", "m(1) | upper", "m.catch_kwargs"])
            sig = r.choice(["a", "a, b=2", "a=1, b=a", "", "*a" if False else "a"])
            use = r.choice(["{{ a }}", "{{ a }}{{ b }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller is defined }}", "{{ a }}{{ varargs }}{{ kwargs }}"])
            return f"{tag('macro m(' + sig + ')')}{space()}{use}{space()}{tag('endmacro')}{space()}{{{{ {call} }}}}"
        if kind == 11:
            return f"{tag('macro w(a=1)')}<{{{{ caller({r.choice(['', '1', 'a'])}) }}}}>{tag('endmacro')}{tag(r.choice(['call w()', 'call(y) w(2)', 'call(y=5) w()']))}{inner()}{{{{ y | default('-') }}}}{tag('endcall')}"
        if kind == 12:
            return f"{tag('filter ' + r.choice(BLOCK_FILTERS))}{inner()}{tag('endfilter')}"
        if kind == 13:
            return f"{tag('with v = ' + e + ', w = 2')}{{{{ v }}}}{{{{ w }}}}{tag('endwith')}{{{{ v | default('gone') }}}}"
        if kind == 14:
            return f"{tag('set ns = namespace(a=' + e + ')')}{tag('for x in [1, 2]')}{tag('set ns.a = x')}{tag('endfor')}{{{{ ns.a }}}}"
        return r.choice(["{# c #}", "{#- c -#}", "{# c -#} \n", "{% raw %}{{ x }}{% endraw %}", "{%- raw -%} {% if %} {%- endraw -%}", "\n  {# c #}\n"])

    def case(self, family):
        r = self.random
        if family == "expressions":
            text = f"{{{{ {self.expr()} }}}}"
            return "template", f"x{text}" if r.random() < 0.15 else text
        if family == "filters":
            call = self.filter()
            value = self.pick(SETS if call.startswith(("union", "difference", "symmetric")) else ANY)
            return "template", f"{{{{ {value} | {call} }}}}"
        if family == "tests":
            return "template", f"{{{{ {self.pick(ANY)} is {self.test()} }}}}"
        if family == "methods":
            return "template", f"{{{{ {self.method()} }}}}"
        if family == "formats":
            if r.random() < 0.5:
                conv = r.choice(["", "", "", "!r", "!s", "!a"])
                field = r.choice(["", "0", "1", "a", "0.x", "0[0]", "0[a]", "a.b", ""])
                args = r.choice(["@", "@, @", "a=@", "@, a=@"])
                while "@" in args:
                    args = args.replace("@", self.pick(NUMBERS + NUMBERS + ANY), 1)
                return "template", f"{{{{ '<{{{field}{conv}{r.choice([':', ':', ''])}{self.pick(SPECS)}}}>'.format({args}) }}}}"
            value = r.choice([lambda: self.pick(NUMBERS), lambda: self.pick(ANY), lambda: f"({self.pick(ANY)}, {self.pick(NUMBERS)})", lambda: self.pick(DICTS), lambda: f"({self.pick(NUMBERS)},)"])()
            return "template", f"{{{{ '{self.pick(PRINTFS)}' % {value} }}}}"
        if family == "conditions":
            return r.choice(["condition", "condition", "expression"]), r.choice([self.expr, self.expr, lambda: f"{{{{ {self.expr()} }}}}", lambda: f"'{{{{ {self.pick(ANY)} }}}}' == {self.pick(TEXTS)}"])()
        return "template", "".join(self.body() for _ in range(r.randint(1, 4)))


FAMILIES = ["expressions", "filters", "tests", "methods", "formats", "conditions", "statements"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("families", nargs="*", default=FAMILIES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    args = parser.parse_args()
    folder = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    warnings.simplefilter("ignore")
    init_plugin_loader()
    for family in args.families or FAMILIES:
        maker = Maker(f"{family} {args.seed}")
        seen, cases = set(), []
        for _ in range(args.count):
            kind, text = maker.case(family)
            if (kind, text) in seen:
                continue
            seen.add((kind, text))
            cases.append({"kind": kind, "template": text, "vars": 0, **make_cases.answer(kind, text, VARS)})
        body = ",\n".join(json.dumps(case) for case in cases)
        (folder / f"{family}.json").write_text(f'{{"ansible_core": "{__version__}", "vars": [{json.dumps(VARS)}], "cases": [\n{body}\n]}}\n')
        print(f"{family}: {len(cases)}")


if __name__ == "__main__":
    main()
