"""The Function URL: how it is created and changed, and the check at the end of a deploy that it responds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from shlex import quote
from typing import Any, ClassVar

from lambent.aws.error_codes import CONFLICT
from lambent.aws.interface import Aws
from lambent.aws.regions import WITHOUT_URLS
from lambent.aws.values import BUFFERED, STREAMED, Cors, Settings, Url
from lambent.deployment import aws_cli
from lambent.deployment.check_path import check_path
from lambent.deployment.deployment import Deployment, PlanIsStale, look_up
from lambent.deployment.desired import PUBLIC, Desired
from lambent.deployment.observed import Observed
from lambent.deployment.resources import permission
from lambent.deployment.resources.alias import TERRAFORM_QUALIFIER, refuse_if_overtaken, take_back, withdraw
from lambent.deployment.resources.function_settings import url_mode
from lambent.deployment.step import Deletion, PlanPart, Step, because
from lambent.deployment.url_check import check_url
from lambent.deployment.version_check import CheckRequest
from lambent.errors import AwsError, DeployError, FunctionFailedError, OvertakenError, UnconfirmedError
from lambent.events import PlannedLine
from lambent.names import ALIAS

CLOSED = "AWS_IAM"


class CreateUrl(Step, frozen=True):
    """Creates the URL closed: it accepts only signed requests until the version behind it has passed its check."""

    title: ClassVar[str] = "create URL"
    actions: ClassVar = ("lambda:CreateFunctionUrlConfig", "lambda:GetFunctionUrlConfig")
    name: str
    alias: str
    mode: str = BUFFERED
    cors: Cors | None = None

    def apply(self, deployment: Deployment) -> str:
        try:
            url = deployment.aws.create_url(self.name, self.alias, CLOSED, self.mode, self.cors)
        except AwsError as error:
            existing = deployment.aws.url(self.name, self.alias) if error.code == CONFLICT else None
            if existing is None:
                raise
            if (existing.auth, existing.mode, existing.cors) != (CLOSED, self.mode, self.cors):
                raise PlanIsStale from error
            url = existing
        deployment.url = url.address
        deployment.url_mode = deployment.previous_mode = self.mode
        return url.address

    def shell(self) -> Iterator[str]:
        alias = aws_cli.alias_options(self.name, self.alias)
        options = (*alias, "--auth-type", CLOSED, "--invoke-mode", self.mode, *_cors_options(self.cors))
        create = aws_cli.query("lambda", "create-function-url-config", *options, "--query", "FunctionUrl", "--output", "text")
        yield f"url=$({create})"


class UpdateUrl(Step, frozen=True):
    """Changes what isn't "" or None; `Cors()` removes the CORS settings."""

    actions: ClassVar = ("lambda:UpdateFunctionUrlConfig", "lambda:GetFunctionUrlConfig")
    name: str
    alias: str
    auth: str = ""
    mode: str = ""
    cors: Cors | None = None

    @property
    def title(self) -> str:
        if self.auth:
            return "open the URL to everyone" if self.auth == PUBLIC else "restrict the URL to signed requests"
        return f"set the URL to {self.mode}" if self.mode else "update URL"

    def apply(self, deployment: Deployment) -> None:
        aws = deployment.aws
        try:
            deployment.url = aws.update_url(self.name, self.alias, self.auth, self.mode, self.cors).address
        except AwsError:
            existing = look_up(lambda: aws.url(self.name, self.alias)) if self.mode else None
            if existing is None or existing.mode != self.mode:
                if existing is not None and deployment.previous not in ("", deployment.version):
                    with suppress(AwsError):  # or every request would be a 502 until someone fixes it
                        take_back(deployment, self.name, self.alias)
                raise
        deployment.url_mode = self.mode or deployment.url_mode

    def shell(self) -> Iterator[str]:
        options = [*aws_cli.alias_options(self.name, self.alias)]
        options += ["--auth-type", self.auth] if self.auth else []
        options += ["--invoke-mode", self.mode] if self.mode else []
        yield aws_cli.command("lambda", "update-function-url-config", *options, *_cors_options(self.cors))


