"""Lambda's functions and versions, and their direct invocation."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import botocore.exceptions
import urllib3.exceptions
from msgspec.structs import replace

from lambent.aws.client import BOTOCORE_ERRORS, AwsClient, non_empty, pairs
from lambent.aws.error_codes import ABSENT
from lambent.aws.values import Code, Function, Invoked, Pairs, Settings
from lambent.errors import AwsError
from lambent.limits import TMP_MIN_MB

COMMAND_CONTEXT = '{"custom": {"lambent": "run"}}'
"""The client context by which the runtime in the zip knows a command (runtime/command_gate.py)."""


class BotoFunctions(AwsClient):
    """Implements `Functions`."""

    def function(self, name: str, qualifier: str = "") -> Function | None:
        answer = self._find("lambda", "get_function", FunctionName=name, **non_empty(Qualifier=qualifier))
        if answer is None:
            return None
        reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        return _function(answer["Configuration"], answer.get("Tags"), reserved)

    def code_url(self, name: str, qualifier: str) -> str:
        answer = self._call("lambda", "get_function", FunctionName=name, **non_empty(Qualifier=qualifier))
        return str(answer.get("Code", {}).get("Location", ""))

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
        params = {**_code(code), **non_empty(RevisionId=revision), "Architectures": [code.architecture]}
        return _function(self._call("lambda", "update_function_code", FunctionName=name, **params))

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function:
        current = self._call("lambda", "get_function_configuration", FunctionName=name) if _omits(settings) else {}
        params = {**_cleared(current), **_settings(settings), **non_empty(RevisionId=revision)}
        return _function(self._call("lambda", "update_function_configuration", FunctionName=name, **params))

    def delete_function(self, name: str, version: str = "") -> None:
        self._find("lambda", "delete_function", FunctionName=name, **non_empty(Qualifier=version))

    def publish(self, name: str, sha256: str, description: str = "") -> Function:
        params = {"FunctionName": name, "CodeSha256": sha256, **non_empty(Description=description)}
        return _function(self._call("lambda", "publish_version", **params))

    def versions(self, name: str) -> tuple[Function, ...]:
        try:
            pages = list(self._pages("lambda", "list_versions_by_function", FunctionName=name))
        except AwsError as error:
            if error.code in ABSENT:
                return ()
            raise
        functions = [_function(raw) for page in pages for raw in page["Versions"]]
        published = (function for function in functions if function.version != "$LATEST")
        return tuple(sorted(published, key=lambda function: int(function.version)))

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
        params = {"FunctionName": function, "Payload": payload, "LogType": "Tail", **non_empty(Qualifier=qualifier)}
        answer = self._call("invoke", "invoke", **params)
        log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        try:
            return Invoked(answer["Payload"].read(), answer.get("FunctionError", ""), log, _request_id(answer))
        except botocore.exceptions.BotoCoreError as error:
            raise self._translate(error, "Invoke") from error

    def invoke_async(self, function: str, qualifier: str, payload: bytes) -> str:
        params = {"FunctionName": function, "Payload": payload, "InvocationType": "Event", **non_empty(Qualifier=qualifier)}
        return _request_id(self._call("lambda", "invoke", **params))

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        collected = bytearray()

        def collect(part: bytes) -> bool:
            collected.extend(part)
            return enough(bytes(collected))

        invoked = self._stream(collect, FunctionName=function, Qualifier=qualifier, Payload=payload)
        return invoked if invoked.error else replace(invoked, payload=bytes(collected))

    def run_command(self, function: str, version: str, payload: bytes, receive: Callable[[bytes], bool]) -> Invoked:
        context = base64.b64encode(COMMAND_CONTEXT.encode()).decode()
        return self._stream(receive, FunctionName=function, Qualifier=version, Payload=payload, ClientContext=context)

    def _stream(self, enough: Callable[[bytes], bool], **params: Any) -> Invoked:
        """Invoke, and pass each part of the response to `enough` until it returns true. Return what was not in parts."""
        answer = self._call("invoke", "invoke_with_response_stream", LogType="Tail", **params)
        try:
            with closing(answer["EventStream"]) as stream:
                return replace(_read(stream, enough), request_id=_request_id(answer))
        except BOTOCORE_ERRORS as error:
            raise self._translate(error, "InvokeWithResponseStream") from error
        except urllib3.exceptions.HTTPError as error:  # botocore doesn't translate it while a stream is read
            raise self._translate(botocore.exceptions.HTTPClientError(error=error), "InvokeWithResponseStream") from error


def _request_id(answer: dict[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _code(code: Code) -> dict[str, Any]:
    return {"S3Bucket": code.bucket, "S3Key": code.key} if code.bucket else {"ZipFile": code.path.read_bytes()}


def _settings(settings: Settings) -> dict[str, Any]:
    """Return the members of a request. Empty ones are omitted, so that an endpoint needn't support every feature."""
    members: dict[str, Any] = {
        "Role": settings.role,
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "EphemeralStorage": {"Size": settings.tmp_mb},
        "Environment": {"Variables": dict(settings.environment)},
    }
    if settings.layers:
        members["Layers"] = list(settings.layers)
    if settings.subnets or settings.security_groups:
        members["VpcConfig"] = {"SubnetIds": list(settings.subnets), "SecurityGroupIds": list(settings.security_groups)}
    if settings.mounts:
        members["FileSystemConfigs"] = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
    if settings.tracing:
        members["TracingConfig"] = {"Mode": "Active"}
    if settings.log_format != "Text":
        members["LoggingConfig"] = {"LogFormat": settings.log_format}
    if settings.snapstart:
        members["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return members


_EMPTY: dict[str, Any] = {
    "Layers": [],
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "FileSystemConfigs": [],
    "TracingConfig": {"Mode": "PassThrough"},
    "LoggingConfig": {"LogFormat": "Text"},
    "SnapStart": {"ApplyOn": "None"},
}
"""How an update removes a setting: a member that is omitted stays as it was."""


def _omits(settings: Settings) -> bool:
    return not set(_EMPTY) <= set(_settings(settings))


def _cleared(current: dict[str, Any]) -> dict[str, Any]:
    """Return the empty form of what the function has, which an update removes unless it sets it again."""
    settings = _function(current).settings if current else None
    return {key: _EMPTY[key] for key in set(_settings(settings)) & set(_EMPTY)} if settings else {}


def _function(raw: dict[str, Any], tags: dict[str, str] | None = None, reserved: int | None = None) -> Function:
    return Function(
        name=raw["FunctionName"],
        version=raw.get("Version", "$LATEST"),
        settings=_parse_settings(raw),
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
        log_group=(raw.get("LoggingConfig") or {}).get("LogGroup", ""),
        description=raw.get("Description") or "",
    )


def _parse_settings(raw: dict[str, Any]) -> Settings:
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
        mounts=tuple((mount["Arn"], mount["LocalMountPath"]) for mount in raw.get("FileSystemConfigs") or ()),
        tracing=(raw.get("TracingConfig") or {}).get("Mode") == "Active",
        log_format=(raw.get("LoggingConfig") or {}).get("LogFormat", "Text"),
        snapstart=(raw.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions",
    )


def _read(stream: Iterable[dict[str, Any]], enough: Callable[[bytes], bool]) -> Invoked:
    """Read an event stream until it is enough. ErrorDetails isn't documented: JSON there is used like `invoke`'s payload."""
    for event in stream:
        if enough(event.get("PayloadChunk", {}).get("Payload", b"")):
            break
        if (complete := event.get("InvokeComplete")) is not None:
            log = base64.b64decode(complete.get("LogResult", "")).decode("utf-8", "replace")
            code, details = complete.get("ErrorCode", ""), complete.get("ErrorDetails", "")
            if not code:
                return Invoked(b"", "", log)
            document = json.dumps({"errorType": code, "errorMessage": details})
            return Invoked((details if details.startswith("{") else document).encode(), "Unhandled", log)
    return Invoked(b"", "", "")
