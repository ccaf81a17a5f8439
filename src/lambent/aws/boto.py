"""`Aws` through botocore: the only file of the deployer that imports it.

botocore is used without boto3's layer on top, which adds import time and nothing we need.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions as foreign
import botocore.session
import urllib3.exceptions
from botocore.config import Config as ClientConfig

from lambent.aws.interface import BUFFERED, Alias, Aws, Code, Function, Invoked, Pairs, Role, Settings, Statement, Url
from lambent.aws.refusals import LOCAL, translate
from lambent.errors import AwsError
from lambent.limits import TIMEOUT_MAX_S, TMP_MIN_MB

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_ABSENT = {"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException"}
# Where botocore looks: (key in the file, environment, default, conversion). As for the aws CLI v2, AWS_REGION counts.
_VARIABLES = {"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)}
_ISOLATED = _VARIABLES | {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_CONNECT_S = 5
_READ_S = 70


def connect(
    region: str | None,
    *,
    endpoint_url: str | None = None,
    profile: str | None = None,
    keys: tuple[str, str] | None = None,
) -> Aws:
    """One account in one region. `region` None takes the user's configured one; `endpoint_url` None is the real AWS; `keys`
    (access key id, secret) None is the user's own chain of credentials; with keys, the user's profiles and AWS configuration
    files are not read at all, so that a broken one does not matter. Makes no call yet.

    Raises AwsError if the profile, the region or the credentials are missing.
    """
    session = botocore.session.Session(session_vars=_VARIABLES if keys is None else _ISOLATED, profile=profile)
    if keys is not None:
        session.set_credentials(*keys)
    try:
        chosen = region or session.get_config_variable("region")
        found = session.get_credentials()
    except foreign.BotoCoreError as error:
        raise _translated(error, "configuration", endpoint_url) from error
    if found is None:
        raise _no_credentials()
    if not chosen:
        raise AwsError("no AWS region is chosen", hint=f"--region us-east-1, or aws configure; {LOCAL}")
    return BotoAws(session, chosen, endpoint_url)


class BotoAws:
    """Implements `Aws`. Safe to use from several threads."""

    def __init__(self, session: botocore.session.Session, region: str, endpoint_url: str | None) -> None:
        self._session = session
        self._region = region
        self._endpoint = endpoint_url
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # making a client is not thread-safe, using one is (botocore's documentation)

    @property
    def region(self) -> str:
        return self._region

    def account(self) -> str:
        return str(self._call("sts", "get_caller_identity")["Account"])

    # --- roles

    def role(self, name: str) -> Role | None:
        answer = self._find("iam", "get_role", RoleName=name)
        if answer is None:
            return None
        role = answer["Role"]
        trusts = _trusts_lambda(role.get("AssumeRolePolicyDocument"))
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
        return Role(name, role["Arn"], trusts, _pairs(tags))

    def create_role(self, name: str, tags: Pairs) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags]
        self._call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST), Tags=listed)

    def trust_lambda(self, role: str) -> None:
        self._call("iam", "update_assume_role_policy", RoleName=role, PolicyDocument=json.dumps(_TRUST))

    def attached_policies(self, role: str) -> tuple[str, ...]:
        answer = self._find("iam", "list_attached_role_policies", RoleName=role)
        return tuple(policy["PolicyArn"] for policy in (answer or {}).get("AttachedPolicies", ()))

    def attach_policy(self, role: str, arn: str) -> None:
        self._call("iam", "attach_role_policy", RoleName=role, PolicyArn=arn)

    # --- functions

    def function(self, name: str, qualifier: str = "") -> Function | None:
        answer = self._find("lambda", "get_function", FunctionName=name, **_given(Qualifier=qualifier))
        return None if answer is None else _function(answer["Configuration"], answer.get("Tags"))

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function:
        answer = self._call(
            "lambda",
            "create_function",
            FunctionName=name,
            Code={"ZipFile": code.path.read_bytes()},
            Architectures=[code.architecture],
            PackageType="Zip",
            Tags=dict(tags),
            **_configuration(settings),
        )
        return _function(answer)

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        answer = self._call(
            "lambda",
            "update_function_code",
            FunctionName=name,
            ZipFile=code.path.read_bytes(),
            Architectures=[code.architecture],
            **_given(RevisionId=revision),
        )
        return _function(answer)

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function:
        given = {**_configuration(settings), **_given(RevisionId=revision)}
        return _function(self._call("lambda", "update_function_configuration", FunctionName=name, **given))

    def publish(self, name: str, sha256: str) -> Function:
        return _function(self._call("lambda", "publish_version", FunctionName=name, CodeSha256=sha256))

    # --- traffic

    def alias(self, function: str, name: str) -> Alias | None:
        answer = self._find("lambda", "get_alias", FunctionName=function, Name=name)
        return None if answer is None else Alias(name, answer["FunctionVersion"], answer.get("RevisionId", ""))

    def create_alias(self, function: str, name: str, version: str) -> None:
        self._call("lambda", "create_alias", FunctionName=function, Name=name, FunctionVersion=version)

    def move_alias(self, function: str, name: str, version: str, revision: str = "") -> None:
        given = _given(RevisionId=revision)
        self._call("lambda", "update_alias", FunctionName=function, Name=name, FunctionVersion=version, **given)

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]:
        answer = self._find("lambda", "get_policy", FunctionName=function, Qualifier=qualifier)
        document = json.loads(answer["Policy"]) if answer else {}
        return tuple(_statement(raw) for raw in document.get("Statement", ()))

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None:
        given = _given(FunctionUrlAuthType=statement.url_auth, InvokedViaFunctionUrl=statement.via_url)
        self._call(
            "lambda",
            "add_permission",
            FunctionName=function,
            Qualifier=qualifier,
            StatementId=statement.sid,
            Action=statement.action,
            Principal=statement.principal,
            **given,
        )

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None:
        self._find("lambda", "remove_permission", FunctionName=function, Qualifier=qualifier, StatementId=sid)

    def url(self, function: str, qualifier: str) -> Url | None:
        answer = self._find("lambda", "get_function_url_config", FunctionName=function, Qualifier=qualifier)
        return None if answer is None else _url(answer)

    def create_url(self, function: str, qualifier: str, auth: str, mode: str) -> Url:
        told = {"FunctionName": function, "Qualifier": qualifier, "AuthType": auth, "InvokeMode": mode}
        return _url(self._call("lambda", "create_function_url_config", **told))

    def update_url(self, function: str, qualifier: str, auth: str, mode: str) -> Url:
        told = _given(AuthType=auth, InvokeMode=mode)
        return _url(self._call("lambda", "update_function_url_config", FunctionName=function, Qualifier=qualifier, **told))

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        answer = self._call("invoke", "invoke", FunctionName=function, Qualifier=qualifier, Payload=payload, LogType="Tail")
        log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        return Invoked(answer["Payload"].read(), answer.get("FunctionError", ""), log)

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        told = {"FunctionName": function, "Qualifier": qualifier, "Payload": payload, "LogType": "Tail"}
        answer = self._call("invoke", "invoke_with_response_stream", **told)
        try:
            with closing(answer["EventStream"]) as stream:
                return _heard(stream, enough)
        except (foreign.BotoCoreError, foreign.ClientError) as error:
            raise _translated(error, "InvokeWithResponseStream", self._endpoint) from error
        except urllib3.exceptions.HTTPError as error:  # botocore lets it through while a stream is read
            raise _translated(foreign.HTTPClientError(error=error), "InvokeWithResponseStream", self._endpoint) from error

    # --- the border

    def _call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        try:
            method: Callable[..., dict[str, Any]] = getattr(self._client(service), operation)
            return method(**given)
        except (foreign.BotoCoreError, foreign.ClientError) as error:
            raise _translated(error, _camel(operation), self._endpoint) from error

    def _find(self, service: str, operation: str, **given: Any) -> dict[str, Any] | None:
        try:
            return self._call(service, operation, **given)
        except AwsError as error:
            if error.code in _ABSENT:
                return None
            raise

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
            retries={"mode": "standard", "total_max_attempts": 1 if long else 5},
            tcp_keepalive=True,
            user_agent_extra="lambent",
            proxies={} if _is_here(self._endpoint) else None,
        )
        name = "lambda" if long else service
        return self._session.create_client(name, region_name=self._region, endpoint_url=self._endpoint, config=config)


def _is_here(endpoint: str | None) -> bool:
    """Whether the endpoint is on this machine: a proxy, which the environment may name for everything, must not be asked."""
    return endpoint is not None and urlsplit(endpoint).hostname in ("127.0.0.1", "::1", "localhost")


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "Role": settings.role,
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "EphemeralStorage": {"Size": settings.tmp_mb},
        "Environment": {"Variables": dict(settings.environment)},
    }


def _function(raw: dict[str, Any], tags: dict[str, str] | None = None) -> Function:
    settings = Settings(
        role=raw.get("Role", ""),
        runtime=raw.get("Runtime", ""),
        handler=raw.get("Handler", ""),
        memory_mb=raw.get("MemorySize", 0),
        timeout_s=raw.get("Timeout", 0),
        tmp_mb=raw.get("EphemeralStorage", {}).get("Size", TMP_MIN_MB),
        environment=_pairs(raw.get("Environment", {}).get("Variables")),
    )
    return Function(
        name=raw["FunctionName"],
        version=raw.get("Version", "$LATEST"),
        settings=settings,
        sha256=raw.get("CodeSha256", ""),
        architecture=next(iter(raw.get("Architectures", ())), "x86_64"),
        state=raw.get("State", "Active"),
        update=raw.get("LastUpdateStatus", "Successful"),
        reason=raw.get("LastUpdateStatusReason") or raw.get("StateReason") or "",
        revision=raw.get("RevisionId", ""),
        tags=_pairs(tags),
    )


def _statement(raw: dict[str, Any]) -> Statement:
    """Conditions are read in AWS's form, and in moto's, which keeps the request's members beside the action (moto 5.2)."""
    condition = raw.get("Condition", {})
    auth = condition.get("StringEquals", {}).get("lambda:FunctionUrlAuthType") or raw.get("FunctionUrlAuthType", "")
    via = condition.get("Bool", {}).get("lambda:InvokedViaFunctionUrl", raw.get("InvokedViaFunctionUrl", False))
    principal = raw.get("Principal")
    if isinstance(principal, dict):
        principal = next(iter(principal.values()), "")
    return Statement(raw.get("Sid", ""), str(raw.get("Action")), str(principal), auth, str(via).lower() == "true")


