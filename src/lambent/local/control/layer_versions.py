"""Layers: published in versions, which never change; and which of them a function may have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from lambent.limits import LAYERS_MAX, UNZIPPED_MAX
from lambent.local.control.code import fetch, keep
from lambent.local.control.configuration import page
from lambent.local.control.context import Call, aws_time
from lambent.local.control.faults import Fault, constraint, invalid, missing, not_built
from lambent.local.control.validate import LISTED_RUNTIMES
from lambent.local.layer_store import Layer, unpacked_size
from lambent.local.store import Document, sha_hex

NOTHING = "The resource you requested does not exist."
NAME = re.compile(r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[^:]+):(?P<account>\d{12}):layer:)?(?P<name>[a-zA-Z0-9-_]{1,140})")
VERSION_ARN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
PATTERN = f"Member must satisfy regular expression pattern: {VERSION_ARN}"
ITEM_RULES = (
    "Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, "
    f"{PATTERN}, Member must not be null"
)
TOLD = ("CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
LISTED = ("LayerVersionArn", "Version", "Description", "CreatedDate", *TOLD)


async def publish_layer_version(call: Call) -> Document:
    """Always a new version, also of the same zip."""
    name, params = layer_name(call), call.params
    code = await fetch(call, params["Content"])
    region, account = call.request.region, call.request.account
    with call.store.hold(code.sha):
        await keep(call, code)
        layer = call.store.layers.get(region, name)
        if layer is None:
            layer = Layer(region, account, name, f"arn:aws:lambda:{region}:{account}:layer:{name}")
        layer.last_version += 1
        version: Document = {
            "Content": code.members(),
            "LayerArn": layer.arn,
            "LayerVersionArn": f"{layer.arn}:{layer.last_version}",
            "Description": params.get("Description", ""),
            "CreatedDate": aws_time(),
            "Version": layer.last_version,
            **{member: params[member] for member in TOLD if member in params},
        }
        layer.versions[str(layer.last_version)] = version
        call.store.layers.save(layer)
    return _shown(call, version)


async def get_layer_version(call: Call) -> Document:
    return _shown(call, _existing(call)[1])


async def get_layer_version_by_arn(call: Call) -> Document:
    arn = call.params["Arn"]
    if not re.fullmatch(VERSION_ARN, arn):
        raise constraint(arn, "arn", PATTERN)
    found = by_arn(call, arn)
    if found is None:
        raise missing(NOTHING)
    return _shown(call, found)


async def delete_layer_version(call: Call) -> None:
    """What is not there is no error. Functions that use it go on using it; its code is swept away with theirs."""
    layer = call.store.layers.get(call.request.region, layer_name(call))
    number = str(version_number(call))
    if layer is not None and layer.versions.pop(number, None) is not None:
        layer.policies.pop(number, None)
        layer.revisions.pop(number, None)
        call.store.layers.save(layer)


async def list_layer_versions(call: Call) -> Document:
    """The newest first."""
    layer = call.store.layers.get(call.request.region, layer_name(call))
    found = _matching(call, layer) if layer is not None else []
    shown, more = page(found, call.params, lambda version: str(version["Version"]))
    return {"LayerVersions": [_listed(version) for version in shown], **more}


async def list_layers(call: Call) -> Document:
    """Each layer with the newest version that fits the filters."""
    rows = [(layer, found[0]) for layer in call.store.layers.of(call.request.region) if (found := _matching(call, layer))]
    shown, more = page(rows, call.params, lambda row: row[0].name)
    layers = [
        {"LayerName": layer.name, "LayerArn": layer.arn, "LatestMatchingVersion": _listed(version)} for layer, version in shown
    ]
    return {"Layers": layers, **more}


async def used_layers(call: Call) -> Document:
    """The members of a configuration for what its Layers asks for; none if it does not ask. Raises Fault in AWS's words."""
    if "Layers" not in call.params:
        return {}
    versions = _checked(call, call.params["Layers"])
    shas = [sha_hex(version["Content"]) for version in versions]
    listed = [{"Arn": each["LayerVersionArn"], "CodeSize": each["Content"]["CodeSize"]} for each in versions]
    return {"Layers": listed, "_opt": await asyncio.to_thread(call.store.stack, shas) if shas else ""}


