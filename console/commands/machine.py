"""Commands about this machine: the sandbox, and what is installed and configured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AsJson

if TYPE_CHECKING:
    from ...providers import Vendor

__all__ = ["app"]

_LOCAL = "This machine"
_PACKAGES = ("batchwright", "prefect", "fastapi", "pydantic")
_PREFECT = ("PREFECT_API_URL", "that of Prefect's profile, else an embedded server")

app = typer.Typer()


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright sandbox --port 4040")
def sandbox(
    *,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            metavar="N",
            help="Port on 127.0.0.1; 0 takes a free one.",
        ),
    ] = 4040,
    state_dir: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="The folder for batches and files.", readable=False
        ),
    ] = Path(".batchwright-sandbox"),
    faults: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Faults to inject, as YAML or JSON.",
            readable=False,
            show_default="nothing",
        ),
    ] = None,
    time_scale: Annotated[
        float,
        typer.Option(min=0, metavar="X", help="Speed of the sandbox's clock."),
    ] = 1.0,
    upstream: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An OpenAI-compatible API that answers the requests.",
            show_default="synthetic answers",
        ),
    ] = None,
) -> None:
    """Serve the batch APIs on this machine: no account, no cost.

    Prints the environment variables that point to it, and serves until Ctrl-C.
    """
    from ...sandbox import serve

    serve(
        port=port,
        state_dir=state_dir,
        faults=faults,
        time_scale=time_scale,
        upstream=upstream,
    )


@app.command(rich_help_panel=_LOCAL, epilog="Example: batchwright doctor")
def doctor(*, as_json: AsJson = False) -> None:
    """Show versions, addresses, and which keys are set.

    No key or password is shown, so the output can be part of a bug report.
    """
    from ..tables import print_facts

    found = _facts()
    if as_json:
        typer.echo(json.dumps(dict(found)))
    else:
        print_facts(found)


def _facts() -> list[tuple[str, str]]:
    """Return names and values, in the order in which they are shown."""
    import platform
    from importlib.metadata import version

    from ...providers import vendors
    from ...providers.address import without_password
    from ...settings import get_settings

    everyone = tuple(vendors())
    known = [vendor for vendor in everyone if vendor.sdk or _is_in_use(vendor)]
    sdks = dict.fromkeys(vendor.sdk for vendor in known if vendor.sdk)
    keys = [name for vendor in known for name in vendor.key_variables]
    keys += [name for vendor in known for name in vendor.secret_variables]
    addresses = [(vendor.base_url_variable, vendor.base_url) for vendor in known]
    home = os.environ.get("PREFECT_HOME") or str(Path.home() / ".prefect")
    return [
        ("Python", platform.python_version()),
        *((name, version(name)) for name in (*_PACKAGES, *sdks)),
        *((name, "set" if os.environ.get(name) else "not set") for name in keys),
        *(
            (name, without_password(os.environ.get(name) or f"not set: {default}"))
            for name, default in (*addresses, _PREFECT)
        ),
        (
            "Other providers",
            ", ".join(vendor.name for vendor in everyone if vendor not in known),
        ),
        ("BATCHWRIGHT_RUNS_DIR", _folder(get_settings().runs_dir)),
        ("PREFECT_HOME", _folder(home)),
    ]


def _is_in_use(vendor: Vendor) -> bool:
    """Whether anything is set for a provider."""
    variables = vendor.base_url_variable, *vendor.key_variables
    return any(map(os.environ.get, variables))


def _folder(location: str) -> str:
    """Return the folder, and whether it can be written; nothing is created."""
    if "://" in location:
        from ...providers.address import without_password

        return without_password(location)
    path = Path(location).absolute()
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return f"{path} (cannot be written)"
    return str(path) if path.exists() else f"{path} (created when needed)"