def _trusts_lambda(document: Any) -> bool:
    parsed = json.loads(document) if isinstance(document, str) else document or {}
    statements = parsed.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        services = statement.get("Principal", {})
        services = services.get("Service", []) if isinstance(services, dict) else []
        named = [services] if isinstance(services, str) else services
        if statement.get("Effect") == "Allow" and "lambda.amazonaws.com" in named:
            return True
    return False


def _given(**members: str | bool) -> dict[str, Any]:
    """Only the members that have a value: botocore and AWS tell absent from empty."""
    return {name: value for name, value in members.items() if value}


def _heard(stream: Iterable[dict[str, Any]], enough: Callable[[bytes], bool]) -> Invoked:
    """What an event stream says until it is enough. ErrorDetails is not documented: JSON is taken as `invoke`'s payload."""
    said = b""
    for event in stream:
        said += event.get("PayloadChunk", {}).get("Payload", b"")
        if enough(said):
            return Invoked(said, "", "")
        end = event.get("InvokeComplete")
        if end is not None:
            log = base64.b64decode(end.get("LogResult", "")).decode("utf-8", "replace")
            code, details = end.get("ErrorCode", ""), end.get("ErrorDetails", "")
            if not code:
                return Invoked(said, "", log)
            plain = json.dumps({"errorType": code, "errorMessage": details})
            return Invoked((details if details.startswith("{") else plain).encode(), "Unhandled", log)
    return Invoked(said, "", "")