async def check_unzipped(call: Call, configuration: Document) -> None:
    """Code and layers together have the limit of one zip. The text is as users report it."""
    opt = configuration.get("_opt")
    if not opt:
        return
    folders = [call.store.code / sha_hex(configuration), call.store.code / opt]
    size = sum([await asyncio.to_thread(unpacked_size, folder) for folder in folders])
    if size > UNZIPPED_MAX:
        lead = "Function code combined with layers exceeds the maximum allowed size of"
        raise invalid(f"{lead} {UNZIPPED_MAX} bytes. The actual size is {size} bytes.")


def layer_name(call: Call) -> str:
    """The layer's own name. Raises Fault for one that is elsewhere."""
    match = NAME.fullmatch(call.params["LayerName"])
    assert match is not None, "the model's pattern has been checked"
    here = (call.request.region, call.request.account)
    if match["region"] and (match["region"], match["account"]) != here:
        raise Fault("AccessDeniedException", f"{call.params['LayerName']} is not in this account and region")
    return match["name"]


def version_number(call: Call) -> int:
    number: int = call.params["VersionNumber"]
    if number < 1:
        raise invalid("Layer Version Cannot be less than 1")
    return number


def by_arn(call: Call, arn: str) -> Document | None:
    """The version with this ARN, if it is here."""
    head, _, number = arn.rpartition(":")
    layer = call.store.layers.get(call.request.region, head.rpartition(":")[2])
    return layer.versions.get(number) if layer is not None and layer.arn == head else None


def _existing(call: Call) -> tuple[Layer, Document]:
    number = version_number(call)
    layer = call.store.layers.get(call.request.region, layer_name(call))
    if layer is None or str(number) not in layer.versions:
        raise missing(NOTHING)
    return layer, layer.versions[str(number)]


def _shown(call: Call, version: Document) -> Document:
    """With where its zip is."""
    location = f"{call.parts.service_url().rstrip('/')}/_code/{sha_hex(version['Content'])}.zip"
    return {**version, "Content": {**version["Content"], "Location": location}}


def _listed(version: Document) -> Document:
    return {member: version[member] for member in LISTED if member in version}


def _matching(call: Call, layer: Layer) -> list[Document]:
    """The versions that fit the filters, the newest first."""
    runtime, architecture = call.params.get("CompatibleRuntime"), call.params.get("CompatibleArchitecture")
    if runtime is not None and runtime not in LISTED_RUNTIMES.split(", "):
        raise constraint(runtime, "compatibleRuntime", f"Member must satisfy enum value set: [{LISTED_RUNTIMES}]")
    wanted = {"CompatibleRuntimes": runtime, "CompatibleArchitectures": architecture}
    versions = [layer.versions[number] for number in sorted(layer.versions, key=int, reverse=True)]
    return [each for each in versions if all(one is None or one in each.get(member, ()) for member, one in wanted.items())]


def _checked(call: Call, arns: Sequence[Any]) -> list[Document]:
    region, account = call.request.region, call.request.account
    if len(arns) > LAYERS_MAX:
        raise invalid(f"Cannot reference more than {LAYERS_MAX} layers.")
    if not all(re.fullmatch(VERSION_ARN, arn) for arn in arns):
        raise constraint(f"[{', '.join(arns)}]", "layers", f"Member must satisfy constraint: [{ITEM_RULES}]")
    if any(":::awslayer:" in arn for arn in arns):
        raise not_built("layers of AWS's own (awslayer)")
    if any(arn.split(":")[3] != region for arn in arns):
        expected = f"Layers are expected to be in region {region}."
        raise invalid(f"Layers are not in the same region as the function. {expected}")
    _refuse_twice(arns)
    found = []
    for arn in arns:
        if arn.split(":")[4] != account:
            raise not_built(f"layers of other accounts ({arn}): publish a copy here. Nothing else is")
        version = by_arn(call, arn)
        if version is None:
            raise invalid(f"Layer version {arn} does not exist.")
        found.append(version)
    return found


def _refuse_twice(arns: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for arn in arns:
        other = first.setdefault(arn.rpartition(":")[0], arn)
        if other is not arn:
            lead = "Two different versions of the same layer are not allowed to be referenced in the same function. "
            raise invalid(f"{lead}{other} and {arn} are versions of the same layer.")
