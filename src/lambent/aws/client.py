"""Where botocore ends and our own values and errors begin: clients, calls, and what was refused.

botocore is used without boto3's layer on top, which adds import time and nothing we need.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions as foreign
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config as ClientConfig
from botocore.eventstream import ParserError as EventStreamError
from botocore.parsers import ResponseParserError

from lambent.aws.error_codes import ABSENT
from lambent.aws.integrity import watch
from lambent.aws.refusals import LOCAL, located, translate
from lambent.aws.regions import explained
from lambent.aws.values import Pairs
from lambent.errors import AwsError
from lambent.limits import TIMEOUT_MAX_S

_LOGINS = re.compile("aws (sso login|login|configure)(?! list)")
_CONNECT_S = 5
_READ_S = 70
_ATTEMPTS = 5


FOREIGN = (foreign.BotoCoreError, foreign.ClientError, ResponseParserError, EventStreamError)
"""What a call may raise, all of it."""

_LOGIN = (foreign.SSOError, foreign.LoginError, foreign.TokenRetrievalError, foreign.CredentialRetrievalError)


class AwsClient:
    """One account in one region, as botocore sees it. Safe to use from several threads."""

    def __init__(self, session: botocore.session.Session, region: str, endpoint_url: str | None) -> None:
        self._session = session
        self._region = region
        self._endpoint = endpoint_url
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # making a client is not thread-safe, using one is (botocore's documentation)

    @property
    def region(self) -> str:
        return self._region

    def _translated(self, error: Exception, operation: str, resource: str = "") -> AwsError:
        """botocore's error as ours; how to log in is told with the profile that is in use."""
        profile = self._session.get_config_variable("profile") or ""
        return translated(error, operation, self._endpoint, resource, profile)

    def account(self) -> str:
        return str(self._call("sts", "get_caller_identity")["Account"])

    def caller(self) -> str:
        return str(self._call("sts", "get_caller_identity")["Arn"])

    def signed(self, url: str) -> Pairs:
        request = AWSRequest("GET", url)
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise no_credentials(self._session.get_config_variable("profile") or "")
            SigV4Auth(credentials.get_frozen_credentials(), "lambda", self._region).add_auth(request)
        except foreign.BotoCoreError as error:
            raise self._translated(error, "signing") from error
        return tuple(sorted(request.headers.items()))

    def _call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        try:
            method: Callable[..., dict[str, Any]] = getattr(self._client(service), operation)
            return method(**given)
        except FOREIGN as error:
            raise self._explained(self._translated(error, camel(operation), self._s3_arn(given))) from error

    def _explained(self, error: AwsError) -> AwsError:
        regions = () if self._endpoint else self._session.get_available_regions("lambda")
        return explained(error, self._region, regions)

    def _s3_arn(self, given: dict[str, Any]) -> str:
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self._region.rpartition("-")[0].rpartition("-")[0], "aws")
        tail = f"/{given['Key']}" if "Key" in given else ""
        return f"arn:{partition}:s3:::{given['Bucket']}{tail}" if "Bucket" in given else ""

    def _find(self, service: str, operation: str, **given: Any) -> dict[str, Any] | None:
        try:
            return self._call(service, operation, **given)
        except AwsError as error:
            if error.code in ABSENT:
                return None
            raise

    def _pages(self, service: str, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
        """Every page of a list."""
        try:
            yield from self._client(service).get_paginator(operation).paginate(**given)
        except FOREIGN as error:
            raise self._translated(error, camel(operation)) from error

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        """ "invoke" is Lambda's client with its patience: a function may run for fifteen minutes, and is not run twice."""
        long = service == "invoke"
        config = ClientConfig(
            connect_timeout=_CONNECT_S,
            read_timeout=TIMEOUT_MAX_S + 60 if long else _READ_S,
            retries={"mode": "standard", "total_max_attempts": 1 if long else _ATTEMPTS},
            tcp_keepalive=True,
            user_agent_extra="lambent",
            proxies={} if _is_here(self._endpoint) else None,
            s3={"addressing_style": "path"} if self._endpoint else None,
        )
        name = "lambda" if long else service
        try:
            client = self._session.create_client(name, region_name=self._region, endpoint_url=self._endpoint, config=config)
        except ValueError as error:  # botocore's word for an address that is none
            hint = "AWS_ENDPOINT_URL, or endpoint_url in ~/.aws/config: http://HOST:PORT; or unset it"
            raise AwsError(str(error), where="configuration", hint=hint) from error
        watch(client, 1 if long else _ATTEMPTS)
        return client


def _is_here(endpoint: str | None) -> bool:
    """Whether the endpoint is on this machine: a proxy, which the environment may name for everything, must not be asked."""
    return endpoint is not None and urlsplit(endpoint).hostname in ("127.0.0.1", "::1", "localhost")


def given(**members: str | bool | dict[str, Any]) -> dict[str, Any]:
    """Only the members that have a value: botocore and AWS tell absent from empty."""
    return {name: value for name, value in members.items() if value}


def pairs(mapping: dict[str, str] | None) -> Pairs:
    return tuple(sorted((mapping or {}).items()))


def camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))


def no_credentials(profile: str = "") -> AwsError:
    hint = f"aws configure, aws sso login or --profile NAME; {LOCAL}"
    return AwsError("no AWS credentials were found", hint=_logging_in(hint, profile))


def translated(error: Exception, operation: str, endpoint: str | None, resource: str = "", profile: str = "") -> AwsError:
    """The error to show for one of botocore's; `profile` is the one that was used, if it is not the default."""
    found = _translated(error, operation, endpoint, resource)
    found.hint = _logging_in(found.hint, profile)
    return found


def _logging_in(hint: str, profile: str) -> str:
    """The hint with commands that are for this profile."""
    return _LOGINS.sub(lambda login: f"{login[0]} --profile {shlex.quote(profile)}", hint) if profile else hint


def _translated(error: Exception, operation: str, endpoint: str | None, resource: str) -> AwsError:
    if isinstance(error, foreign.ClientError):
        told = error.response.get("Error", {})
        message = told.get("Message") or error.response.get("message") or ""
        return translate(told.get("Code", ""), message, error.operation_name, endpoint or "", resource)
    what, hint = str(error), ""
    if isinstance(error, foreign.NoCredentialsError | foreign.PartialCredentialsError):
        return no_credentials()
    if isinstance(error, _LOGIN):
        what, hint = (
            f"the AWS login could not be used: {error}",
            f"aws sso login, or aws login; {LOCAL}",
        )
    elif isinstance(error, foreign.ProfileNotFound):
        hint = "aws configure list-profiles shows the ones there are"
    elif isinstance(error, foreign.NoRegionError):
        what, hint = "no AWS region is chosen", f"--region us-east-1, or aws configure; {LOCAL}"
    elif isinstance(error, ResponseParserError | EventStreamError):
        what = f"{operation} got an answer that is not AWS's: {what.splitlines()[0] if what else ''}"
        hint = "does a proxy, or the login page of this network, stand in between? Then run the same command again"
    elif isinstance(error, foreign.HTTPClientError | foreign.ConnectionError | foreign.IncompleteReadError):
        what = f"{operation} got no answer: {error}"
        hint = "is the local Lambda running? lambent local status" if endpoint else "check the network and --region"
        hint += "; then run the same command again: it goes on from what is there"
    elif isinstance(error, foreign.ParamValidationError):
        what = f"{operation} was not sent: {error}"
    return AwsError(what, code=type(error).__name__, operation=operation, where=located(operation, endpoint), hint=hint)
