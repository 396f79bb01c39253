#!/bin/sh
cat <<'JSON'
{
  "web": {"hosts": ["w1", "w2"], "vars": {"v": 1, "t": "{{ x }}"}, "children": ["sub"]},
  "sub": {"hosts": ["s1"]},
  "listed": ["l1", "w1"],
  "self": {"own": true},
  "_meta": {"hostvars": {"w1": {"a": [1, null, 2.5]}, "l1": {"b": "x"}, "stranger": {"c": 1}}}
}
JSON
