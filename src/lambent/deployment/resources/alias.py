"""The alias `live`: the version that gets the traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar

from lambent.aws.error_codes import CONFLICT, PRECONDITION
from lambent.aws.values import BUFFERED, Alias
from lambent.deployment import alias_history, aws_cli
from lambent.deployment.deployment import Deployment, PlanIsStale, look_up
from lambent.deployment.desired import Desired
from lambent.deployment.export.placeholders import Expression
from lambent.deployment.resources.function import TERRAFORM_NAME
from lambent.deployment.resources.function_settings import url_mode
from lambent.deployment.resources.version import cloudformation_id
from lambent.deployment.step import Step
from lambent.errors import AwsError, OvertakenError
from lambent.names import ALIAS

ONE_VERSION = ("--routing-config", '{"AdditionalVersionWeights": {}}')
"""The aws CLI's way to end a canary's share of the traffic."""


class CreateAlias(Step, frozen=True):
    """Creates the alias, which a URL needs, before the version behind it has been checked. Its description says so.

    No one can reach that version: the URL doesn't exist yet, and is created closed.
    """

    actions: ClassVar = ("lambda:CreateAlias", "lambda:GetAlias")
    name: str
    alias: str

    @property
    def title(self) -> str:
        return f"create alias {self.alias}"

    def apply(self, deployment: Deployment) -> None:
        version = deployment.version
        try:
            description = alias_history.describe_unchecked(version)
            alias = deployment.aws.create_alias(self.name, self.alias, version, description)
        except AwsError as error:
            current = look_up(lambda: deployment.aws.alias(self.name, self.alias))
            if current is None:
                raise
            if current.version != version:
                raise OvertakenError(self.name, f"made version {current.version} {self.alias} during this one") from error
            alias = current
        deployment.alias_revision = alias.revision

    def shell(self) -> Iterator[str]:
        options = (*aws_cli.function_option(self.name), "--name", self.alias)
        description = alias_history.describe_unchecked("$version")
        create = aws_cli.query("lambda", "create-alias", *options)
        yield f'{create} --function-version "$version" --description "{description}" >"$work/out"'


class PointAlias(Step, frozen=True):
    """Makes a version live: the one just published, or `version`.

    `previous` and `revision` are what the alias was when observed; `previous` is "" if no version was live. A move to a given
    `version` gets `description` ("" keeps the alias's own); that of a new version is made from its number.
    """

    actions: ClassVar = ("lambda:UpdateAlias", "lambda:GetAlias")
    name: str
    alias: str
    previous: str = ""
    revision: str = ""
    version: str = ""
    description: str = ""

    @property
    def title(self) -> str:
        return f"point {self.alias} to version {self.version}" if self.version else f"point {self.alias} to the new version"

    def apply(self, deployment: Deployment) -> str:
        version = self.version or deployment.version
        try:
            self._move(deployment, version)
        except AwsError as error:
            current = look_up(lambda: deployment.aws.alias(self.name, self.alias))
            if current is None or current.version != version or current.weights or alias_history.is_unchecked(current):
                match_url_mode(deployment, self.name, self.alias)
                if error.code not in (CONFLICT, PRECONDITION):
                    raise
                if self.version:
                    raise PlanIsStale from error
                current_version = current.version if current else "?"
                raise OvertakenError(self.name, f"moved {self.alias} to version {current_version} during this one") from error
        deployment.version = version
        if self.version:
            return ""
        return f"version {self.previous} -> {version}" if self.previous else f"version {version}"

    def _move(self, deployment: Deployment, version: str) -> None:
        description = self.description
        if not self.previous:
            description = alias_history.describe_forward(version, "")
        elif not self.version and version != self.previous:
            description = alias_history.describe_move(version, self.previous)
        revision = deployment.alias_revision or self.revision
        deployment.aws.move_alias(self.name, self.alias, version, revision, description=description)

    def shell(self) -> Iterator[str]:
        options = (*aws_cli.function_option(self.name), "--name", self.alias)
        if self.version:
            description = ("--description", self.description) if self.description else ()
            options = (*options, "--function-version", self.version, *ONE_VERSION, *description)
            yield aws_cli.command("lambda", "update-alias", *options)
            return
        description_text = alias_history.describe_forward("$version", self.previous)
        call = aws_cli.query("lambda", "update-alias", *options, *ONE_VERSION)
        yield f'{call} --function-version "$version" --description "{description_text}" >"$work/out"'


def refuse_if_overtaken(deployment: Deployment, name: str) -> None:
    """Raise OvertakenError if another deploy has moved the alias since: then what this one would report is no longer true."""
    current = deployment.aws.alias(name, ALIAS)
    if current is None or current.version != deployment.version:
        raise OvertakenError(name, f"made version {current.version} {ALIAS}" if current else f"removed {ALIAS}")


def take_back(deployment: Deployment, name: str, alias: str) -> bool:
    """Make the previous version live again. Return False if someone else has moved the alias since.

    The URL's mode changes in the order that `traffic` explains.
    """
    current = deployment.aws.alias(name, alias)
    if current is None or current.version != deployment.version:
        return False
    if deployment.previous_mode == BUFFERED != deployment.url_mode:
        deployment.aws.update_url(name, alias, "", BUFFERED)
    try:
        description = alias_history.describe_back(deployment.previous, deployment.version)
        deployment.aws.move_alias(name, alias, deployment.previous, current.revision, description=description)
    except AwsError as error:
        if error.code not in (CONFLICT, PRECONDITION):
            raise
        match_url_mode(deployment, name, alias)
        return False
    match_url_mode(deployment, name, alias)
    return True


def withdraw(deployment: Deployment, name: str, alias: str) -> bool:
    """Mark the first version as not checked: no version is live then. Return False if someone else has moved the alias."""
    current = deployment.aws.alias(name, alias)
    if current is None or current.version != deployment.version:
        return False
    description = alias_history.describe_unchecked(current.version)
    try:
        deployment.aws.move_alias(name, alias, current.version, current.revision, description=description)
    except AwsError as error:
        if error.code not in (CONFLICT, PRECONDITION):
            raise
        return False
    return True


def match_url_mode(deployment: Deployment, name: str, alias: str) -> None:
    """Give the URL the mode of the version behind it, if this run has changed the mode.

    Otherwise every request would be a 502, or show the raw response, until someone fixes it.
    """
    if deployment.url_mode == deployment.previous_mode:
        return
    with suppress(AwsError):  # another error is about to be shown
        live, url = deployment.aws.function(name, alias), deployment.aws.url(name, alias)
        if live is not None and url is not None and url.mode != url_mode(live.settings):
            deployment.aws.update_url(name, alias, "", url_mode(live.settings))
    deployment.url_mode = deployment.previous_mode


def describe_shares(alias: Alias) -> str:
    """Return which part of the traffic goes to other versions: an interrupted canary, or one that is still being watched."""
    shares = ", ".join(f"{share * 100:g} % to version {version}" for version, share in alias.weights)
    return f"{shares} by a canary that is in progress or was interrupted"


def cloudformation(desired: Desired) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [cloudformation_id(desired), "Version"]},
        "Name": ALIAS,
    }
    if desired.provisioned is not None:
        properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": desired.provisioned}
    return {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": properties}}


TERRAFORM_QUALIFIER = {"function_name": TERRAFORM_NAME, "qualifier": Expression("${aws_lambda_alias.live.name}")}


def terraform(desired: Desired) -> dict[str, Any]:
    version = Expression("${aws_lambda_function.app.version}")
    return {"aws_lambda_alias": {"live": {"name": ALIAS, "function_name": TERRAFORM_NAME, "function_version": version}}}
