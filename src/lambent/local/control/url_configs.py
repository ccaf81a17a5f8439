"""Function URL configurations. One for $LATEST and one for each alias."""

from __future__ import annotations

import secrets
import string
from urllib.parse import urlsplit

from msgspec.structs import asdict

from lambent.local.control.configuration import page
from lambent.local.control.context import Call, aws_time
from lambent.local.control.faults import Fault, conflict, constraint, missing
from lambent.local.control.reference import Target, is_version
from lambent.local.store import Document, Record, UrlConfig

NO_FUNCTION = "Function does not exist"
NOTHING = "The resource you requested does not exist."
PATTERN = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"
ID_LENGTH = 32
ID_LETTERS = string.ascii_lowercase + string.digits


async def create_function_url_config(call: Call) -> Document:
    target, params = _target(call), call.params
    record = _existing(call, target)
    if target.key in record.urls:
        lead = f"Failed to create function url config for [functionArn = {target.full_arn}]. "
        raise conflict(f"{lead}Error message:  FunctionUrlConfig exists for this Lambda function")
    now = aws_time()
    url = UrlConfig(
        url_id="".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH)),
        region=record.region,
        account=record.account,
        function=record.name,
        qualifier=target.key,
        auth_type=params["AuthType"],
        invoke_mode=params.get("InvokeMode", "BUFFERED"),
        cors=params.get("Cors"),
        created=now,
        modified=now,
        mode_told="InvokeMode" in params,
    )
    record.urls[target.key] = asdict(url)
    call.store.save(record)
    return _as_changed(url, _shown(call, record, url), "LastModifiedTime")


async def get_function_url_config(call: Call) -> Document:
    target = _target(call)
    record = call.find(target)
    if record is None or target.key not in record.urls:
        raise missing(NOTHING)
    return _shown(call, record, UrlConfig(**record.urls[target.key]))


async def update_function_url_config(call: Call) -> Document:
    target, params = _target(call), call.params
    record = _existing(call, target)
    if target.key not in record.urls:
        raise missing(NOTHING)
    document = record.urls[target.key]
    for member, name in (("AuthType", "auth_type"), ("InvokeMode", "invoke_mode"), ("Cors", "cors")):
        if member in params:
            document[name] = params[member] or None
    document["modified"] = aws_time()
    document["mode_told"] = document.get("mode_told", False) or "InvokeMode" in params
    call.store.save(record)
    url = UrlConfig(**document)
    return _as_changed(url, _shown(call, record, url))


async def delete_function_url_config(call: Call) -> None:
    """The policy statements stay, as on AWS."""
    target = _target(call)
    record = call.find(target)
    if record is None or target.key not in record.urls:
        raise missing(NOTHING)
    del record.urls[target.key]
    call.store.save(record)


async def list_function_url_configs(call: Call) -> Document:
    record = _existing(call, call.target().unqualified())
    urls = [UrlConfig(**document) for document in record.urls.values()]
    shown, more = page(urls, call.params, lambda url: url.url_id)
    return {"FunctionUrlConfigs": [_shown(call, record, url) for url in shown], **more}


def _target(call: Call) -> Target:
    target = call.target()
    if target.qualifier is not None and is_version(target.qualifier):  # came in with the name; Qualifier itself is checked
        rule = f"Member must satisfy regular expression pattern: {PATTERN}"
        raise constraint(target.qualifier, "qualifier", rule)
    return target


def _existing(call: Call, target: Target) -> Record:
    record = call.find(target)
    if record is None or (target.key and target.key not in record.aliases):
        raise Fault("ResourceNotFoundException", NO_FUNCTION)
    return record


def _shown(call: Call, record: Record, url: UrlConfig) -> Document:
    answer: Document = {
        "FunctionUrl": function_url(call.parts.service_url(), url.url_id, url.region),
        "FunctionArn": f"{record.arn}:{url.qualifier}" if url.qualifier else record.arn,
        "AuthType": url.auth_type,
        "CreationTime": url.created,
        "LastModifiedTime": url.modified,
        "InvokeMode": url.invoke_mode,
    }
    return {**answer, "Cors": url.cors} if url.cors else answer


def _as_changed(url: UrlConfig, answer: Document, *hidden: str) -> Document:
    """The answer to create and update. Recorded: InvokeMode only if ever sent; a new URL has no LastModifiedTime."""
    silent = hidden if url.mode_told else (*hidden, "InvokeMode")
    return {member: value for member, value in answer.items() if member not in silent}


def function_url(service_url: str, url_id: str, region: str) -> str:
    """The URL of an id: a name below `localhost` is loopback by RFC 6761, and curl and browsers know it."""
    port = urlsplit(service_url).port
    return f"http://{url_id}.lambda-url.{region}.localhost{f':{port}' if port else ''}/"
