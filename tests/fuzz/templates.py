"""Jinja2 templates and messages files that are almost valid."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from .documents import TEXT, damaged, rare

__all__ = ["MESSAGES", "TEMPLATES", "YAML_SCALARS"]

_LITERALS = st.sampled_from(
    [
        *("a", "b", "n", "row", "self", "loop", "x", "none", "true", "range", "dict"),
        *("cycler", "joiner", "namespace", "lipsum", "missing", "caller", "varargs"),
        *("0", "1", "7", "-1", "1.5", "999", "1000000", "10**9", "9" * 400, "1e308"),
        *("''", "'x'", "'%s'", "'{0}'", "'%1000000d'", "'{:>999999}'", "'x' * 999"),
        *("[]", "[1, 2]", "()", "{}", "{'a': 1}", "range(9)", "range(10**6)"),
        *("'{0.__class__}'", "'[' * 99", "[a] * 999", "'a,b'.split(',')"),
    ]
)
_METHODS = st.sampled_from(
    [
        *(name for kind in (str, list, dict, int) for name in dir(kind)),
        *("__globals__", "__mro__", "mro", "gi_frame", "next", "index0", "cycle"),
    ]
)


def _compound(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    operators = "+ - * / // % ** ~ == < > and or in not_in is_not".replace("_", " ")
    arguments = st.lists(inner, max_size=2).map(", ".join)
    build = st.builds
    return st.one_of(
        build("({} {} {})".format, inner, st.sampled_from(operators.split()), inner),
        build("({}|{})".format, inner, st.sampled_from([*FILTERS])),
        build("({}|{}({}))".format, inner, st.sampled_from([*FILTERS]), arguments),
        build("({} is {})".format, inner, st.sampled_from([*TESTS])),
        build("({} is {}({}))".format, inner, st.sampled_from([*TESTS]), inner),
        build("{}.{}".format, inner, _METHODS),
        build("{}.{}({})".format, inner, _METHODS, arguments),
        build("{}({})".format, inner, arguments),
        build("{}[{}]".format, inner, inner),
        build("{}[{}:{}]".format, inner, inner, inner),
        build("({} if {} else {})".format, inner, inner, inner),
        build("[{}]".format, arguments),
        build("{{{}: {}}}".format, inner, inner),
        build("(-{})".format, inner),
        build("(not {})".format, inner),
    )


_EXPRESSIONS = st.recursive(_LITERALS, _compound, max_leaves=6)


def _blocks(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    value, build = _EXPRESSIONS, st.builds
    return st.one_of(
        build("{{% for x in {} %}}{}{{% endfor %}}".format, value, inner),
        build(
            "{{% for x in {} recursive %}}{}{{{{ loop({}) }}}}{{% endfor %}}".format,
            value,
            inner,
            value,
        ),
        build("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, value, inner, inner),
        build("{{% set x = {} %}}{}".format, value, inner),
        build("{{% set x %}}{}{{% endset %}}{{{{ x }}}}".format, inner),
        build(
            "{{% macro x(a={}) %}}{}{{% endmacro %}}{{{{ x() }}}}".format, value, inner
        ),
        build("{{% call(x) {} %}}{}{{% endcall %}}".format, value, inner),
        build(
            "{{% filter {} %}}{}{{% endfilter %}}".format,
            st.sampled_from([*FILTERS]),
            inner,
        ),
        build("{{% with x = {} %}}{}{{% endwith %}}".format, value, inner),
        build("{{% block x %}}{}{{% endblock %}}{{{{ self.x() }}}}".format, inner),
        build("{{% autoescape {} %}}{}{{% endautoescape %}}".format, value, inner),
        build(
            "{{% {} {} %}}{}".format,
            st.sampled_from(["include", "extends", "import", "do", "break"]),
            value,
            inner,
        ),
        build("{{% raw %}}{}{{% endraw %}}".format, inner),
        build("{{# {} #}}{}".format, inner, inner),
        build("{}{}".format, inner, inner),
    )


TEMPLATES = rare(
    st.recursive(
        TEXT | st.builds("{{{{ {} }}}}".format, _EXPRESSIONS), _blocks, max_leaves=5
    ),
    st.text(alphabet="{}%#ab|~'\"().[]:-+*/ \n", max_size=30),
)

YAML_SCALARS = TEXT.map(
    lambda text: json.dumps(text, ensure_ascii=False)
) | st.sampled_from(
    [
        *(
            "user",
            "system",
            "~",
            "yes",
            ".nan",
            ".inf",
            "-.inf",
            "1e999",
            "0x",
            "0b2",
            "08",
        ),
        *(
            "2020-99-99",
            "2020-01-01",
            "2020-01-01T25:00:00Z",
            "!!int abc",
            "!!float abc",
        ),
        *(
            "!!timestamp x",
            "!!binary aGk=",
            "!!binary x",
            "!!bool x",
            "!!null x",
            "!!set {a}",
        ),
        *(
            "!!omap [a: 1]",
            "!!omap {}",
            "!!pairs [a: 1]",
            "!!str [a]",
            "!!seq a",
            "!!map a",
        ),
        *(
            "!!python/object/apply:os.getcwd []",
            "!x y",
            "!<tag:x> y",
            "9" * 400,
            "9" * 5000,
        ),
        *(
            "1:60:60",
            "1:1.5",
            "1_000",
            "*a",
            "*b",
            "&a x",
            "&a [x]",
            "&b [*a, *a]",
            "<<",
            "=",
        ),
        *(
            "|",
            ">",
            "'",
            '"',
            "\t",
            "---",
            "...",
            "%YAML 9.9",
            "? a",
            ": a",
            "#",
            "- -",
            "@",
            "`",
        ),
        *(
            '"\\x00"',
            '"\\ud800"',
            '"\\U00110000"',
            '"\\x"',
            "2020-01-01 00:00:00 +99:99",
        ),
        *(
            "0o7",
            "-0b1",
            "+.inf",
            ".NaN",
            "!!int 1:99",
            "!!int ''",
            "!!float ''",
            "!!int -",
        ),
        *(
            "190:20:30.15",
            "!!timestamp 0000-00-00",
            "!!timestamp ''",
            "!!int _",
            "!!int 0x",
        ),
    ]
)


def _nested(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    pairs = st.builds("{}: {}".format, inner, inner)
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(pairs, max_size=3).map(lambda items: f"{{{', '.join(items)}}}"),
        st.builds("{{<<: {}}}".format, inner),
        st.builds("&a {}".format, inner),
        st.builds("{{? {} : {}}}".format, inner, inner),
        st.builds("{{text: {}}}".format, inner),
        st.builds("{{image: {}}}".format, inner),
        st.builds("{{pdf: {}}}".format, inner),
    )


@st.composite
def _messages(draw: DrawFn) -> bytes:
    node = st.recursive(YAML_SCALARS | TEMPLATES.map(json.dumps), _nested, max_leaves=6)
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        role = draw(rare(st.sampled_from(["user", "system", "assistant"]), node))
        lines.append(f"- role: {role}\n  content: {draw(node)}\n")
        if draw(st.booleans()):
            lines.append(f"  {draw(node)}: {draw(node)}\n")
    return "".join(lines).encode("utf-8", "surrogatepass")


MESSAGES = rare(
    damaged(_messages(), [b"*a", b"\x00", b"\xff\xfe", b"\t", b"- ", b"[" * 3000]),
    st.binary(max_size=40),
)
