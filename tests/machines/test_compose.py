"""Tests of the compose file and the Dockerfile, without a container."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchwright.console.commands.project import PROJECT

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deployments" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))[
    "services"
]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text("utf-8")


def composer() -> list[str]:
    """Return the command of whichever Docker Compose is here; skip without any."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        answer = subprocess.run(
            [*command, "version"], capture_output=True, check=False, timeout=60
        )
        if answer.returncode == 0:
            return command
    pytest.skip("Docker Compose is not installed; the other tests read the file alone")


def config(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Have Docker Compose read the file with these variables in its shell."""
    return subprocess.run(
        [*command, "--file", str(COMPOSE), "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_docker_compose_accepts_it() -> None:
    """What it reads has every service, and keys come from the shell alone."""
    command = composer()
    done = config(command, POSTGRES_PASSWORD="pw-marker", OPENAI_API_KEY="key-marker")
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) == set(SERVICES)
    assert "pw-marker" in str(services["database"])
    holders = [name for name in services if "key-marker" in str(services[name])]
    assert holders in (["worker"], [])  # older ones leave it to the container's start
    assert config(command).returncode != 0, "a password must be asked for"


def test_every_word_is_known() -> None:
    """No key is misspelt, which some versions of Compose would pass over."""
    assert {key for service in SERVICES.values() for key in service} == {
        *("image", "build", "init", "restart", "command", "environment", "ports"),
        *("volumes", "depends_on", "healthcheck", "deploy", "stop_grace_period"),
    }
    checks = [service.get("healthcheck", {}) for service in SERVICES.values()]
    assert {key for check in checks for key in check} == {
        *("test", "interval", "timeout", "retries", "start_period"),
    }
    named = {
        volume.split(":")[0]
        for each in SERVICES.values()
        for volume in each.get("volumes", [])
    }
    assert named == set(yaml.safe_load(COMPOSE.read_text("utf-8"))["volumes"])


def test_services_start_in_order_and_are_watched() -> None:
    """Each waits until what it needs is healthy or done."""
    needs = {
        name: {
            other: how["condition"]
            for other, how in service.get("depends_on", {}).items()
        }
        for name, service in SERVICES.items()
    }
    assert needs == {
        "database": {},
        "server": {"database": "service_healthy"},
        "setup": {"server": "service_healthy"},
        "worker": {"setup": "service_completed_successfully"},
    }
    for name in ("database", "server", "worker"):
        assert SERVICES[name]["healthcheck"]["test"], name
    assert SERVICES["worker"]["deploy"]["replicas"] > 1


def test_the_files_hold_no_secret_and_no_registry() -> None:
    """Secrets are variables without a value; images are named without a host."""
    for name, service in SERVICES.items():
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|KEY|SECRET|TOKEN", variable):
                assert value is None or value.startswith("${"), f"{name}: {variable}"
        assert "/" not in service["image"], name
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"[a-z]+:[0-9.]+(-slim)?", image), image


def test_nothing_is_reported_to_anybody() -> None:
    """Telemetry is off wherever Prefect runs."""
    for name in ("server", "setup", "worker"):
        assert SERVICES[name]["environment"]["DO_NOT_TRACK"] == "1", name
    server = SERVICES["server"]["environment"]
    assert server["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_the_image_is_pinned_and_not_root() -> None:
    """What was tested is installed, of the files of a project, for an ordinary user."""
    *_, user = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert user not in {"root", "0"}
    assert "--constraint constraints.txt" in DOCKERFILE
    copied = " ".join(re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    files = {name.partition("/")[0] for name in PROJECT}
    assert {*copied} - {"*.whl"} <= files
