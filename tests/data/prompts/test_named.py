"""A prompt that would be the same for every row is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchwright.data.job import BatchJob
from batchwright.data.resolve import ResolvedJob, resolve
from batchwright.errors import InputError

ROWS = [{"email": "x", "First name": "Ann"}, {"email": "y", "First name": "Bob"}]
Resolve = Callable[..., ResolvedJob]


@pytest.fixture(params=[".csv", ".jsonl", ".parquet"])
def resolved(request: pytest.FixtureRequest, tmp_path: Path) -> Resolve:
    """Return a function that resolves a job over `ROWS`, or over given JSON lines."""

    def make(
        rows: list[dict[str, Any]] | None = None,
        model: str = "gpt-5-mini",
        **given: Any,
    ) -> ResolvedJob:
        path = tmp_path / f"in{'.jsonl' if rows is not None else request.param}"
        if path.suffix == ".jsonl":
            lines = map(orjson.dumps, ROWS if rows is None else rows)
            path.write_bytes(b"\n".join(lines))
        elif path.suffix == ".csv":
            path.write_text("email,First name\nx,Ann\ny,Bob\n", encoding="utf-8")
        else:
            pq.write_table(pa.Table.from_pylist(ROWS), path)
        output = str(tmp_path / "out.csv")
        return resolve(BatchJob(input=str(path), output=output, model=model, **given))

    return make


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Classify {email}", r"Write {{ email }} instead of {email}\."),
        ("Classify ${email}", r"Write {{ email }} instead of \${email}\."),
        ("Classify { Email }", r"Write {{ email }} instead of { Email }\."),
        ("Classify %(email)s", r"Write {{ email }} instead of %\(email\)s\."),
        ("Classify <email>", r"Write {{ email }} instead of <email>\."),
        ("Classify [email]", r"Write {{ email }} instead of \[email\]\."),
        ("Dear {First name}", r'Write {{ row\["First name"\] }} instead of'),
        ("Classify the email", r"Write {{ email }} for .*email, First name.*@FILE"),
        ("Summarise: ", "names no column of .*in"),
        ("{# {{ email }} #}Classify", "names no column"),
        ("{% raw %}{{ email }}{% endraw %}", "names no column"),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "names no column"),
        ("{% set email = 'x' %}{{ email }}", "names no column"),
        ("{{ other | default('x') }}", "names no column"),
        ("{{ row.get('other') }}", "names no column"),
        ("{{ row['other'] | default('x') }}", "names no column"),
        ("{{ 1 }} {{ true }}", "names no column"),
        ("{{ emial }}", "'emial' is undefined; the columns are email"),
        ("{{ First-name }}", "'First' is undefined"),
        ("{{email} is what", r"Write {{ email }} instead of {{email}\."),
    ],
)
def test_a_prompt_that_names_no_column_is_refused(
    resolved: Resolve, prompt: str, said: str
) -> None:
    """The sentence shows how to write the column that was meant."""
    with pytest.raises(InputError, match=said):
        resolved(prompt=prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "{{ email }}",
        "{{ row }}",
        "{{ row | tojson }}",
        "{{ row['First name'] }}",
        "{{ row.email }}",
        "{{ row.get('email') }}",
        "{% for k, v in row.items() %}{{ k }}={{ v }}{% endfor %}",
        "{% for k in row %}{{ row[k] }}{% endfor %}",
        "{% if email == 'x' %}A{% else %}B{% endif %}",
        "{% set text = email %}{{ text }}",
        "{{ other | default(email) }}",
    ],
)
def test_a_prompt_that_uses_a_column_is_not(resolved: Resolve, prompt: str) -> None:
    """A column may be named anywhere in an expression, and through `row`."""
    assert resolved(prompt=prompt).messages[0]["content"] == prompt


def test_the_texts_of_all_messages_count(resolved: Resolve, tmp_path: Path) -> None:
    """A column in the system text, in a role or in a path is one that is named."""
    assert resolved(prompt="Classify", system="Text: {{ email }}")
    path = tmp_path / "messages.yaml"
    for part, is_named in [
        ("{role: user, content: Hi}", False),
        ("{role: user, content: [{text: Hi}, {text: '{{ email }}'}]}", True),
        ("{role: user, content: [{image: '{{ email }}.png'}]}", True),
        ("{role: '{{ email }}', content: Hi}", True),
    ]:
        path.write_text(f"[{{role: system, content: Hello}}, {part}]")
        if is_named:
            assert resolved(messages=str(path))
        else:
            with pytest.raises(InputError, match="names no column"):
                resolved(messages=str(path))


def test_the_same_prompt_may_be_asked_for(resolved: Resolve) -> None:
    """`same_prompt` allows it, and is the only thing that does."""
    assert resolved(prompt="Tell a joke", same_prompt=True)
    with pytest.raises(InputError, match="--same-prompt"):
        resolved(prompt="Tell a joke", model="text-embedding-3-small")


def test_an_older_run_with_the_same_prompt_is_found(resolved: Resolve) -> None:
    """The option that allows it now makes no other job of it."""
    prompt = "Tell a joke about {{ email }}"
    allowed = resolved(prompt=prompt, same_prompt=True)
    assert allowed.fingerprint() == resolved(prompt=prompt).fingerprint()


def test_rows_with_messages_need_no_prompt(resolved: Resolve) -> None:
    """Each row has its own, so nothing is the same."""
    own = {"messages": [{"role": "user", "content": "Hi"}]}
    assert resolved([own]).own_messages
    assert resolved([own], system="Be kind.").template.system == "Be kind."


def test_a_column_far_down_is_one(resolved: Resolve) -> None:
    """JSON lines name their columns row by row, and all of them are looked at."""
    rows = [*[{"id": n, "pad": "x" * 100} for n in range(9000)], {"note": "y"}]
    prompt = "Notes: {{ note | default('') }}"
    assert resolved(rows, prompt=prompt)
    with pytest.raises(InputError, match="names no column"):
        resolved(rows[:-1], prompt=prompt)


def test_rows_without_columns_are_no_crash(resolved: Resolve) -> None:
    """Empty objects are rows too; no rows at all are an error of the input."""
    with pytest.raises(InputError, match="have no columns"):
        resolved([{}], prompt="Hi")
    with pytest.raises(InputError, match="has no rows"):
        resolved([], prompt="Hi")


@pytest.mark.parametrize("name", ["true", "None", "2024", "1.5"])
def test_a_column_that_jinja_reads_as_a_value_is_shown_the_way(
    resolved: Resolve, name: str
) -> None:
    """It would be sent as that value for every row."""
    rows = [{name: "cell", "other": "x"}]
    prompt = f"{{{{ {name} | upper }}}} of {{{{ other }}}}"
    with pytest.raises(InputError, match=rf'Write {{{{ row\["{name}"\] }}}}'):
        resolved(rows, prompt=prompt)
    assert resolved(rows, prompt=f'{{{{ row["{name}"] }}}}')


@pytest.mark.parametrize("name", ["e-mail", "user.name", "a/b", "not", "First name"])
def test_a_name_that_is_no_identifier_is_shown_the_way(
    resolved: Resolve, name: str
) -> None:
    """The error about it says how to write the column."""
    with pytest.raises(InputError, match=rf'Write {{{{ row\["{name}"\] }}}} for'):
        resolved([{name: "cell"}], prompt=f"Dear {{{{ {name} }}}}")


def test_a_prompt_may_be_read_from_a_file(
    resolved: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that a run keeps has the text, so the file is not read again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompt.txt").write_bytes("\ufeff@ {{ email }}:\n\nüx\n".encode())
    (tmp_path / "system.txt").write_text("Be kind.\n")
    job = resolved(prompt="@prompt.txt", system="@system.txt")
    assert job.messages[0]["content"] == "@ {{ email }}:\n\nüx"
    assert job.template.system == "Be kind."
    (tmp_path / "prompt.txt").unlink()
    again = resolve(job.job)
    assert again.fingerprint() == job.fingerprint()
    assert again.messages == job.messages


@pytest.mark.parametrize("prompt", ["@", "@absent.txt", "@nul\0.txt", "@latin.txt"])
def test_a_prompt_file_that_cannot_be_read_is_named(
    resolved: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    """The sentence also says how a prompt begins with an @ of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes(b"gr\xfc\xdfe {{ email }}")
    with pytest.raises(InputError, match=r"prompt file .* cannot be read.*@@"):
        resolved(prompt=prompt)
    text = resolved(prompt="@" + prompt + " {{ email }}").messages[0]["content"]
    assert text == prompt + " {{ email }}"