class CheckUrl(Step, frozen=True):
    """Requests the URL as any client would. A version that passed its check and fails here is taken back."""

    title: ClassVar[str] = "request the URL"
    actions: ClassVar = (
        *("lambda:InvokeFunctionUrl", "lambda:InvokeFunction", "lambda:GetPolicy", "lambda:GetAlias"),
        *("lambda:GetFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig", "lambda:UpdateAlias", "lambda:GetFunction"),
    )
    changes: ClassVar[bool] = False
    name: str
    alias: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED
    auth: str = PUBLIC

    def apply(self, deployment: Deployment) -> None:
        request = CheckRequest(self.name, deployment.version, self.settings, self.strict, deployment.url, self.mode, self.auth)
        try:
            check_url(deployment.context, request, self.alias)
        except FunctionFailedError as error:
            if deployment.previous != deployment.version:
                undone = self._take_back(deployment) if deployment.previous else self._close(deployment)
                error.hint = f"{error.hint} ({undone})"
            raise
        except (DeployError, UnconfirmedError):
            with suppress(AwsError):
                refuse_if_overtaken(deployment, self.name)  # the response was another deploy's
                url = deployment.aws.url(self.name, self.alias)
                if url is None or url.auth != self.auth:
                    raise OvertakenError(self.name, "changed who may call the URL during this one") from None
            raise

    def _take_back(self, deployment: Deployment) -> str:
        """Take the version back, and return what came of that, in words."""
        try:
            moved = take_back(deployment, self.name, self.alias)
        except AwsError as error:
            return (
                f"version {deployment.version} is still live, because AWS refused to move back: {error.what}; lambent rollback"
            )
        return f"version {deployment.previous} is live again" if moved else f"another deploy has moved {self.alias} since"

    def _close(self, deployment: Deployment) -> str:
        """Close the URL to everyone: no version was live before this one. Return what came of that, in words."""
        try:
            closed = withdraw(deployment, self.name, self.alias)
            if closed:
                deployment.aws.update_url(self.name, self.alias, CLOSED, "")
        except AwsError as error:
            return f"version {deployment.version} is still public, because AWS refused to close the URL: {error.what}"
        return "the URL is closed again" if closed else f"another deploy has moved {self.alias} since"

    def shell(self) -> Iterator[str]:
        if self.auth == PUBLIC:
            address = '"$url"' if (path := check_path(self.settings)) == "/" else f'"${{url%/}}"{quote(path)}'
            yield f'curl -fsS -o "$work/page" --retry 10 --retry-delay 2 --retry-all-errors {address}'
            yield 'echo "$url"'
        else:
            yield 'echo "$url"  # accepts only signed requests'


class DeleteUrl(Deletion, frozen=True):
    title: ClassVar[str] = "delete URL"
    actions: ClassVar = ("lambda:DeleteFunctionUrlConfig",)
    name: str
    alias: str

    def delete(self, aws: Aws) -> None:
        aws.delete_url(self.name, self.alias)


class RemoveUrl(Step, frozen=True):
    """Deletes the URL of a function that stays."""

    title: ClassVar[str] = "delete URL"
    actions: ClassVar = ("lambda:DeleteFunctionUrlConfig",)
    name: str
    alias: str

    def apply(self, deployment: Deployment) -> None:
        deployment.aws.delete_url(self.name, self.alias)
        deployment.url = ""

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("lambda", "delete-function-url-config", *aws_cli.alias_options(self.name, self.alias))


