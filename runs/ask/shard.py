"""Ask a shard's requests in realtime, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...data.custom_id import id_in, row_in
from ...models import Intent
from ...providers import asker
from ..collect.keep import keep_results
from ..create.submit import known_of, token_of
from ..decide.budget import reservation_usd
from ..directory.access import checked_account
from ..directory.attempts import Attempt
from ..directory.run import Run
from ..directory.shard import Shard
from ..events import emit
from ..pause import patiently
from .answers import Answers, answers_in
from .lease import leased
from .pool import ask_all

__all__ = ["ask_shard"]


def ask_shard(run: Run, path: str) -> None:
    """Ask each request of a shard that has no answer yet, and close the attempt.

    Safe to repeat: an answer is on disk before its thread asks the next request, so
    what a kill can lose, and what is then asked again, are the requests under way. In
    a run that was cancelled nothing is asked, and what is there is kept.

    Raises:
        RunBusyError: Another process asks them.
        ProviderError: The provider refused for good, or for too long.
    """
    shard = run.shard(path)
    if shard.is_settled or shard.is_open or shard.is_lost:
        return
    attempt = shard.last if shard.is_asking else None
    if attempt is None:
        attempt = patiently(lambda: _claim(run, shard), "Looking at the account")
    directory, fmt = run.directory, run.format
    lease = shard.output_name.replace(".output.jsonl", ".lease")
    with (
        leased(directory, lease) as renew,
        answers_in(
            directory, shard.output_name, lambda line: fmt.decode(line).custom_id
        ) as answers,
        run.as_made(f"{path}/requests.jsonl", shard.plan.digest) as requests,
    ):

        def goes_on(done: int, failure: str | None) -> bool:
            renew()
            total, before = shard.plan.requests, len(answers.ids)
            emit("asking", shard=path, done=before + done, total=total)
            if failure:
                text = f"A request failed and is asked again: {failure}"
                emit("notice", shard=path, text=text)
            return not directory.exists("cancelled.json")

        unanswered: dict[int, str] = {}
        if goes_on(0, None):
            model = run.job_at(shard.plan.round).template.model
            unanswered = _ask(run, model, requests, answers, goes_on)
        with directory.scratch() as scratch:
            ended = keep_results(run, shard, attempt, answers.path, scratch)
        ended = ended.model_copy(update={"unanswered": unanswered})
        shard.attempts.close(attempt, ended)
        answers.clear()
    emit("asked", shard=path, done=ended.lines)


def _claim(run: Run, shard: Shard) -> Attempt:
    """Write down that the shard's requests are asked from now on."""
    job = run.job_at(shard.plan.round)
    account = checked_account(run.provider(), known_of(run, shard))
    intent = Intent(
        token=f"{token_of(run, shard.path)}-{shard.attempts.next_number}",
        claimed_at=datetime.now(UTC),
        requests=shard.plan.requests,
        bytes=shard.plan.bytes,
        digest=shard.plan.digest,
        endpoint=job.template.endpoint,
        account=account,
        reserved_usd=reservation_usd(job, shard.plan, realtime=True),
        realtime=True,
    )
    emit(
        "notice",
        shard=shard.path,
        text=f"{shard.plan.requests:,} requests are asked in realtime, at full price.",
    )
    return shard.attempts.claim(intent)


def _ask(
    run: Run,
    model: str,
    requests: Path,
    answers: Answers,
    goes_on: Callable[[int, str | None], bool],
) -> dict[int, str]:
    """Ask what has no answer; return the rows that were given up, with the error."""
    nonce, answer = run.plan().nonce, asker(run.provider(), model)

    def ask(line: bytes) -> None:
        answers.add(id_in(line, nonce).decode(), answer(line))

    def unanswered() -> Iterator[bytes]:
        with requests.open("rb") as lines:
            for line in lines:
                if id_in(line, nonce).decode() not in answers.ids:
                    yield line

    given_up = ask_all(unanswered(), ask, run.job.job.realtime_concurrency, goes_on)
    return {row_in(line, nonce): error for line, error in given_up}
