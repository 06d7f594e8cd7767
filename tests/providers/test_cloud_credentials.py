"""Credentials of clouds in place of keys, from the clouds' own libraries."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from batchwright.errors import AccessError, RejectedError
from batchwright.providers import get_provider
from batchwright.sandbox import Sandbox

TOKEN = "a-token-of-entra"


class _Identity(BaseHTTPRequestHandler):
    """The endpoint from which a machine of Azure takes its tokens."""

    def do_GET(self) -> None:
        """Answer with a token."""
        body = {"access_token": TOKEN, "expires_on": "4102444800", "resource": "r"}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({**body, "token_type": "Bearer"}).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make this a machine that has an identity at Azure."""
    with HTTPServer(("127.0.0.1", 0), _Identity) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
        yield
        server.shutdown()


@pytest.mark.usefixtures("identity")
def test_azure_takes_tokens_of_entra_id(sandbox: Sandbox) -> None:
    """Without a key, each call carries a token; its account is the token's."""
    provider = get_provider("azure", sandbox.base_url("azure"))
    assert [*provider.list(1)] == []
    with_key = get_provider("azure", sandbox.base_url("azure"), TOKEN)
    assert provider.account() == with_key.account()


@pytest.mark.usefixtures("identity")
def test_no_word_is_taken_for_a_key(sandbox: Sandbox) -> None:
    """The name of a region stays whole in an error."""
    message = "The quota of swedencentral is used up."
    fault = {"operation": "list", "do": "status", "status": 400, "message": message}
    sandbox.set_faults({"calls": [fault]})
    with pytest.raises(RejectedError, match="swedencentral"):
        get_provider("azure", sandbox.base_url("azure")).account()


def test_no_identity_is_one_sentence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the service and what the library said."""
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    provider = get_provider("azure", sandbox.base_url("azure"))
    with pytest.raises(AccessError, match="No token of Microsoft Entra ID") as caught:
        provider.account()
    assert "\n" not in str(caught.value)


def test_no_google_credentials_are_one_sentence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the service and what the library said."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file.json")
    provider = get_provider("anthropic-gcp", sandbox.base_url("anthropic-gcp"))
    with pytest.raises(AccessError, match="Claude on Google Cloud: ") as caught:
        provider.account()
    assert "\n" not in str(caught.value)


def test_the_workspace_is_part_of_the_account(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On AWS another workspace sees other batches, so it is another account."""
    monkeypatch.setenv("ANTHROPIC_AWS_WORKSPACE_ID", "wrkspc_1")
    provider = get_provider("anthropic-aws", sandbox.base_url("anthropic-aws"), "key")
    assert provider.account().project == "wrkspc_1"
