"""Messages files and templates that cannot work, or that would never end."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright.data.prompts.files import read_messages
from batchwright.data.prompts.prompt import Prompt
from batchwright.errors import InputError

_TIMES = [",".join([f"*{chr(97 + level)}"] * 9) for level in range(8)]
_FILES = {
    "a date": "- {role: user, content: 2020-99-99}",
    "no integer": "- {role: user, content: !!int abc}",
    "5,000 digits": f"- {{role: user, content: {'9' * 5000}}}",
    "an alias to itself": "- &a {role: user, content: *a}",
    "keys": "- {role: user, content: hi, 1: 2}",
    "no boolean": "- {role: user, content: !!bool x}",
    "deep": f"- {{role: user, content: {'[' * 3000}{']' * 3000}}}",
    "bytes": "- {role: user, content: !!binary aGk=}",
    "aliases": "- role: user\n  content: x\n  a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"  {chr(98 + n)}: &{chr(98 + n)} [{_TIMES[n]}]\n" for n in range(8)),
    "merged": "- role: user\n  content: x\n  a: &a {k: 1}\n"
    + "".join(
        f"  {chr(98 + n)}: &{chr(98 + n)} {{<<: [{_TIMES[n]}]}}\n" for n in range(8)
    ),
}


@pytest.mark.parametrize("name", _FILES)
def test_a_messages_file_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    """Whatever YAML can do, the sentence names the file."""
    path = tmp_path / "messages.yaml"
    path.write_text(_FILES[name])
    with pytest.raises(InputError, match=r"messages\.yaml (is|cannot|must)"):
        read_messages(path)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1/0 }}",
        "{{ a/0 }}",
        "{% include 'x' %}",
        "{% include a %}",
        "{% extends 'x' %}",
        "{{ ''.__class__ }}",
        "{{ a.__class__ }}",
        "{{ a|nofilter }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '{:1000000000d}'.format(1) }}",
        "{{ '{:{}d}'.format(1, 1000000000) }}",
        "{{ a|center(1000000000) }}",
        "{{ a.ljust(1000000000) }}",
        "{{ 'x' * 10000000000 }}",
        "{{ 9**(9**9) }}",
        "{{ ('x' * 1000000)|replace('x', 'y' * 1000000) }}",
        "{% for x in range(9999) %}{% for y in range(9999) %}{% endfor %}{% endfor %}",
        "{%set n=namespace(s=a)%}{%for i in range(60)%}{%set n.s=n.s~n.s%}{%endfor%}",
    ],
)
def test_a_template_is_refused_in_a_sentence(template: str) -> None:
    """It neither runs without end nor fills the memory."""
    with pytest.raises(InputError, match=r"[Tt]he prompt"):
        Prompt([{"role": "user", "content": template}])({"a": "x"})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ '%d USD'|format(n) }}", "123456789 USD"),
        ("{{ '{} ({:>5})'.format(n, a) }}", "123456789 (   ab)"),
        ("{{ 'of: 12345678' % () }}", "of: 12345678"),
        ("{{ a ~ '-' ~ n }}", "ab-123456789"),
        ("{{ a|replace('a', n) }}", "123456789b"),
        ("{{ a.replace('b', 'c').upper() }}", "AC"),
        ("{{ ','.join([a, a]) }}", "ab,ab"),
        (
            "{% for x in [1, 2] %}{{ loop.index }}/{{ loop.length }} {% endfor %}",
            "1/2 2/2 ",
        ),
        ("{{ n * 1000 }}", "123456789000"),
        ("{{ 2**10 }}{{ 7 % 4 }}{{ a * 2 }}", "10243abab"),
    ],
)
def test_ordinary_templates_are_filled(template: str, expected: str) -> None:
    """The bounds are far from what prompts do."""
    (message,) = Prompt([{"role": "user", "content": template}])(
        {"a": "ab", "n": 123456789}
    )
    assert message["content"] == expected
