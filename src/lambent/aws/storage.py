"""S3: for zips that are too large for a direct upload.

Each call names the account that must own the bucket: names of buckets can be guessed, and anyone may have created one first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lambent.aws.client import AwsClient
from lambent.aws.error_codes import ABSENT
from lambent.aws.values import Pairs
from lambent.errors import AwsError

_DAYS = 7
_BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


class BotoStorage(AwsClient):
    """Implements `Storage`."""

    def bucket(self, name: str) -> bool:
        return self._find("s3", "head_bucket", **self._own(name)) is not None

    def create_bucket(self, name: str, tags: Pairs) -> None:
        params: dict[str, Any] = {"Bucket": name}
        if self.region != "us-east-1":  # S3 rejects its name as a constraint
            params["CreateBucketConfiguration"] = {"LocationConstraint": self.region}
        try:
            self._call("s3", "create_bucket", **params)
        except AwsError as error:
            if error.code != "BucketAlreadyOwnedByYou":
                raise
        self._call("s3", "put_public_access_block", **self._own(name), PublicAccessBlockConfiguration=_BLOCKED)
        tagging = {"TagSet": [{"Key": key, "Value": value} for key, value in tags]}
        self._call("s3", "put_bucket_tagging", **self._own(name), Tagging=tagging)
        rule = {
            "ID": "lambent-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": "uploads/"},
            "Expiration": {"Days": _DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        self._call("s3", "put_bucket_lifecycle_configuration", **self._own(name), LifecycleConfiguration={"Rules": [rule]})

    def upload(self, bucket: str, key: str, path: Path) -> None:
        with path.open("rb") as file:
            self._call("s3", "put_object", **self._own(bucket), Key=key, Body=file)

    def uploaded(self, bucket: str, key: str) -> bool:
        return self._find("s3", "head_object", **self._own(bucket), Key=key) is not None

    def delete_object(self, bucket: str, key: str) -> None:
        self._find("s3", "delete_object", **self._own(bucket), Key=key)

    def empty_bucket(self, bucket: str, prefix: str) -> None:
        try:
            for page in self._pages("s3", "list_objects_v2", **self._own(bucket), Prefix=prefix):
                for entry in page.get("Contents", ()):
                    self.delete_object(bucket, entry["Key"])
        except AwsError as error:
            if error.code not in ABSENT:  # someone has deleted the bucket, so it is empty
                raise

    def _own(self, bucket: str) -> dict[str, str]:
        """Return the parameters for a bucket that this account owns. S3 denies the call if another one does."""
        return {"Bucket": bucket, "ExpectedBucketOwner": self.account()}
