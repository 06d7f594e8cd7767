"""The routes of Bedrock's jobs, and the form of a job.

Members, words and bounds are those of botocore 1.44.8, `bedrock` of 2023-04-20.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.backend import Backend
from ..engine.store import BatchRow
from ..engine.timeline import Moment, plan_of
from ..http.api import ApiError, apply_batch_fault, backend_of, json_body, json_response
from .objects import server_of_objects

__all__ = ["error_body", "refusal", "routes"]

_REQUIRED = ("jobName", "roleArn", "modelId", "inputDataConfig", "outputDataConfig")
_NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}")
_TOKEN = re.compile(r"[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}")
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::[0-9]{12}:role/.+")
_HOURS = range(24, 169)
_MOST = 1000
_REGION = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/")
_STATES = {
    "validating": "Validating",
    "in_progress": "InProgress",
    "finalizing": "InProgress",
    "cancelling": "Stopping",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Stopped",
}


def refusal(status: int, code: str, message: str) -> ApiError:
    """Return an error with the header by which AWS names its kind."""
    headers = {"x-amzn-errortype": code}
    return ApiError(status, message, code=code, headers=headers)


def error_body(error: ApiError, _: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"message": error.message} | ({"code": error.code} if error.code else {})


def _invalid(message: str) -> ApiError:
    return refusal(400, "ValidationException", message)


async def _create(request: Request) -> Response:
    backend, body = backend_of(request), await json_body(request)
    account, name = request.state.account, request.state.vendor.name
    _check(body)
    token = body.get("clientRequestToken") or backend.new_batch_id("")
    job_id = backend.batch_id_of("", f"{account} {token}")
    config = {
        **body,
        "clientRequestToken": token,
        "region": _region(request),
        "s3": server_of_objects(),
    }
    row = backend.store.get(BatchRow, job_id, provider=name, account=account)
    if row is not None and _config(row) != config:
        text = "The clientRequestToken was used with other parameters."
        raise refusal(400, "ConflictException", text)
    if row is None:
        row = BatchRow(
            id=job_id,
            provider=name,
            account=account,
            created_at=backend.clock.now(),
            plan=backend.new_plan(name),
            metadata=orjson.dumps(config).decode(),
            endpoint=body.get("modelInvocationType", "InvokeModel"),
            model=body["modelId"],
        )
        backend.store.add(row)
        backend.worker.start(row.id)
    return json_response({"jobArn": _arn(row)})


def _check(body: dict[str, Any]) -> None:
    for name in _REQUIRED:
        if not body.get(name):
            raise _invalid(f"1 validation error detected: {name} must not be null")
    token = body.get("clientRequestToken", "a")
    for name, value, pattern, most in (
        ("jobName", body["jobName"], _NAME, 63),
        ("clientRequestToken", token, _TOKEN, 256),
        ("roleArn", body["roleArn"], _ROLE, 2048),
    ):
        if not pattern.fullmatch(str(value)) or len(str(value)) > most:
            text = f"Value {value!r} at {name!r} failed to satisfy constraint: Member"
            raise _invalid(f"{text} must satisfy the regular expression pattern")
    if body.get("timeoutDurationInHours", 24) not in _HOURS:
        raise _invalid("timeoutDurationInHours must be between 24 and 168")
    if body.get("modelInvocationType", "Converse") not in {"Converse", "InvokeModel"}:
        raise _invalid("modelInvocationType is not one of [InvokeModel, Converse]")
    for side in ("input", "output"):
        config = body[f"{side}DataConfig"].get(f"s3{side.title()}DataConfig") or {}
        if not str(config.get("s3Uri", "")).startswith("s3://"):
            raise _invalid(f"{side}DataConfig has no s3Uri")


def _region(request: Request) -> str:
    found = _REGION.search(request.headers.get("authorization", ""))
    return found[1] if found else "us-east-1"


def _arn(row: BatchRow) -> str:
    """Return the name of a job; the account is the role's."""
    config = _config(row)
    account = config["roleArn"].split(":")[4]
    region = config["region"]
    return f"arn:aws:bedrock:{region}:{account}:model-invocation-job/{row.id}"


