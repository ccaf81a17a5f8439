"""The layers attached to a function."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from lambent.limits import LAYERS_MAX, UNZIPPED_MAX
from lambent.local.code_store import unpacked_size
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import constraint, invalid, not_supported
from lambent.local.control.layer_versions import ARN_RULE, VERSION_ARN, version_by_arn
from lambent.local.store import Document, sha_hex

ITEM_RULES = (
    "Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, "
    f"{ARN_RULE}, Member must not be null"
)


async def attached_layers(context: RequestContext) -> Document:
    """Return the configuration members for the request's Layers; none if it doesn't have them. Raises Fault."""
    if "Layers" not in context.params:
        return {}
    versions = _checked_versions(context, context.params["Layers"])
    shas = [sha_hex(version["Content"]) for version in versions]
    layers = [{"Arn": version["LayerVersionArn"], "CodeSize": version["Content"]["CodeSize"]} for version in versions]
    opt = await asyncio.to_thread(context.store.code.merge, shas) if shas else ""
    return {"Layers": layers, "_opt": opt, "_layers": shas}


async def check_unzipped_size(context: RequestContext, configuration: Document) -> None:
    """Refuse code that is too large together with its layers: they share the limit of one zip. The text is users' reports."""
    opt = configuration.get("_opt")
    if not opt:
        return
    folders = [context.store.code.folder / sha_hex(configuration), context.store.code.folder / opt]
    size = sum([await asyncio.to_thread(unpacked_size, folder) for folder in folders])
    if size > UNZIPPED_MAX:
        lead = "Function code combined with layers exceeds the maximum allowed size of"
        raise invalid(f"{lead} {UNZIPPED_MAX} bytes. The actual size is {size} bytes.")


def _checked_versions(context: RequestContext, arns: Sequence[Any]) -> list[Document]:
    """Return the layer versions with these ARNs. Raises Fault for those that AWS or the local Lambda refuses."""
    if len(arns) > LAYERS_MAX:
        raise invalid(f"Cannot reference more than {LAYERS_MAX} layers.")
    if not all(re.fullmatch(VERSION_ARN, arn) for arn in arns):
        raise constraint(f"[{', '.join(arns)}]", "layers", f"Member must satisfy constraint: [{ITEM_RULES}]")
    if any(":::awslayer:" in arn for arn in arns):
        raise not_supported("AWS's own layers (awslayer)")
    if any(arn.split(":")[3] != context.region for arn in arns):
        expected = f"Layers are expected to be in region {context.region}."
        raise invalid(f"Layers are not in the same region as the function. {expected}")
    _refuse_two_versions(arns)
    versions = []
    for arn in arns:
        if arn.split(":")[4] != context.account:
            raise not_supported(f"layers of other accounts ({arn})", "publish a copy here")
        version = version_by_arn(context, arn)
        if version is None:
            raise invalid(f"Layer version {arn} does not exist.")
        versions.append(version)
    return versions


def _refuse_two_versions(arns: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for arn in arns:
        other = first.setdefault(arn.rpartition(":")[0], arn)
        if other is not arn:
            lead = "Two different versions of the same layer are not allowed to be referenced in the same function. "
            raise invalid(f"{lead}{other} and {arn} are versions of the same layer.")
