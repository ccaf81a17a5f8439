"""Lambda's functions and versions, and asking one directly."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import botocore.exceptions as foreign
import urllib3.exceptions
from msgspec.structs import replace

from lambent.aws.client import FOREIGN, AwsClient, given, pairs
from lambent.aws.error_codes import ABSENT
from lambent.aws.values import Code, Function, Invoked, Pairs, Settings
from lambent.errors import AwsError
from lambent.limits import TMP_MIN_MB


class BotoFunctions(AwsClient):
    """Implements `Functions`."""

    def function(self, name: str, qualifier: str = "") -> Function | None:
        answer = self._find("lambda", "get_function", FunctionName=name, **given(Qualifier=qualifier))
        if answer is None:
            return None
        reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        return _function(answer["Configuration"], answer.get("Tags"), reserved)

    def functions(self) -> tuple[Function, ...]:
        return tuple(_function(raw) for page in self._pages("lambda", "list_functions") for raw in page["Functions"])

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function:
        answer = self._call(
            "lambda",
            "create_function",
            FunctionName=name,
            Code=_code(code),
            Architectures=[code.architecture],
            PackageType="Zip",
            Tags=dict(tags),
            **_settings(settings),
        )
        return _function(answer)

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        told = {**_code(code), **given(RevisionId=revision)}
        answer = self._call("lambda", "update_function_code", FunctionName=name, Architectures=[code.architecture], **told)
        return _function(answer)

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function:
        now = self._call("lambda", "get_function_configuration", FunctionName=name) if _unsaid(settings) else {}
        told = {**_cleared(now), **_settings(settings), **given(RevisionId=revision)}
        return _function(self._call("lambda", "update_function_configuration", FunctionName=name, **told))

    def delete_function(self, name: str, version: str = "") -> None:
        self._find("lambda", "delete_function", FunctionName=name, **given(Qualifier=version))

    def publish(self, name: str, sha256: str) -> Function:
        return _function(self._call("lambda", "publish_version", FunctionName=name, CodeSha256=sha256))

    def versions(self, name: str) -> tuple[Function, ...]:
        try:
            raw = [
                each
                for page in self._pages("lambda", "list_versions_by_function", FunctionName=name)
                for each in page["Versions"]
            ]
        except AwsError as error:
            if error.code in ABSENT:
                return ()
            raise
        found = [_function(each) for each in raw if each.get("Version", "$LATEST") != "$LATEST"]
        return tuple(sorted(found, key=lambda function: int(function.version)))

    def tag(self, arn: str, tags: Pairs) -> None:
        self._call("lambda", "tag_resource", Resource=arn, Tags=dict(tags))

    def untag(self, arn: str, keys: tuple[str, ...]) -> None:
        self._call("lambda", "untag_resource", Resource=arn, TagKeys=list(keys))

    def reserve(self, name: str, executions: int | None) -> None:
        if executions is None:
            self._call("lambda", "delete_function_concurrency", FunctionName=name)
        else:
            self._call("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=executions)

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        answer = self._call("invoke", "invoke", FunctionName=function, Qualifier=qualifier, Payload=payload, LogType="Tail")
        log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        try:
            return Invoked(answer["Payload"].read(), answer.get("FunctionError", ""), log, _request_id(answer))
        except foreign.BotoCoreError as error:
            raise self._translated(error, "Invoke") from error

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        told = {"FunctionName": function, "Qualifier": qualifier, "Payload": payload, "LogType": "Tail"}
        answer = self._call("invoke", "invoke_with_response_stream", **told)
        try:
            with closing(answer["EventStream"]) as stream:
                return replace(_collect(stream, enough), request_id=_request_id(answer))
        except FOREIGN as error:
            raise self._translated(error, "InvokeWithResponseStream") from error
        except urllib3.exceptions.HTTPError as error:  # botocore lets it through while a stream is read
            raise self._translated(foreign.HTTPClientError(error=error), "InvokeWithResponseStream") from error


def _request_id(answer: dict[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _code(code: Code) -> dict[str, Any]:
    return {"S3Bucket": code.bucket, "S3Key": code.key} if code.bucket else {"ZipFile": code.path.read_bytes()}


def _settings(settings: Settings) -> dict[str, Any]:
    """The members of a request. What is empty is left out: an endpoint that lacks a feature is not asked for it."""
    told: dict[str, Any] = {
        "Role": settings.role,
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "EphemeralStorage": {"Size": settings.tmp_mb},
        "Environment": {"Variables": dict(settings.environment)},
    }
    if settings.layers:
        told["Layers"] = list(settings.layers)
    if settings.subnets or settings.security_groups:
        told["VpcConfig"] = {"SubnetIds": list(settings.subnets), "SecurityGroupIds": list(settings.security_groups)}
    if settings.mounts:
        told["FileSystemConfigs"] = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
    if settings.tracing:
        told["TracingConfig"] = {"Mode": "Active"}
    if settings.log_format != "Text":
        told["LoggingConfig"] = {"LogFormat": settings.log_format}
    if settings.snapstart:
        told["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return told


_NONE: dict[str, Any] = {
    "Layers": [],
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
    "TracingConfig": {"Mode": "PassThrough"},
    "LoggingConfig": {"LogFormat": "Text"},
    "SnapStart": {"ApplyOn": "None"},
}
"""How an update says "no longer": a member that is left out stays as it was."""


def _unsaid(settings: Settings) -> bool:
    return not set(_NONE) <= set(_settings(settings))


def _cleared(now: dict[str, Any]) -> dict[str, Any]:
    """What the function has and an update must take away, unless it sets it anew."""
    function = _function(now).settings if now else None
    return {key: _NONE[key] for key in set(_settings(function)) & set(_NONE)} if function else {}


def _function(raw: dict[str, Any], tags: dict[str, str] | None = None, reserved: int | None = None) -> Function:
    return Function(
        name=raw["FunctionName"],
        version=raw.get("Version", "$LATEST"),
        settings=_read(raw),
        sha256=raw.get("CodeSha256", ""),
        architecture=next(iter(raw.get("Architectures", ())), "x86_64"),
        state=raw.get("State", "Active"),
        update=raw.get("LastUpdateStatus", "Successful"),
        reason=raw.get("LastUpdateStatusReason") or raw.get("StateReason") or "",
        revision=raw.get("RevisionId", ""),
        tags=pairs(tags),
        modified=raw.get("LastModified", ""),
        size=raw.get("CodeSize", 0),
        reserved=reserved,
    )


def _read(raw: dict[str, Any]) -> Settings:
    network = raw.get("VpcConfig") or {}
    return Settings(
        role=raw.get("Role", ""),
        runtime=raw.get("Runtime", ""),
        handler=raw.get("Handler", ""),
        memory_mb=raw.get("MemorySize", 0),
        timeout_s=raw.get("Timeout", 0),
        tmp_mb=raw.get("EphemeralStorage", {}).get("Size", TMP_MIN_MB),
        environment=pairs(raw.get("Environment", {}).get("Variables")),
        layers=tuple(layer["Arn"] for layer in raw.get("Layers") or ()),
        subnets=tuple(sorted(network.get("SubnetIds") or ())),
        security_groups=tuple(sorted(network.get("SecurityGroupIds") or ())),
        mounts=tuple((each["Arn"], each["LocalMountPath"]) for each in raw.get("FileSystemConfigs") or ()),
        tracing=(raw.get("TracingConfig") or {}).get("Mode") == "Active",
        log_format=(raw.get("LoggingConfig") or {}).get("LogFormat", "Text"),
        snapstart=(raw.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions",
    )


def _collect(stream: Iterable[dict[str, Any]], enough: Callable[[bytes], bool]) -> Invoked:
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