async def _list(request: Request) -> Response:
    backend, query = backend_of(request), request.query_params
    size = int(query.get("maxResults", _MOST))
    if not 1 <= size <= _MOST:
        raise _invalid("maxResults must be between 1 and 1000")
    newest_first = query.get("sortOrder", "Descending") == "Descending"
    bound = query.get("nextToken")
    rows = backend.store.select(
        BatchRow,
        newest_first=newest_first,
        before=int(bound) if bound and newest_first else None,
        after=int(bound) if bound and not newest_first else None,
        provider=request.state.vendor.name,
        account=request.state.account,
    )
    named = query.get("nameContains", "")
    rows = [row for row in rows if named in _config(row)["jobName"]]
    jobs = [_job(backend, row) for row in rows[:size]]
    page: dict[str, Any] = {"invocationJobSummaries": jobs}
    if len(rows) > size:
        page["nextToken"] = str(rows[size - 1].seq)
    return json_response(page)


def _config(row: BatchRow) -> dict[str, Any]:
    config: dict[str, Any] = orjson.loads(row.metadata or "{}")
    return config


def _find(request: Request) -> BatchRow:
    """Return the job that a path names by its ID or its ARN."""
    job_id = request.path_params["id"].rpartition("/")[2]
    mine = {"provider": request.state.vendor.name, "account": request.state.account}
    row = backend_of(request).store.get(BatchRow, job_id, **mine)
    if row is None:
        text = f"Could not find an invocation job with the identifier {job_id}."
        raise refusal(404, "ResourceNotFoundException", text)
    return row


async def _retrieve(request: Request) -> Response:
    return json_response(_job(backend_of(request), _find(request)))


async def _stop(request: Request) -> Response:
    backend, row = backend_of(request), _find(request)
    if backend.moment(row).is_final:
        text = "The job has ended and cannot be stopped."
        raise refusal(400, "ConflictException", text)
    if row.cancel_at is None:
        backend.worker.cancel(row)
    return json_response({})


def _word(row: BatchRow, moment: Moment) -> str:
    if moment.state == "expired":
        return "PartiallyCompleted" if row.succeeded + row.errored else "Expired"
    return _STATES[moment.state]


def _job(backend: Backend, row: BatchRow) -> dict[str, Any]:
    """Return a job as it is now, with its faults."""
    moment, effects = backend.moment(row), plan_of(row).effects
    config = _config(row)
    del config["region"], config["s3"]
    word = _word(row, moment)
    succeeded, errored = row.succeeded, row.errored
    if not moment.is_final:
        succeeded, errored = int(succeeded * moment.fraction), 0
    errors = orjson.loads(row.errors or "[]") if moment.state == "failed" else []
    job: dict[str, Any] = {
        "jobArn": _arn(row),
        "modelInvocationType": "InvokeModel",
        "timeoutDurationInHours": 24,
        **config,
        "status": word if moment.is_final else (effects.status or word),
        "submitTime": _time(row.created_at),
        "lastModifiedTime": _time(moment.ended_at or row.created_at),
        "endTime": moment.ended_at and _time(moment.ended_at),
        "jobExpirationTime": _time(moment.expires_at),
        "expires_at": None,
        "request_counts": {
            "total": row.total,
            "processed": succeeded + errored,
            "success": succeeded,
            "error": errored,
        },
    }
    if errors:
        job["message"] = "; ".join(errors)
    apply_batch_fault(job, effects)
    del job["expires_at"]
    counts = job.pop("request_counts", None) or {}
    job |= {f"{name}RecordCount": value for name, value in counts.items()}
    return {name: value for name, value in job.items() if value is not None}


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def routes(base_path: str) -> list[Route]:
    """Return the routes below a base path, each named after its operation."""
    job = f"{base_path}/model-invocation-job"
    return [
        Route(job, _create, methods=["POST"], name="create"),
        Route(f"{job}s", _list, methods=["GET"], name="list"),
        Route(job + "/{id:path}/stop", _stop, methods=["POST"], name="cancel"),
        Route(job + "/{id:path}", _retrieve, methods=["GET"], name="retrieve"),
    ]
