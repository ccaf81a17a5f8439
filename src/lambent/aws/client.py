"""Where botocore ends and our own values and errors begin: its clients, calls and errors.

botocore is used without boto3's layer on top, which adds import time and nothing that we need.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
from botocore import exceptions
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as ClientConfig
from botocore.eventstream import ParserError as EventStreamError
from botocore.parsers import ResponseParserError

from lambent.aws.error_codes import ABSENT
from lambent.aws.integrity import retry_incomplete_answers
from lambent.aws.refusals import LOCAL, describe_operation, translate_refusal
from lambent.aws.regions import explain_region
from lambent.aws.values import Pairs
from lambent.errors import AwsError
from lambent.limits import TIMEOUT_MAX_S
from lambent.loopback import is_loopback_url

_LOGIN_COMMANDS = re.compile("aws (sso login|login|configure)(?! list)")
ACCOUNT_PAGE = "https://github.com/lambent/lambent/blob/main/docs/how-to/aws-account.md"
_CONNECT_S = 5
_READ_S = 70
_ATTEMPTS = 5

BOTOCORE_ERRORS = (exceptions.BotoCoreError, exceptions.ClientError, ResponseParserError, EventStreamError)
"""Everything that a call may raise."""

_TOKEN_ERRORS = (exceptions.TokenRetrievalError, exceptions.CredentialRetrievalError)
_LOGIN_ERRORS = (exceptions.SSOError, exceptions.LoginError, *_TOKEN_ERRORS)
_NETWORK_ERRORS = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)


AppUrl = Callable[[str, str], str]
"""Returns the address of a function's URL by its name and qualifier if the endpoint has a better one than AWS's, or ""."""


class AwsClient:
    """One account in one region, through botocore. Safe to use from several threads."""

    def __init__(
        self, session: botocore.session.Session, region: str, endpoint_url: str | None, app_url: AppUrl | None = None
    ) -> None:
        self._session = session
        self._region = region
        self._endpoint = endpoint_url
        self._app_url = app_url
        self._clients: dict[str, Any] = {}
        self._account = ""
        self._lock = threading.Lock()  # creating a client is not thread-safe, using one is (botocore's documentation)

    @property
    def region(self) -> str:
        return self._region

    def account(self) -> str:
        if not self._account:
            self._account = str(self._call("sts", "get_caller_identity")["Account"])
        return self._account

    def caller(self) -> str:
        return str(self._call("sts", "get_caller_identity")["Arn"])

    def signed(self, url: str, method: str = "GET", body: bytes = b"") -> Pairs:
        request = AWSRequest(method, url, data=body)
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise no_credentials(self._session.get_config_variable("profile") or "")
            SigV4Auth(credentials.get_frozen_credentials(), "lambda", self._region).add_auth(request)
        except exceptions.BotoCoreError as error:
            raise self._translate(error, "signing") from error
        return tuple(sorted(request.headers.items()))

    def _translate(self, error: Exception, operation: str, resource: str = "") -> AwsError:
        """Return our error for one of botocore's. Its hint on how to log in names the profile in use."""
        profile = self._session.get_config_variable("profile") or ""
        return translate_error(error, operation, self._endpoint, resource, profile)

    def _call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        try:
            method: Callable[..., dict[str, Any]] = getattr(self._client(service), operation)
            return method(**params)
        except BOTOCORE_ERRORS as error:
            translated = self._translate(error, _camel_case(operation), self._s3_arn(params))
            regions = () if self._endpoint else self._session.get_available_regions("lambda")
            raise explain_region(translated, self._region, regions) from error

    def _s3_arn(self, params: dict[str, Any]) -> str:
        try:
            partition = self._session.get_partition_for_region(self._region)
        except botocore.exceptions.UnknownRegionError:
            partition = "aws"
        key = f"/{params['Key']}" if "Key" in params else ""
        return f"arn:{partition}:s3:::{params['Bucket']}{key}" if "Bucket" in params else ""

    def _find(self, service: str, operation: str, **params: Any) -> dict[str, Any] | None:
        """Call, and return None if the resource doesn't exist."""
        try:
            return self._call(service, operation, **params)
        except AwsError as error:
            if error.code in ABSENT:
                return None
            raise

    def _pages(self, service: str, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield every page of a list."""
        try:
            yield from self._client(service).get_paginator(operation).paginate(**params)
        except BOTOCORE_ERRORS as error:
            raise self._translate(error, _camel_case(operation)) from error

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._create_client(service)
            return self._clients[service]

    def _create_client(self, service: str) -> Any:
        """ "invoke" is Lambda's client with longer timeouts: a function may run for 15 minutes, and must not run twice."""
        invokes = service == "invoke"
        attempts = 1 if invokes else _ATTEMPTS
        config = ClientConfig(
            connect_timeout=_CONNECT_S,
            read_timeout=TIMEOUT_MAX_S + 60 if invokes else _READ_S,
            retries={"mode": "standard", "total_max_attempts": attempts},
            tcp_keepalive=True,
            user_agent_extra="lambent",
            # the proxy that the environment names for everything can't reach this machine
            proxies={} if is_loopback_url(self._endpoint or "") else None,
            s3={"addressing_style": "path"} if self._endpoint else None,
            inject_host_prefix=not self._endpoint,  # StartLiveTail's host has a prefix, which a local endpoint has not
        )
        name = "lambda" if invokes else service
        try:
            client = self._session.create_client(name, region_name=self._region, endpoint_url=self._endpoint, config=config)
        except ValueError as error:  # what botocore raises for an invalid address
            hint = "set AWS_ENDPOINT_URL, or endpoint_url in ~/.aws/config, to http://HOST:PORT, or remove it"
            raise AwsError(str(error), where="configuration", hint=hint) from error
        retry_incomplete_answers(client, attempts)
        return client


def non_empty(**members: str | bool | dict[str, Any]) -> dict[str, Any]:
    """Return only the members that have a value: for botocore and AWS, absent isn't the same as empty."""
    return {name: value for name, value in members.items() if value}


def pairs(mapping: dict[str, str] | None) -> Pairs:
    return tuple(sorted((mapping or {}).items()))


def _camel_case(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))


