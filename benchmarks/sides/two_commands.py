"""A Typer program of two commands: what `--help` costs at least."""

from __future__ import annotations

import typer

app = typer.Typer(help="Two commands.")


@app.command()
def hello(name: str = "world", count: int = 1) -> None:
    """Say hello."""
    typer.echo(f"hello {name} " * count)


@app.command()
def bye(name: str = "world") -> None:
    """Say goodbye."""
    typer.echo(f"bye {name}")


if __name__ == "__main__":
    app()
