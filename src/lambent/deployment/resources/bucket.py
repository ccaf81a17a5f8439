"""What goes through S3: zips above 50 MB, and the archive of packages that don't fit into the zip."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from lambent.aws.error_codes import DENIED
from lambent.aws.interface import Aws
from lambent.aws.values import Code, Pairs
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.step import ApiCall, Deletion, PlanPart, Step
from lambent.errors import AwsError
from lambent.events import PlannedLine
from lambent.names import Names
from lambent.package.artifact import OVERFLOW
from lambent.units import size

_BLOCKED = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"


class Upload(Step, frozen=True):
    """Puts a zip into its bucket unless it is there already. `creates_bucket` if the bucket is lambent's own."""

    actions: ClassVar = (
        *("s3:ListBucket", "s3:CreateBucket", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging"),
        *("s3:PutLifecycleConfiguration", "s3:GetObject", "s3:PutObject"),
    )
    code: Code
    creates_bucket: bool
    tags: Pairs
    account: str
    what: str = "code"

    @property
    def title(self) -> str:
        return f"upload {self.what} to s3://{self.code.bucket}"

    def apply(self, deployment: Deployment) -> None:
        aws, code = deployment.aws, self.code
        if self.creates_bucket:  # even if it exists: an earlier run may have ended before it blocked public access
            try:
                aws.create_bucket(code.bucket, self.tags)
            except AwsError as error:
                denied = error.code in DENIED and error.operation == "CreateBucket"
                if not denied or not aws.bucket(code.bucket):  # without permission to create one, use the existing one
                    raise
        if not aws.uploaded(code.bucket, code.key):
            aws.upload(code.bucket, code.key, code.path)

    def shell(self) -> Iterator[str]:
        own = aws_cli.bucket_options(self.code.bucket, self.account)
        if self.creates_bucket:
            create = aws_cli.command("s3", "mb", f"s3://{self.code.bucket}")
            yield f"{aws_cli.query('s3api', 'head-bucket', *own)} >/dev/null 2>&1 || {create}"
            yield aws_cli.command("s3api", "put-public-access-block", *own, "--public-access-block-configuration", _BLOCKED)
        yield aws_cli.command("s3api", "put-object", *own, "--key", self.code.key, "--body", str(self.code.path))


class DeletePackages(ApiCall, frozen=True):
    """Deletes archives of packages that no version fetches any more, each given as "s3://bucket/key".

    A version that couldn't be deleted, because something else uses it by now, keeps its archive.
    """

    title: ClassVar[str] = "delete the packages of old versions"
    actions: ClassVar = ("s3:DeleteObject", "lambda:ListVersionsByFunction")
    locations: tuple[str, ...]
    name: str
    account: str

    def call(self, aws: Aws) -> None:
        needed = {dict(version.settings.environment).get(OVERFLOW, "") for version in aws.versions(self.name)}
        for location in self.locations:
            bucket, _, key = location.removeprefix("s3://").partition("/")
            if location not in needed:
                aws.delete_object(bucket, key)

    def shell(self) -> Iterator[str]:
        for location in self.locations:
            bucket, _, key = location.removeprefix("s3://").partition("/")
            yield aws_cli.command("s3api", "delete-object", *aws_cli.bucket_options(bucket, self.account), "--key", key)


class DeleteUploads(Deletion, frozen=True):
    """Deletes what one app has in a bucket; all apps of the account share lambent's bucket."""

    actions: ClassVar = ("s3:ListBucket", "s3:DeleteObject")
    bucket: str
    prefix: str

    @property
    def title(self) -> str:
        return f"delete s3://{self.bucket}/{self.prefix}"

    def delete(self, aws: Aws) -> None:
        aws.empty_bucket(self.bucket, self.prefix)


def upload_code(desired: Desired) -> tuple[Step, ...]:
    return (Upload(desired.code, desired.creates_bucket, desired.tags, desired.names.account),) if desired.code.bucket else ()


def plan_packages(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the upload of the packages that don't fit into the zip: they must be there before a version fetches them."""
    if desired.overflow is None:
        return PlanPart()
    detail = f"{desired.overflow_summary}, {size(desired.overflow.size)} zipped, from {_location(desired)}"
    if not desired.own_role:
        detail += "; your role must allow s3:GetObject there"
    if observed.packages_uploaded:
        return PlanPart(lines=(PlannedLine("keep", "packages outside the zip", detail),))
    upload = Upload(desired.overflow, desired.creates_bucket, desired.tags, desired.names.account, "packages")
    return PlanPart((upload,), (PlannedLine("create", "packages outside the zip", detail),))


def delete_unused_packages(desired: Desired, observed: Observed, old_versions: Collection[str]) -> tuple[Step, ...]:
    """Return the step that deletes what only `old_versions` fetch. It names nothing but what lambent uploaded for the app."""
    unused = {location for version, location in observed.archives if version in old_versions}
    needed = {location for version, location in observed.archives if version not in old_versions}
    needed |= {_location(desired), packages_of_latest(observed)}
    locations = tuple(sorted(location for location in unused - needed if is_own_archive(location, desired.names)))
    return (DeletePackages(locations, desired.names.function, desired.names.account),) if locations else ()


def packages_of_latest(observed: Observed) -> str:
    return dict(observed.latest.settings.environment).get(OVERFLOW, "") if observed.latest else ""


def is_own_archive(location: str, names: Names) -> bool:
    """Return whether lambent uploaded an archive ("s3://bucket/key") for this app."""
    return location.startswith("s3://") and location.removeprefix("s3://").partition("/")[2].startswith(names.overflow)


def _location(desired: Desired) -> str:
    return f"s3://{desired.overflow.bucket}/{desired.overflow.key}" if desired.overflow else ""
