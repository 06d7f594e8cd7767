"""Amazon Bedrock's API as a row of the sandbox's table."""

from __future__ import annotations

from starlette.datastructures import Headers

from ..engine.produce import Format
from ..http.vendor import Vendor
from . import jobs, realtime, s3
from .lines import answer_line, check_records, publish, unrun_line

__all__ = ["VENDORS"]

_PATH = "/bedrock"


def _headers(request_id: str, account: str | None, _: Headers) -> dict[str, str]:
    del account
    return {"x-amzn-requestid": request_id}


VENDORS = (
    Vendor(
        name="bedrock",
        base_path=_PATH,
        base_url_variable="AWS_ENDPOINT_URL_BEDROCK",
        sdk_path=None,
        key_variable=None,
        format=Format(
            answer_line, unrun_line, publish, check_records, id_member="recordId"
        ),
        routes=[*s3.routes(_PATH), *jobs.routes(_PATH), *realtime.routes(_PATH)],
        error_body=jobs.error_body,
        response_headers=_headers,
        missing_key="Missing Authentication Token",
    ),
)
