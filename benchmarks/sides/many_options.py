"""A Typer program with as many options as `run`: what its help costs at least."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="One command.")

_HELP = "A sentence about this option that fills a line or two of the help page."
_PANELS = ("One", "Two", "Three", "Four")

Text = Annotated[str | None, typer.Option(help=_HELP, rich_help_panel=_PANELS[0])]
Count = Annotated[int | None, typer.Option(min=1, help=_HELP, rich_help_panel="Two")]
Share = Annotated[
    float | None, typer.Option(max=1, help=_HELP, rich_help_panel="Three")
]
Flag = Annotated[bool, typer.Option(help=_HELP, rich_help_panel="Four")]


@app.command()
def run(  # noqa: PLR0913 - the point of it
    *,
    a: Text = None,
    b: Text = None,
    c: Text = None,
    d: Text = None,
    e: Text = None,
    f: Text = None,
    g: Text = None,
    h: Text = None,
    i: Text = None,
    j: Text = None,
    k: Text = None,
    ll: Count = None,
    m: Count = None,
    n: Count = None,
    o: Count = None,
    p: Count = None,
    q: Count = None,
    r: Count = None,
    s: Share = None,
    t: Share = None,
    u: Share = None,
    v: Flag = False,
    w: Flag = False,
    x: Flag = False,
    y: Flag = False,
    z: Flag = False,
) -> None:
    """Run."""


@app.command()
def other() -> None:
    """Make `run` a command of several."""


if __name__ == "__main__":
    app()
