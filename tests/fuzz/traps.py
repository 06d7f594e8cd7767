"""What went wrong once, or would hang or swell if nothing stopped it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["TRAPS"]

_DEEP = "[" * 1100 + "]" * 1100


def _chain(keyword: str, levels: int = 40) -> bytes:
    """Return a schema whose definitions refer to each other in 2**40 ways."""
    defs: dict[str, Any] = {
        f"d{level}": {
            keyword: [{"$ref": f"#/$defs/d{level + 1}", "title": side} for side in "ab"]
        }
        for level in range(levels)
    }
    defs[f"d{levels}"] = {"type": "string"}
    return _object({"a": {"$ref": "#/$defs/d0"}}, **{"$defs": defs})


def _described(levels: int = 40) -> bytes:
    """Return a schema that is as large, through references with a sibling."""
    defs: dict[str, Any] = {
        f"d{level}": {
            "type": "object",
            "properties": {
                side: {"$ref": f"#/$defs/d{level + 1}", "minProperties": 1}
                for side in "ab"
            },
        }
        for level in range(levels)
    }
    defs[f"d{levels}"] = {"type": "string"}
    return _object({"a": {"$ref": "#/$defs/d0"}}, **{"$defs": defs})


def _object(properties: dict[str, Any], **more: Any) -> bytes:
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return json.dumps({**schema, **more}).encode()


def _aliases(item: str, levels: int = 9) -> bytes:
    """Return a short YAML file in which one value stands nine times nine times ..."""
    lines = ["- role: user", "  content: x", "  a: &a {k: 1}"]
    for level in range(levels):
        one, next_ = chr(97 + level), chr(98 + level)
        inner = ",".join([f"*{one}"] * 9)
        lines.append(f"  {next_}: &{next_} {item.replace('_', inner)}")
    return "\n".join(lines).encode()


def _message(content: str) -> bytes:
    return f"- {{role: user, content: {content}}}".encode()


_TEMPLATES = [
    "{{ 1/0 }}",
    "{% include 'x' %}",
    "{{ ''.__class__.__mro__ }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ ('{0}' * 1000000).format('x' * 1000000) }}",
    "{{ ('%(a)s' * 100000) % {'a': 'x' * 1000000} }}",
    "{{ ('\n' * 1000000)|indent(1000000) }}",
    "{{ ('\t' * 1000000).expandtabs(1000000) }}",
    "{{ ('x' * 1000000).translate({120: 'y' * 1000000}) }}",
    "{{ 'x'.encode().center(10**10) }}",
    "{{ (1).to_bytes(10**10, 'big') }}",
    "{{ ((9**999)**999)**999 }}",
    "{{ 1.5|round(99999999, 'ceil') }}",
    "{{ ([[1, 2, 3]] * 99999)|sum(start=[])|length }}",
    "{{ ('<!---->' * 1000000)|striptags }}",
    "{{ range(100000)|map('string')|join('x' * 100000) }}",
    "{{ range(99999)|map('replace', '1', 'x' * 9999)|list }}",
    "{{ range(100000)|slice(1000000)|list|length }}",
    "{{ ('x,' * 4999999).split(',')|length }}",
    "{% for x in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
    "{% for x in range(99999) %}" + "y" * 9999 + "{% endfor %}",
    "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}",
    "{% set x %}{% for x in range(99999) %}" + "y" * 9999 + "{% endfor %}{% endset %}",
    "{% for x in [a] recursive %}{{ loop(range(99999)|list) }}{% endfor %}",
    "{% macro m(n) %}{{ m(n - 1) if n }}{{ m(n - 1) if n }}{% endmacro %}{{ m(60) }}",
    (
        "{% set n = namespace(s=[1]) %}{% for i in range(60) %}"
        "{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}"
    ),
    (
        "{% set n = namespace(s=a) %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}"
        "{% endfor %}"
    ),
    "{% set l = [1] %}{% for i in range(60) %}{{ l.extend(l) }}{% endfor %}",
    "{% set l = [1] %}{{ l.append(l) }}{{ l }}",
    (
        "{% set n = namespace(s=9) %}{% for i in range(60) %}{% set n.s = n.s * n.s %}"
        "{% endfor %}"
    ),
    "{% set s = 'x' * 4000000 %}{% for i in range(9999) %}{{ 'y' in s }}{% endfor %}",
    (
        "{% set s = 'x' * 4000000 %}{% for i in range(99999) %}{% set t = s[::-1] %}"
        "{% endfor %}"
    ),
]

_YAML = [
    *map(
        _message,
        [
            *("2020-99-99", "2020-01-01", "!!int abc", "9" * 5000, ".nan", "[.inf]"),
            *("!!binary aGk=", "!!bool x", '"\\ud800"', "1.0e+999", "!!timestamp x"),
            *("!!set {a}", "!!python/object/apply:os.getcwd []", "[" * 3000),
            *('{image: "x\\0.png"}', "{pdf: /dev/zero}", "{image: [1]}", "{text: 1}"),
            "{image: \"{% for x in 'x' * 999 %}00{% endfor %}\"}",
        ],
    ),
    b"- &a {role: user, content: *a}",
    b"- {role: user, content: hi, 1: 2}",
    b"- {? {role: user} : 1}",
    _aliases("[_]"),
    _aliases("{<<: [_]}"),
    b"\xff\xfe\x00",
    b"",
]

_SCHEMAS = [
    *(_chain(keyword) for keyword in ("anyOf", "oneOf", "allOf")),
    _described(),
    _object({"a": {"oneOf": [{"type": "string"}, True]}}),
    _object({}),
    b'{"$ref": "#"}',
    b'{"$ref": "#/required/0", "required": ["a"]}',
    b'{"allOf": [true]}',
    b'{"allOf": [{"$ref": "#"}]}',
    _object({"a": {"type": "integer", "maximum": 10**30}}),
    b'{"type": "object", "properties": {"a": ' + _DEEP.encode() + b"}}",
    _object({"a": {"enum": []}}),
    _object({"a": {"type": "string", "pattern": "["}}),
    _object({"a": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": {"$ref": "#/$defs/a"}}}),
]

_CHAT = '{"custom_id":"a","response":{"status_code":200,"body":{"model":"gpt-5-mini",'
_CHAT += '"choices":[{"message":{"content":_},"finish_reason":"stop"}]}},"error":null}'


def _result(content: str) -> bytes:
    return _CHAT.replace("_", content).encode()


_TEXT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

TRAPS: dict[str, list[Any]] = {
    "templates": _TEMPLATES,
    "messages": _YAML,
    "faults": [
        b"seed: 2020-99-99",
        b"seed: !!int abc",
        b"calls: &a [*a]",
        b"? [a]\n: b",
        b"seed: .inf",
        b"seed: " + b"[" * 3000,
        b"a: &a [x,x]\n"
        + b"".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n".encode()
            for n in range(24)
        ),
    ],
    "schemas": _SCHEMAS,
    "params": [
        ["x=NaN"],
        ["x=1e999"],
        ["x=[-1e999]"],
        ["x=" + _DEEP],
        ["x=" + "9" * 5000],
        ['x="\\ud800"'],
        ["x=1", "x=2"],
        ["=1"],
    ],
    "python": [
        "{'x': nan}",
        "{'x': [inf]}",
        "{'x': deep}",
        "{'x': b'1'}",
        "{'x': {1: 2}}",
    ],
    "csv": [
        b",".join(b"c%d" % number for number in range(60_000)) + b"\n",
        b'a,b,n\n"x',
        b"a,b,n\nx,\x00,1\n",
        "a,b,n\nx,é,1\n".encode("utf-16"),
        b"a,a\n1,2\n",
        b"\xef\xbb\xbf",
    ],
    "jsonl": [
        b'{"a": 1e999}',
        b'{"a": NaN}',
        b'{"a": ' + _DEEP.encode() + b"}",
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b', "b": 1}',
        b'{"messages": [{}]}',
    ],
    "results": [
        (_result('"{\\"a\\": ' + "[" * 300 + "]" * 300 + '}"'), _TEXT),
        (_result('"{\\"a\\": 1e999}"'), {"type": "object", "properties": {"a": {}}}),
        (
            _result('"{\\"a\\": \\"' + "a" * 40 + '!\\"}"'),
            {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}},
        ),
        (_result('"{\\"a\\": \\"x\\"}"'), json.loads(_chain("allOf"))),
        (_result(_DEEP), _TEXT),
        (_result("null"), _TEXT),
    ],
    "validate": [
        (
            b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",'
            b'"body": {"model": "m", "messages": [{"role": {}}],'
            b'"reasoning_effort": []}}'
        ),
        b'{"custom_id": ' + _DEEP.encode() + b"}",
        (
            b'{"custom_id": "a", "method": "POST", "url": "/v1/embeddings",'
            b'"body": {"model": "m", "input": [1e999]}}'
        ),
        b'{"custom_id": "a", "url": {}}',
        b"{}" * 1000,
    ],
    "names": ["**", "x**", "[!"],
}
"""Examples by the property that they were found with."""
