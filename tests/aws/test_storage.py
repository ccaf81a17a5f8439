"""Each call to S3 names the account that must own the bucket, since anyone may have created one of that name first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from lambent.aws.storage import BotoStorage
from lambent.errors import AwsError

ACCOUNT = "123456789012"
IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
LISTED = "<ListBucketResult><Contents><Key>uploads/a.zip</Key></Contents></ListBucketResult>"


class Body:
    def __init__(self, data: str) -> None:
        self._data = data.encode()

    def stream(self) -> Any:
        yield self._data


class Recorder:
    """Answers botocore's requests, and records those to S3."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.identities = 0
        self._status = status
        self.session = botocore.session.Session()
        self.session.set_credentials("a", "b")
        self.session.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        if "sts" in request.url:
            self.identities += 1
            return AWSResponse(request.url, 200, {}, Body(IDENTITY))
        owner = request.headers.get("x-amz-expected-bucket-owner", "")
        owner = owner.decode() if isinstance(owner, bytes) else owner
        self.requests.append((request.method, request.url.partition("?")[2], owner))
        return AWSResponse(request.url, self._status, {}, Body(LISTED if "list-type" in request.url else ""))


def test_every_call_names_the_owner(tmp_path: Path) -> None:
    recorder = Recorder()
    storage = BotoStorage(recorder.session, "eu-west-1", None)
    (tmp_path / "a.zip").write_bytes(b"zip")
    storage.create_bucket("mine", (("a", "b"),))
    assert storage.bucket("mine")
    storage.upload("mine", "uploads/a.zip", tmp_path / "a.zip")
    assert storage.uploaded("mine", "uploads/a.zip")
    storage.empty_bucket("mine", "uploads/")
    create, *others = recorder.requests
    assert create == ("PUT", "", "")  # there is no owner yet
    methods = ["PUT", "PUT", "PUT", "HEAD", "PUT", "HEAD", "GET", "DELETE"]
    assert [(method, owner) for method, _, owner in others] == [(method, ACCOUNT) for method in methods]
    assert recorder.identities == 1


def test_bucket_of_another_account_is_an_error() -> None:
    storage = BotoStorage(Recorder(403).session, "eu-west-1", None)
    with pytest.raises(AwsError) as refused:
        storage.uploaded("theirs", "uploads/a.zip")
    assert "the bucket may belong to another account" in refused.value.hint
