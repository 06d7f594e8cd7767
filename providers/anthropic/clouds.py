"""Claude's batches on two clouds, through the SDK's classes for them."""

from __future__ import annotations

import os
from typing import Any

import anthropic

from ...errors import AccessError
from ..http.keys import NO_KEY
from .client import AnthropicProvider

__all__ = ["AWSProvider", "GoogleCloudProvider"]

_WORKSPACE = "ANTHROPIC_AWS_WORKSPACE_ID"
_ELSEWHERE = "default"
"""The workspace at any other address than the cloud's."""


class AWSProvider(AnthropicProvider):
    """Batches of one workspace of the Claude Platform on AWS.

    Without a key, calls are signed with the credentials that boto3 finds; then a
    request file is read into memory whole, because the signature covers it.
    """

    def _connect(self, **options: Any) -> anthropic.Anthropic:
        key = self._failures.key
        workspace = None if self.base_url.endswith(".api.aws") else _ELSEWHERE
        try:
            return anthropic.AnthropicAWS(
                api_key=None if key == NO_KEY else key,
                workspace_id=os.environ.get(_WORKSPACE, workspace),
                **options,
            )
        except anthropic.AnthropicError as exc:
            raise AccessError(f"{self.vendor.title}: {exc}") from None


class GoogleCloudProvider(AnthropicProvider):
    """Batches of one workspace of Claude on Google Cloud.

    Without a token, the application-default credentials of `google.auth` are used.
    """

    def _connect(self, **options: Any) -> anthropic.Anthropic:
        key = self._failures.key
        tokens = None if key == NO_KEY else lambda: key
        return anthropic.AnthropicGoogleCloud(token_provider=tokens, **options)
