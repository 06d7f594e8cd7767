"""Bedrock as the conformance suite wants it: the sandbox, and a bucket of moto's."""

from __future__ import annotations

import os
import secrets
from typing import Any

from batchwright.sandbox import Sandbox
from tests.providers.test_conformance import QUICK, SandboxServer

ROLE = "arn:aws:iam::123456789012:role/batch"


class BedrockServer(SandboxServer):
    """The sandbox, with the files of its jobs in a bucket of moto's."""

    def __init__(self, sandbox: Sandbox, bucket: str) -> None:
        self._place = f"{bucket}/jobs"
        super().__init__(sandbox, "bedrock")
        sandbox.set_faults(self.faults())

    def faults(self, **more: Any) -> dict[str, Any]:
        """Return faults with which two records are enough."""
        return {**QUICK, "limits": {"bedrock_min_requests": 1}, **more}

    def environment(self) -> dict[str, str]:
        """Return a new account."""
        return {
            **super().environment(),
            # A process that began before the bucket was made does not know its server.
            "AWS_ENDPOINT_URL_S3": os.environ["AWS_ENDPOINT_URL"],
            "AWS_SECRET_ACCESS_KEY": f"secret-{secrets.token_hex(4)}",
            "BEDROCK_BATCH_ROLE_ARN": ROLE,
            "BEDROCK_BATCH_S3_URI": self._place,
            "BEDROCK_BATCH_MIN_RECORDS": "1",
        }

    def fail_request(self) -> None:
        """Let the second request of the next batch fail."""
        batch = {"nth": [1], "answers": [{"status": 500, "nth": [2]}]}
        self._sandbox.set_faults(self.faults(batches=[batch]))

    def refuse_to_answer(self, status: int) -> None:
        """Refuse every request that is asked at once."""
        call = {"operation": "ask", "do": "status", "status": status}
        call["retry_after_seconds"] = 0.01
        self._sandbox.set_faults(self.faults(calls=[call]))

    def lose_answer(self, *, created: bool) -> None:
        """Break the connection of the next creation."""
        call = {"operation": "create", "do": "drop", "after": created, "nth": [1]}
        self._sandbox.set_faults(self.faults(calls=[call]))
