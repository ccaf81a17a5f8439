"""The steps of a destroy: each is one call, and may be made again when it was broken off."""

from __future__ import annotations

from lambent.aws.error_codes import ROLE_IN_USE
from lambent.aws.interface import Aws
from lambent.deploy.steps import Single
from lambent.errors import AwsError, DeployError


class DeleteUrl(Single, frozen=True):
    name: str
    alias: str

    @property
    def title(self) -> str:
        return "delete URL"

    def call(self, aws: Aws) -> None:
        aws.delete_url(self.name, self.alias)


class DeleteFunction(Single, frozen=True):
    """With all its versions, aliases and permissions."""

    name: str

    @property
    def title(self) -> str:
        return f"delete function {self.name}"

    def call(self, aws: Aws) -> None:
        aws.delete_function(self.name)


class DeleteRole(Single, frozen=True):
    """AWS wants a role empty before it goes: its policies are taken off first."""

    role: str

    @property
    def title(self) -> str:
        return f"delete role {self.role}"

    def call(self, aws: Aws) -> None:
        for arn in aws.attached_policies(self.role):
            aws.detach_policy(self.role, arn)
        for policy in aws.inline_policies(self.role):
            aws.delete_inline_policy(self.role, policy)
        try:
            aws.delete_role(self.role)
        except AwsError as error:
            if error.code != ROLE_IN_USE:
                raise
            what = f"somebody else gave the role {self.role} a policy while it was being deleted: another deploy, perhaps"
            raise DeployError(what, where=self.role, hint="run the same command again") from error


class DeleteLogGroup(Single, frozen=True):
    group: str

    @property
    def title(self) -> str:
        return f"delete log group {self.group}"

    def call(self, aws: Aws) -> None:
        aws.delete_log_group(self.group)


class DeleteUploads(Single, frozen=True):
    """The zips of one app in the bucket that all apps of the account share."""

    bucket: str
    prefix: str

    @property
    def title(self) -> str:
        return f"delete s3://{self.bucket}/{self.prefix}"

    def call(self, aws: Aws) -> None:
        aws.empty_bucket(self.bucket, self.prefix)
