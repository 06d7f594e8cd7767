"""Amazon Bedrock's record."""

from __future__ import annotations

from ..lines import object_of
from ..vendor import Vendor

__all__ = ["BEDROCK", "CONVERSE", "INVOKE", "VENDORS"]

CONVERSE, INVOKE = "/converse", "/invoke"
"""The forms of a request, by the path at which a single one is answered: those of the
job's `modelInvocationType` Converse and InvokeModel."""


def _is_result(line: bytes) -> bool:
    record = object_of(line)
    return "recordId" in record and ("modelOutput" in record or "error" in record)


BEDROCK = Vendor(
    name="bedrock",
    title="Amazon Bedrock",
    key_variables=("AWS_ACCESS_KEY_ID",),
    secret_variables=("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    key_is_optional=True,  # boto3 finds credentials in more places
    base_url="https://bedrock.{AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com",
    base_url_variable="AWS_ENDPOINT_URL_BEDROCK",
    endpoints=(CONVERSE, INVOKE),
    creation="key",
    one_model_per_batch=True,
    one_endpoint_per_batch=True,
    names_model=False,
    has_flat_errors=True,
    price_id="aws",
    batch_discount=0.5,
    completion_windows=("24h",),
    window_hours=(24, 168),
    is_result=_is_result,
    is_request=lambda line: "modelInput" in line and "modelOutput" not in line,
    format="batchwright.providers.bedrock.format:BedrockFormat",
    client="batchwright.providers.bedrock.client:BedrockProvider",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html;"
    " botocore 1.44.8",
    checked="2026-11-28",
    guesses=("the characters of a recordId", "how long a clientRequestToken holds"),
)

VENDORS = (BEDROCK,)
