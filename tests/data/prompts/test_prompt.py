"""Prompts: templates to messages."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.prompts.files import read_messages
from batchwright.data.prompts.prompt import Prompt
from batchwright.data.prompts.template import is_constant
from batchwright.errors import InputError

PNG = b"\x89PNG\r\n\x1a\n..."
PDF = b"%PDF-1.7\n..."


def _user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@given(st.text(), st.none() | st.text() | st.integers() | st.lists(st.booleans()))
def test_plain_templates_are_filled_as_jinja_does(text: str, value: Any) -> None:
    """The short cut for plain templates gives what Jinja2 gives."""
    source = "{% raw %}" + text.replace("{%", "") + "{% endraw %} {{ a }}!"
    plain = f"<{{{{ a }}}}>{text.replace('{', '')}{{{{ a }}}}"
    for template in (source, plain):
        written = jinja2.Template(template, keep_trailing_newline=True)
        expected = written.render(a="" if value is None else value)
        assert Prompt(_user(template))({"a": value}) == _user(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ a }} {{ b }}", "1 x"),
        ("{{ b | upper }}", "X"),
        ("{% if a == '1' %}one{% else %}other{% endif %}\n", "one\n"),
        ("{{ row['First name'] }}", "Ann"),
        ("{{ missing | default('none') }}", "none"),
    ],
)
def test_templates_see_the_columns(template: str, expected: str) -> None:
    """Columns are variables, and `row` reaches those with any other name."""
    values = {"a": "1", "b": "x", "First name": "Ann"}
    assert Prompt(_user(template))(values) == _user(expected)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ emial }}", "'emial' is undefined; the columns are email"),
        ("{{ emial | upper }}", "'emial' is undefined; the columns are email"),
        ("{{ email.city }}", "has no attribute 'city'"),
        ("{{ 1 // 0 }}{{ email }}", "ZeroDivisionError"),
        ("{{ email.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_what_cannot_be_filled_is_said(template: str, message: str) -> None:
    """A missing column, an error and an unsafe expression are one sentence each."""
    with pytest.raises(InputError, match=message):
        Prompt(_user(template))({"email": "x"})


@pytest.mark.parametrize("name", ["range", "dict", "self", "namespace", "row", "loop"])
@pytest.mark.parametrize("template", ["{{ NAME }}", "{{ NAME | upper }}"])
def test_a_column_wins_over_a_name_of_jinjas(name: str, template: str) -> None:
    """A column may have any name, also one that Jinja2 or we use."""
    filled = Prompt(_user(template.replace("NAME", name)))({name: "cell"})
    assert str(filled[0]["content"]).lower() == "cell"


def test_jinjas_own_names_are_there_where_no_column_is() -> None:
    """A template may count, and name the whole row, beside its columns."""
    loop = "{% for n in range(3) %}{{ n }}{{ a }}{% endfor %}"
    assert Prompt(_user(loop))({"a": "-"}) == _user("0-1-2-")
    keys = "{% for key, cell in row.items() %}{{ key }}={{ cell }};{% endfor %}"
    assert Prompt(_user(keys))({"row": "r", "a": 1}) == _user("row=r;a=1;")


@pytest.mark.parametrize(
    "template", ["<{{ a }}>", "<{{ row['a'] }}>", "<{{ b or a }}>"]
)
def test_a_null_is_the_empty_text(template: str) -> None:
    """No prompt holds Python's word for a value that is missing."""
    assert Prompt(_user(template))({"a": None, "b": ""}) == _user("<>")


def test_a_name_with_spaces_is_shown_the_way() -> None:
    """The syntax error says how to write a column that is no identifier."""
    with pytest.raises(InputError, match=r'Write {{ row\["First name"\] }}'):
        Prompt(_user("Dear {{ First name }}"))


def test_a_bad_template_is_refused_when_compiled() -> None:
    """A syntax error is found before any row is read."""
    with pytest.raises(InputError, match="not a Jinja2 template"):
        Prompt(_user("{{ a"))


def test_constants_are_known() -> None:
    """A text is constant when no column can change it."""
    assert is_constant("always {{ 1 + 1 }}")
    assert not is_constant("{{ email }}")


def test_the_rows_own_messages_are_sent_as_they_are() -> None:
    """A row's `messages` follow the template's, unchanged."""
    own = [{"role": "user", "content": [{"type": "text", "text": "{{ x }}"}]}]
    system = [{"role": "system", "content": "{{ a }}"}]
    prompt = Prompt(system, own_messages=True)
    filled = prompt({"a": "A", "messages": own})
    assert list(filled) == [{"role": "system", "content": "A"}, *own]


@pytest.mark.parametrize("messages", [None, [], "hi", ["hi"], [{"role": "user"}, 1]])
def test_a_row_without_messages_is_refused(messages: Any) -> None:
    """Without a prompt, what a row needs is said."""
    with pytest.raises(InputError, match="the row needs `messages`"):
        Prompt([], own_messages=True)({"messages": messages})


def test_files_travel_in_the_message(tmp_path: Path) -> None:
    """Images and PDFs by path become data; a URL stays one; paths are templates."""
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path / "a.pdf").write_bytes(PDF)
    content = [
        "Look at {{ name }}",
        {"image": "{{ name }}.png"},
        {"image": "https://host/x.jpg"},
        {"pdf": "a.pdf"},
        {"type": "text", "text": "{{ name }}", "extra": {"n": [1, "{{ name }}"]}},
    ]
    (message,) = Prompt(_user(content), folder=tmp_path)({"name": "cat"})
    png = base64.b64encode(PNG).decode()
    pdf = base64.b64encode(PDF).decode()
    assert message["content"] == [
        {"type": "text", "text": "Look at cat"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "image_url", "image_url": {"url": "https://host/x.jpg"}},
        {
            "type": "file",
            "file": {
                "filename": "a.pdf",
                "file_data": f"data:application/pdf;base64,{pdf}",
            },
        },
        {
            "type": "text",
            "text": "cat",
            "extra": {"n": [1, {"type": "text", "text": "cat"}]},
        },
    ]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"image": "absent.png"}, "cannot be read"),
        ({"image": "x.txt"}, "no known image type"),
        ({"pdf": "https://host/x.pdf"}, "must be a local file"),
    ],
)
def test_a_constant_file_is_looked_at_early(
    tmp_path: Path, part: dict[str, str], message: str
) -> None:
    """A file that no row names is missed before any row is read."""
    with pytest.raises(InputError, match=message):
        Prompt(_user([part]), folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "- role: user\n  content: '{{ a }}'\n",
        '[{"role": "user", "content": "{{ a }}"}]',
        '\ufeff[{"role": "user", "content": "{{ a }}"}]',
    ],
)
def test_templates_are_yaml_or_json(tmp_path: Path, text: str) -> None:
    """A messages file is a list of messages in either notation."""
    path = tmp_path / "messages.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_messages(path) == _user("{{ a }}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b", "must be a list of messages"),
        ("[]", "must be a list of messages"),
        ("- role: user\n- x: 1\n", "message 1 needs `role` and `content`"),
        ("[", "not YAML or JSON"),
    ],
)
def test_a_bad_messages_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """What is no list of messages is said with the number of the message."""
    path = tmp_path / "messages.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_messages(path)
