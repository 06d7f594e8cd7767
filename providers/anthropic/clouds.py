"""Claude's batches on two clouds, through the SDK's classes for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import anthropic

from ...errors import AccessError, MissingKeyError, in_one_line
from ...models import Account
from ..http.keys import NO_KEY
from ..vendor import Vendor
from .client import AnthropicProvider

__all__ = ["AWSProvider", "GoogleCloudProvider"]

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_WORKSPACE = "ANTHROPIC_AWS_WORKSPACE_ID"
_ELSEWHERE = "default"
"""The workspace at any other address than the cloud's."""


class AWSProvider(AnthropicProvider):
    """Batches of one workspace of the Claude Platform on AWS.

    Without a key, calls are signed with the credentials that boto3 finds; then a
    request file is read into memory whole, because the signature covers it.
    """

    _workspace: str | None

    def account(self) -> Account:
        """Look at the account, in which the workspace is a project; one call."""
        found = super().account()
        return found.model_copy(update={"project": found.project or self._workspace})

    def _connect(self, **options: Any) -> anthropic.Anthropic:
        key = None if self._failures.key == NO_KEY else self._failures.key
        if key is None and find_spec("boto3") is None:
            raise _no_key(self.vendor, "aws")
        default = None if self.base_url.endswith(".api.aws") else _ELSEWHERE
        self._workspace = os.environ.get(_WORKSPACE, default)
        try:
            return anthropic.AnthropicAWS(
                api_key=key, workspace_id=self._workspace, **options
            )
        except anthropic.AnthropicError as exc:
            raise AccessError(f"{self.vendor.title}: {in_one_line(exc)}.") from None


class GoogleCloudProvider(AnthropicProvider):
    """Batches of one workspace of Claude on Google Cloud.

    Without a token, the application-default credentials of `google.auth` are used.
    """

    def _connect(self, **options: Any) -> anthropic.Anthropic:
        key = self._failures.key
        tokens = self._tokens() if key == NO_KEY else lambda: key
        return anthropic.AnthropicGoogleCloud(token_provider=tokens, **options)

    def _tokens(self) -> Callable[[], str]:
        try:
            import google.auth  # noqa: PLC0415 - of an extra
            from google.auth.transport.requests import Request  # noqa: PLC0415
        except ImportError:
            raise _no_key(self.vendor, "google-cloud") from None
        errors = google.auth.exceptions.GoogleAuthError
        found: list[Any] = []

        def token() -> str:
            try:
                if not found:
                    found.append(google.auth.default(scopes=[_SCOPE])[0])
                if not found[0].valid:
                    found[0].refresh(Request())
            except errors as exc:
                said = in_one_line(exc)
                raise AccessError(f"{self.vendor.title}: {said}.") from None
            return str(found[0].token)

        return token


def _no_key(vendor: Vendor, extra: str) -> MissingKeyError:
    return MissingKeyError(
        f"No key for {vendor.title}: set {vendor.key_variables[0]}, or use the cloud's"
        f" own credentials: pip install 'batchwright[{extra}]'."
    )
