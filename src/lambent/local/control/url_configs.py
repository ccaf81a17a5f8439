"""Configurations of Function URLs: one for $LATEST and one for each alias."""

from __future__ import annotations

import secrets
import string
from urllib.parse import urlsplit

from msgspec.structs import asdict

from lambent.local.control.configuration import aws_timestamp
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import conflict, constraint, missing
from lambent.local.control.pagination import page
from lambent.local.control.reference import FunctionReference, is_version
from lambent.local.host_check import url_host
from lambent.local.store import Document, Record, UrlConfig

NO_FUNCTION = "Function does not exist"
NOTHING = "The resource you requested does not exist."
PATTERN = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"
ID_LENGTH = 32
ID_LETTERS = string.ascii_lowercase + string.digits


async def create_function_url_config(context: RequestContext) -> Document:
    reference, params = _reference(context), context.params
    record = _existing_record(context, reference)
    if reference.key in record.urls:
        lead = f"Failed to create function url config for [functionArn = {reference.qualified_arn}]. "
        raise conflict(f"{lead}Error message:  FunctionUrlConfig exists for this Lambda function")
    timestamp = aws_timestamp()
    url = UrlConfig(
        url_id="".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH)),
        region=record.region,
        account=record.account,
        function=record.name,
        qualifier=reference.key,
        auth_type=params["AuthType"],
        invoke_mode=params.get("InvokeMode", "BUFFERED"),
        cors=params.get("Cors"),
        created=timestamp,
        modified=timestamp,
        mode_told="InvokeMode" in params,
    )
    record.urls[reference.key] = asdict(url)
    context.store.save(record)
    return _after_change(url, _shown(context, record, url), "LastModifiedTime")


async def get_function_url_config(context: RequestContext) -> Document:
    record, key = _existing_url(context)
    return _shown(context, record, UrlConfig(**record.urls[key]))


async def update_function_url_config(context: RequestContext) -> Document:
    reference, params = _reference(context), context.params
    record = _existing_record(context, reference)
    if reference.key not in record.urls:
        raise missing(NOTHING)
    document = record.urls[reference.key]
    for member, name in (("AuthType", "auth_type"), ("InvokeMode", "invoke_mode"), ("Cors", "cors")):
        if member in params:
            document[name] = params[member] or None
    document["modified"] = aws_timestamp()
    document["mode_told"] = document.get("mode_told", False) or "InvokeMode" in params
    context.store.save(record)
    url = UrlConfig(**document)
    return _after_change(url, _shown(context, record, url))


async def delete_function_url_config(context: RequestContext) -> None:
    """Delete the URL. Its policy statements stay, as on AWS."""
    record, key = _existing_url(context)
    del record.urls[key]
    context.store.save(record)


async def list_function_url_configs(context: RequestContext) -> Document:
    record = _existing_record(context, context.reference().require_unqualified())
    urls = [UrlConfig(**document) for document in record.urls.values()]
    page_urls, more = page(urls, context.params, lambda url: url.url_id)
    return {"FunctionUrlConfigs": [_shown(context, record, url) for url in page_urls], **more}


def _reference(context: RequestContext) -> FunctionReference:
    reference = context.reference()
    if reference.qualifier is not None and is_version(reference.qualifier):
        # It was part of the function's name; the model has checked a Qualifier.
        rule = f"Member must satisfy regular expression pattern: {PATTERN}"
        raise constraint(reference.qualifier, "qualifier", rule)
    return reference


def _existing_record(context: RequestContext, reference: FunctionReference) -> Record:
    record = context.find_record(reference)
    if record is None or (reference.key and reference.key not in record.aliases):
        raise missing(NO_FUNCTION)
    return record


def _existing_url(context: RequestContext) -> tuple[Record, str]:
    """Return the record with the request's URL, and the URL's key in it."""
    reference = _reference(context)
    record = context.find_record(reference)
    if record is None or reference.key not in record.urls:
        raise missing(NOTHING)
    return record, reference.key


def _shown(context: RequestContext, record: Record, url: UrlConfig) -> Document:
    members: Document = {
        "FunctionUrl": function_url(context.backend.service_url, url.url_id, url.region),
        "FunctionArn": f"{record.arn}:{url.qualifier}" if url.qualifier else record.arn,
        "AuthType": url.auth_type,
        "CreationTime": url.created,
        "LastModifiedTime": url.modified,
        "InvokeMode": url.invoke_mode,
    }
    return {**members, "Cors": url.cors} if url.cors else members


def _after_change(url: UrlConfig, members: Document, *hidden: str) -> Document:
    """Return what create and update answer. Recorded: InvokeMode only if ever sent; a new URL has no LastModifiedTime."""
    absent = hidden if url.mode_told else (*hidden, "InvokeMode")
    return {member: value for member, value in members.items() if member not in absent}


def function_url(service_url: str, url_id: str, region: str) -> str:
    """Return the URL of an id, on the service's port."""
    port = urlsplit(service_url).port
    return f"http://{url_host(url_id, region)}{f':{port}' if port else ''}/"
