"""Layers: publish, get, list and delete versions, which never change."""

from __future__ import annotations

import re

from lambent.local.control.code import fetch_code, store_code
from lambent.local.control.configuration import aws_timestamp
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, constraint, invalid, missing
from lambent.local.control.pagination import page
from lambent.local.control.validate import LAYER_RUNTIMES_IN_ERRORS
from lambent.local.layer import Layer
from lambent.local.store import Document, sha_hex

NOTHING = "The resource you requested does not exist."
NAME = re.compile(r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[^:]+):(?P<account>\d{12}):layer:)?(?P<name>[a-zA-Z0-9-_]{1,140})")
VERSION_ARN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
ARN_RULE = f"Member must satisfy regular expression pattern: {VERSION_ARN}"
COPIED = ("CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")  # from the request
LISTED = ("LayerVersionArn", "Version", "Description", "CreatedDate", *COPIED)


async def publish_layer_version(context: RequestContext) -> Document:
    """Publish a new version, even if the zip is the same."""
    name, params = layer_name(context), context.params
    code = await fetch_code(context, params["Content"])
    region, account = context.region, context.account
    with context.store.code.hold(code.sha):
        await store_code(context, code)
        layer = context.store.layers.get(region, name)
        if layer is None:
            layer = Layer(region, account, name, f"arn:aws:lambda:{region}:{account}:layer:{name}")
        layer.last_version += 1
        version: Document = {
            "Content": code.members(),
            "LayerArn": layer.arn,
            "LayerVersionArn": f"{layer.arn}:{layer.last_version}",
            "Description": params.get("Description", ""),
            "CreatedDate": aws_timestamp(),
            "Version": layer.last_version,
            **{member: params[member] for member in COPIED if member in params},
        }
        layer.versions[str(layer.last_version)] = version
        context.store.layers.save(layer)
    return _with_location(context, version)


async def get_layer_version(context: RequestContext) -> Document:
    number = str(version_number(context))
    layer = context.store.layers.get(context.region, layer_name(context))
    if layer is None or number not in layer.versions:
        raise missing(NOTHING)
    return _with_location(context, layer.versions[number])


async def get_layer_version_by_arn(context: RequestContext) -> Document:
    arn = context.params["Arn"]
    if not re.fullmatch(VERSION_ARN, arn):
        raise constraint(arn, "arn", ARN_RULE)
    version = version_by_arn(context, arn)
    if version is None:
        raise missing(NOTHING)
    return _with_location(context, version)


async def delete_layer_version(context: RequestContext) -> None:
    """Delete a version; one that doesn't exist is no error.

    Functions that use it continue to do so, and its code is removed together with theirs.
    """
    layer = context.store.layers.get(context.region, layer_name(context))
    number = str(version_number(context))
    if layer is not None and layer.versions.pop(number, None) is not None:
        layer.policies.pop(number, None)
        layer.revisions.pop(number, None)
        context.store.layers.save(layer)


async def list_layer_versions(context: RequestContext) -> Document:
    """List the versions of a layer, the newest first."""
    layer = context.store.layers.get(context.region, layer_name(context))
    versions = _matching_versions(context, layer) if layer is not None else []
    page_versions, more = page(versions, context.params, lambda version: str(version["Version"]))
    return {"LayerVersions": [_listed(version) for version in page_versions], **more}


async def list_layers(context: RequestContext) -> Document:
    """List each layer with the newest version that matches the filters."""
    layers = context.store.layers.in_region(context.region)
    rows = [(layer, versions[0]) for layer in layers if (versions := _matching_versions(context, layer))]
    page_rows, more = page(rows, context.params, lambda row: row[0].name)
    documents = [
        {"LayerName": layer.name, "LayerArn": layer.arn, "LatestMatchingVersion": _listed(version)}
        for layer, version in page_rows
    ]
    return {"Layers": documents, **more}


def layer_name(context: RequestContext) -> str:
    """Return the layer's name without its ARN. Raises Fault for a layer of another account or region."""
    match = NAME.fullmatch(context.params["LayerName"])
    assert match is not None, "the model's pattern has been checked"
    if match["region"] and (match["region"], match["account"]) != (context.region, context.account):
        raise Fault("AccessDeniedException", f"{context.params['LayerName']} is not in this account and region")
    return match["name"]


def version_number(context: RequestContext) -> int:
    number: int = context.params["VersionNumber"]
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1")
    return number


def version_by_arn(context: RequestContext, arn: str) -> Document | None:
    """Return the version with this ARN, or None if it doesn't exist here."""
    layer_arn, _, number = arn.rpartition(":")
    layer = context.store.layers.get(context.region, layer_arn.rpartition(":")[2])
    return layer.versions.get(number) if layer is not None and layer.arn == layer_arn else None


def _with_location(context: RequestContext, version: Document) -> Document:
    """Add where the version's zip can be downloaded."""
    location = f"{context.backend.service_url}/_code/{sha_hex(version['Content'])}.zip"
    return {**version, "Content": {**version["Content"], "Location": location}}


def _listed(version: Document) -> Document:
    return {member: version[member] for member in LISTED if member in version}


def _matching_versions(context: RequestContext, layer: Layer) -> list[Document]:
    """Return the versions that match the filters, the newest first."""
    runtime, architecture = context.params.get("CompatibleRuntime"), context.params.get("CompatibleArchitecture")
    if runtime is not None and runtime not in LAYER_RUNTIMES_IN_ERRORS.split(", "):
        raise constraint(runtime, "compatibleRuntime", f"Member must satisfy enum value set: [{LAYER_RUNTIMES_IN_ERRORS}]")
    filters = {"CompatibleRuntimes": runtime, "CompatibleArchitectures": architecture}
    versions = [layer.versions[number] for number in sorted(layer.versions, key=int, reverse=True)]
    return [
        version
        for version in versions
        if all(value is None or value in version.get(member, ()) for member, value in filters.items())
    ]
