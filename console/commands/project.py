"""The command that makes a project: files that the package brings along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import exits

__all__ = ["PROJECT", "app"]

_PACKAGE = Path(__file__).parents[2]

PROJECT = {
    "README.md": "deployments",
    "flow.py": "deployments",
    "email_model.py": "examples",
    "emails.csv": "examples",
    "prompts/classify.txt": "deployments",
    "prefect.yaml": "deployments",
    "automations.yaml": "deployments",
    "compose.yaml": "deployments",
    "Dockerfile": "deployments",
    "constraints.txt": "",
}
"""The files of a project, and the folders of this package that have them."""

app = typer.Typer()


@app.command(
    rich_help_panel="This machine", epilog="Example: batchwright init my-project"
)
def init(
    *,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Its folder.",
            show_default="this folder",
            readable=False,
        ),
    ] = Path(),
) -> None:
    """Make a project to start from: a flow, a prompt, an input, deployments.

    Its README.md says what to type. No file is ever replaced.
    """
    from ...data.files import new_file
    from ...errors import InputError

    folder = folder.absolute()
    if taken := [name for name in PROJECT if (folder / name).exists()]:
        raise InputError(
            f"{folder} has {', '.join(taken)} already, and nothing was written; name"
            " another folder: `batchwright init DIR`."
        )
    for name, source in PROJECT.items():
        with new_file(folder / name, exclusive=True) as temporary:
            temporary.write_bytes((_PACKAGE / source / name).read_bytes())
    typer.echo(folder)
    exits.say(
        f"The project has {len(PROJECT)} files. To try its flow without a key, with"
        " synthetic answers:"
    )
    if folder != Path.cwd():
        exits.say(f"  cd {folder}")
    exits.say("  python flow.py\nREADME.md says how to deploy and schedule it.")