def plan_new_url(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """Plan a URL that doesn't exist yet. It comes before the check of the version, which needs to know its host name."""
    if observed.url is not None or not desired.has_url:
        return ()
    url = current_url(desired, observed)
    return (CreateUrl(desired.names.function, ALIAS, url.mode, url.cors),)


def current_url(desired: Desired, observed: Observed) -> Url:
    """Return the URL as the steps after `plan_new_url` find it. A new one has the mode of the version behind the alias.

    One that is to be deleted has nothing to change.
    """
    if not desired.has_url:
        return Url("", desired.auth, desired.mode, desired.cors)
    mode = url_mode(observed.live.settings) if observed.live else desired.mode
    return observed.url or Url("", CLOSED, mode, desired.cors)


def opens(desired: Desired, observed: Observed) -> bool:
    """Return whether the plan opens the URL to everyone."""
    return desired.auth == PUBLIC != current_url(desired, observed).auth


def plan_url(desired: Desired, observed: Observed) -> PlanPart:
    """Plan who may call the URL, once the version behind it has passed its check.

    Both statements come before the URL is opened: in the other order, a URL was seen to stay at 403 (simple-container api#83).
    If the URL is no longer public they are removed after `traffic` has closed it, so that no caller meets one that refuses
    everyone. A statement that someone has changed by hand is removed once the correct one exists.
    """
    if not desired.has_url:
        return _plan_no_url(desired, observed)
    grants, revokes = permission.plan_grants(desired, observed), permission.plan_revokes(desired, observed)
    steps, line = _plan_config(desired, observed)
    region: tuple[PlannedLine, ...] = ()
    if observed.url is None and desired.names.region in WITHOUT_URLS:
        detail = "had no Function URLs in November 2026; if AWS refuses, choose another one with --region"
        region = (PlannedLine("check", f"region {desired.names.region}", detail),)
    whole: tuple[PlannedLine, ...] = ()
    if desired.mode == STREAMED and desired.settings.subnets:
        whole = (PlannedLine("check", "stream", "AWS sends the responses of a function in a VPC in one piece"),)
    return PlanPart((*grants.steps, *steps, *revokes.steps), (*grants.lines, *revokes.lines, *region, *whole, line))


def _plan_no_url(desired: Desired, observed: Observed) -> PlanPart:
    """Plan that there is no URL. An existing one goes first, so that no caller meets one that refuses everyone."""
    revokes = permission.plan_revokes(desired, observed)
    why = because("url", desired.origins)
    if observed.url is None:
        return PlanPart(revokes.steps, (*revokes.lines, PlannedLine("keep", "no URL", why.strip())))
    line = PlannedLine("delete", f"URL {observed.url.address}", f"url = false{why}")
    return PlanPart((RemoveUrl(desired.names.function, ALIAS), *revokes.steps), (line, *revokes.lines))


def _plan_config(desired: Desired, observed: Observed) -> tuple[tuple[Step, ...], PlannedLine]:
    """Plan the URL itself. Its line has the mode too, although `traffic` sets that."""
    name, auth, mode = desired.names.function, desired.auth, desired.mode
    url = current_url(desired, observed)
    cors = (desired.cors or Cors()) if url.cors != desired.cors else None
    opened = auth if opens(desired, observed) else ""
    steps: tuple[Step, ...] = (UpdateUrl(name, ALIAS, opened, cors=cors),) if opened or cors is not None else ()
    streamed = ["streams responses"] if mode == STREAMED else []
    is_closed_by_lambent = observed.unchecked is not None and url.auth == CLOSED  # no version has passed its check yet
    if observed.url is None or is_closed_by_lambent:
        details = [f"auth {auth}{because('auth', desired.origins)}", *streamed]
        return steps, PlannedLine("create" if observed.url is None else "update", "URL", ", ".join(details), routine=True)
    differences = [f"{url.auth} -> {auth}{because('auth', desired.origins)}"] if url.auth != auth else []
    if url.mode != mode:
        differences.append(f"{url.mode} -> {mode}{because('stream', desired.origins)}")
    if cors is not None:
        change = "new CORS settings" if desired.cors else "CORS is left to the app"
        differences.append(f"{change}{because('cors', desired.origins)}")
    return steps, PlannedLine("update" if differences else "keep", f"URL {url.address}", ", ".join(differences + streamed))


def _cors_options(cors: Cors | None) -> tuple[str, ...]:
    return ("--cors", json.dumps(cors.members)) if cors is not None else ()


def cloudformation(desired: Desired) -> dict[str, Any]:
    if not desired.has_url:
        return {}
    permissions = [permission.CLOUDFORMATION_IDS[statement.sid] for statement in desired.statements]
    properties: dict[str, Any] = {
        "TargetFunctionArn": {"Ref": "Function"},
        "Qualifier": ALIAS,
        "AuthType": desired.auth,
        "InvokeMode": desired.mode,
    }
    if desired.cors is not None:
        properties["Cors"] = desired.cors.members
    return {"Url": {"Type": "AWS::Lambda::Url", "DependsOn": ["Alias", *permissions], "Properties": properties}}


def terraform(desired: Desired) -> dict[str, Any]:
    if not desired.has_url:
        return {}
    arguments: dict[str, Any] = {**TERRAFORM_QUALIFIER, "authorization_type": desired.auth, "invoke_mode": desired.mode}
    if desired.statements:
        arguments["depends_on"] = ["aws_lambda_permission.invoke", "aws_lambda_permission.url"]
    if desired.cors is not None:
        arguments["cors"] = _terraform_cors(desired.cors)
    return {"aws_lambda_function_url": {"live": arguments}}


def _terraform_cors(cors: Cors) -> dict[str, Any]:
    arguments = {
        "allow_origins": list(cors.origins),
        "allow_methods": list(cors.methods),
        "allow_headers": list(cors.headers),
        "expose_headers": list(cors.expose),
        "allow_credentials": cors.credentials,
        "max_age": cors.max_age_s,
    }
    return {key: value for key, value in arguments.items() if value}