def no_credentials(profile: str = "") -> AwsError:
    hint = f"run aws login or aws configure, or pass --profile NAME; from the beginning: {ACCOUNT_PAGE}; {LOCAL}"
    return AwsError("no AWS credentials found", hint=_with_profile(hint, profile))


def translate_error(error: Exception, operation: str, endpoint: str | None, resource: str = "", profile: str = "") -> AwsError:
    """Return the error to show for one of botocore's; `profile` is the one in use, if it isn't the default."""
    translated = _translate_error(error, operation, endpoint, resource)
    translated.hint = _with_profile(translated.hint, profile)
    return translated


def _with_profile(hint: str, profile: str) -> str:
    """Return the hint with commands that are for this profile."""
    return _LOGIN_COMMANDS.sub(lambda match: f"{match[0]} --profile {shlex.quote(profile)}", hint) if profile else hint


def _translate_error(error: Exception, operation: str, endpoint: str | None, resource: str) -> AwsError:
    if isinstance(error, exceptions.ClientError):
        details = error.response.get("Error", {})
        message = details.get("Message") or error.response.get("message") or ""
        return translate_refusal(details.get("Code", ""), message, error.operation_name, endpoint or "", resource)
    what, hint = str(error), ""
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return no_credentials()
    if isinstance(error, exceptions.LoginTokenLoadError | exceptions.LoginRefreshRequired):
        what, hint = "the AWS login has expired, or there was none", f"run aws login; {LOCAL}"
    elif isinstance(error, exceptions.MissingDependencyException):  # of a profile with login_session
        what, hint = f"the AWS login can't be used: {error}", "install lambent again with its dependencies: botocore[crt]"
    elif isinstance(error, _LOGIN_ERRORS):
        what, hint = f"the AWS login can't be used: {error}", f"run aws sso login or aws login; {LOCAL}"
    elif isinstance(error, exceptions.ProfileNotFound):
        hint = "aws configure list-profiles shows the existing profiles"
    elif isinstance(error, exceptions.NoRegionError):
        return no_region()
    elif isinstance(error, ResponseParserError | EventStreamError):
        what = f"{operation} got an answer that isn't from AWS: {what.splitlines()[0] if what else ''}"
        hint = "check for a proxy or a network login page in between, then run the same command again"
    elif isinstance(
        error,
        exceptions.HTTPClientError | exceptions.ConnectionError | exceptions.IncompleteReadError,
    ):
        what = f"{operation} got no answer: {error}"
        hint = "is the local Lambda running? See lambent local status" if endpoint else "check the network and --region"
        hint += ", then run the same command again: it continues from here"
    elif isinstance(error, exceptions.ParamValidationError):
        what = f"{operation} was not sent: {error}"
    where = describe_operation(operation, endpoint)
    return AwsError(what, code=type(error).__name__, operation=operation, where=where, hint=hint)


def no_region() -> AwsError:
    return AwsError("no AWS region is set", hint=f"pass --region us-east-1, or run aws configure; {LOCAL}")