def _url(answer: dict[str, Any]) -> Url:
    return Url(answer["FunctionUrl"], answer["AuthType"], answer.get("InvokeMode", BUFFERED))  # absent unless once sent


def _pairs(mapping: dict[str, str] | None) -> Pairs:
    return tuple(sorted((mapping or {}).items()))


def _camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))


def _no_credentials() -> AwsError:
    return AwsError("no AWS credentials were found", hint=f"aws configure, aws sso login or --profile NAME; {LOCAL}")


def _translated(error: Exception, operation: str, endpoint: str | None) -> AwsError:
    if isinstance(error, foreign.ClientError):
        told = error.response.get("Error", {})
        message = told.get("Message") or error.response.get("message") or ""
        return translate(told.get("Code", ""), message, error.operation_name, endpoint or "")
    what, hint = str(error), ""
    if isinstance(error, foreign.NoCredentialsError | foreign.PartialCredentialsError):
        return _no_credentials()
    if isinstance(error, foreign.SSOError | foreign.TokenRetrievalError | foreign.CredentialRetrievalError):
        what, hint = f"the AWS login could not be used: {error}", f"aws sso login; {LOCAL}"
    elif isinstance(error, foreign.ProfileNotFound):
        hint = "aws configure list-profiles shows the ones there are"
    elif isinstance(error, foreign.NoRegionError):
        what, hint = "no AWS region is chosen", f"--region us-east-1, or aws configure; {LOCAL}"
    elif isinstance(error, foreign.HTTPClientError | foreign.ConnectionError):
        what = f"{operation} got no answer: {error}"
        hint = "is the local Lambda running? lambent local status" if endpoint else "check the network and --region"
    elif isinstance(error, foreign.ParamValidationError):
        what = f"{operation} was not sent: {error}"
    return AwsError(what, code=type(error).__name__, operation=operation, where=endpoint or "", hint=hint)
