"""Amazon Bedrock's batch inference jobs.

Jobs are made and looked at over HTTP, signed by botocore; requests and results are
files on S3, which boto3 reads and writes. Role and bucket come from the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import orjson

from ...errors import (
    BatchFailedError,
    InputError,
    MissingKeyError,
    ProviderError,
    ResultsGoneError,
)
from ...models import Account, Batch, BatchStatus, Intent
from ..base import Progress
from ..http.asking import LINE_ENDS, ask, parts_of
from ..http.client import (
    HttpClient,
    check_ended,
    create_budget,
    http_options,
    timeout,
)
from ..http.download import ResultFile, save_results
from ..http.wire import as_int, as_mapping, as_text, read_object
from ..lines import object_of
from ..vendor import Vendor
from .aws import Bucket, Signer, session_of
from .batch import MANIFEST, OUTPUT, job_id_of, read_job
from .format import BedrockFormat
from .places import (
    SANDBOX_PLACE,
    SANDBOX_ROLE,
    account_of_role,
    place_of_files,
    region_of,
    role_of_jobs,
    runtime_url,
)
from .record import BEDROCK, INVOKE

__all__ = ["BedrockProvider"]

_JOBS, _JOB = "/model-invocation-jobs", "/model-invocation-job"
_REMEMBERED = timedelta(hours=1)
_FULL = "ServiceQuotaExceededException"
_NO_CAPACITY = "token_limit_exceeded"
"""The code by which a run waits until other batches have ended."""


class BedrockProvider(HttpClient, BedrockFormat):
    """Jobs of one AWS account and region; `clientRequestToken` is the token."""

    page_size = 1000

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Vendor = BEDROCK,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        BedrockFormat.__init__(self, base_url, vendor=vendor)
        if not self.base_url:
            raise InputError(f"No region for {vendor.title}: set AWS_REGION.")
        is_local = urlsplit(self.base_url).hostname in {"127.0.0.1", "localhost", "::1"}
        if api_key and not is_local:
            raise MissingKeyError(
                f"{vendor.title} takes no API key: its credentials are those that boto3"
                " finds, in the environment or a profile; leave `credentials` out."
            )
        HttpClient.__init__(
            self,
            vendor,
            self.base_url,
            api_key,
            status_error=httpx2.HTTPStatusError,
            connection_error=httpx2.TransportError,
        )
        region = region_of(self.base_url)
        session = session_of(api_key, region)
        # A sandbox whose key was given has an S3 of its own, and no other is touched.
        self._is_sandbox = bool(api_key)
        self._bucket = Bucket(session, f"{self.base_url}/s3" if api_key else None)
        self._client, self._runtime = (
            httpx2.Client(
                base_url=url,
                auth=Signer(session, region),
                timeout=timeout(),
                **http_options(url, transport),
            )
            for url in (
                self.base_url,
                self.base_url if api_key else runtime_url(self.base_url),
            )
        )

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request now; see `Provider.ask`."""
        if model is None:
            raise InputError(f"A request of {self.vendor.title} does not name a model.")
        record_id, content = parts_of(line, "recordId", "modelInput")
        path = f"/model/{quote(model, safe='')}{self.endpoint(line)}"
        status, body = ask(self._failures, self._post, path, content)
        member = b"modelOutput"
        if status != httpx2.codes.OK:
            message = object_of(body).get("message")
            body = orjson.dumps({"errorCode": status, "errorMessage": message})
            member = b"error"
        return b'{"modelInput":%b,"%b":%b,"recordId":%b}' % (
            content.translate(LINE_ENDS),
            member,
            body,
            record_id,
        )

    def _post(self, path: str, **call: Any) -> httpx2.Response:
        headers = call["options"]["headers"]
        answer = self._runtime.post(path, content=call["content"], headers=headers)
        return answer.raise_for_status()

    def account(self) -> Account:
        """Look at the account, which the role names; one call."""
        return super().account().model_copy(update={"organization": account_of_role()})

    def upload(
        self,
        requests_path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> str:
        """Put the request file on S3; returns its URI.

        Raises:
            InputError: The environment does not say where, or by which role it is read.
        """
        self._role()
        place = SANDBOX_PLACE if self._is_sandbox else place_of_files()
        if earlier and self._bucket.size(earlier) == requests_path.stat().st_size:
            return earlier
        uri = f"{place}/{requests_path.stem}-{token_hex(8)}.jsonl"
        self._bucket.put(requests_path, uri, progress)
        return uri

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the job of an uploaded file; the same intent makes it once.

        How long AWS remembers a token is not documented, so that an older one is first
        looked for among the jobs.
        """
        if datetime.now(UTC) - intent.claimed_at > _REMEMBERED and (
            found := self.find(intent)
        ):
            return found[-1]
        source = intent.input_file_id or self.upload(requests_path, progress)
        limits, _ = create_budget()
        window = intent.completion_window or self.vendor.completion_windows[0]
        is_own = intent.endpoint == INVOKE
        target = f"{source.rpartition('/')[0]}/{intent.token}/"
        job = {
            "jobName": _name(intent),
            "clientRequestToken": intent.token,
            "roleArn": self._role(),
            "modelId": intent.model,
            "modelInvocationType": "InvokeModel" if is_own else "Converse",
            "inputDataConfig": {
                "s3InputDataConfig": {"s3Uri": source, "s3InputFormat": "JSONL"}
            },
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": target}},
            "timeoutDurationInHours": self.vendor.hours_of(window),
        }
        try:
            with self._failures.creating():
                answer = self._client.post(_JOB, json=job, timeout=limits)
                answer.raise_for_status()
        except ProviderError as exc:
            if exc.code == _FULL:
                exc.code = _NO_CAPACITY
            raise
        body = _with_id(read_object(answer) or {})
        self._failures.created(httpx2.Response(answer.status_code, json=body))
        return self._read({**job, "status": "Submitted", **body})

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the lines of all files that the job has written.

        Jobs that ended early have those of the records that were processed.
        """
        check_ended(batch)
        if batch.status is BatchStatus.FAILED:
            said = "; ".join(each.message for each in batch.errors) or "no reason given"
            raise BatchFailedError(
                f"{self.vendor.title} refused the records of job {batch.id}, so nothing"
                f" ran: {said}"
            )
        sizes = self._bucket.list(batch.results_url or "")
        files = {uri: size for uri, size in sizes.items() if uri.endswith(OUTPUT)}
        promised = max(self._processed(sizes), batch.counts.done)
        if promised and not files:
            raise ResultsGoneError(
                f"Job {batch.id} is {batch.provider_status}, but its results are not at"
                f" {batch.results_url}; were they moved or deleted?",
                httpx2.codes.NOT_FOUND,
            )

        def tell(done_bytes: int) -> None:
            if progress:
                progress(done_bytes, sum(files.values()))

        def fetch(results: ResultFile) -> None:
            for uri, size in sorted(files.items()):
                results.add(
                    self._bucket.get(uri),
                    name=uri,
                    promised_bytes=size,
                    progress=tell,
                )

        return save_results(path, fetch, promised, f"The result of job {batch.id}")

    def _processed(self, files: Mapping[str, int]) -> int:
        """Return how many records the manifest says that results have."""
        uri = next((uri for uri in files if uri.endswith(MANIFEST)), None)
        if uri is None:
            return 0
        response = self._bucket.get(uri)
        response.read()
        return as_int((read_object(response) or {}).get("processedRecordCount")) or 0

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return read_job(body, self.name)

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        query = {
            "maxResults": str(limit),
            "sortBy": "CreationTime",
            "sortOrder": "Descending",
            **({"nextToken": after} if after else {}),
        }
        return self._client.get(_JOBS, params=query).raise_for_status()

    def _page_of(self, response: httpx2.Response) -> dict[str, Any]:
        page = read_object(response)
        jobs = None if page is None else page.get("invocationJobSummaries", [])
        if page is None or not isinstance(jobs, list):
            raise self._failures.unexpected(response, "list the batches")
        following = as_text(page.get("nextToken"))
        return {
            "data": [_with_id(as_mapping(job)) for job in jobs],
            "paging": {"next_cursor": following},
        }

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        answer = self._client.get(f"{_JOB}/{quote(batch_id)}").raise_for_status()
        return _as_object(answer)

    def _cancel(self, batch_id: str) -> httpx2.Response:
        """Stop the job; the answer is empty, so the job is looked at."""
        self._client.post(f"{_JOB}/{quote(batch_id)}/stop").raise_for_status()
        return self._retrieve(batch_id)

    def _role(self) -> str:
        return SANDBOX_ROLE if self._is_sandbox else role_of_jobs()

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        return intent.token in batch.metadata.values()


def _name(intent: Intent) -> str:
    return f"batchwright-{intent.token}"[:63].rstrip("-")


def _with_id(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "id": job_id_of(body.get("jobArn"))}


def _as_object(response: httpx2.Response) -> httpx2.Response:
    """Return the answer with the ID of the job, which stands in its ARN."""
    found = read_object(response)
    if found is None:
        return response
    return httpx2.Response(response.status_code, content=orjson.dumps(_with_id(found)))
