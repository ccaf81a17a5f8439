"""Refuses builds for CUDA before their gigabytes are downloaded: Lambda has no GPU, and most packages have a small build."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lambent import units
from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.requirement_lines import decode
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.wheels.choose_wheel import choose_wheel

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Source: https://docs.astral.sh/uv/guides/integration/pytorch/"""

_LIBRARY = re.compile(r"nvidia-|cuda-|triton$")
_POETRY = f"poetry source add --priority=explicit pytorch-cpu {CPU_INDEX} && poetry add --source pytorch-cpu {{torch}}"
_UV = f"uv add --index pytorch-cpu={CPU_INDEX} {{torch}}"
_LINE = f"add the line --extra-index-url {CPU_INDEX} to {{name}}"
_CURES = {
    "requirements.txt": _LINE,
    "uv.lock": _UV,
    "pyproject.toml": _UV,
    "poetry.lock": _POETRY,
    "poetry": _POETRY,
    "Pipfile.lock": f"pipenv install --index {CPU_INDEX} {{torch}}",
    "Pipfile": f"pipenv install --index {CPU_INDEX} {{torch}}",
}
_OTHER_CURE = f"take torch from {CPU_INDEX}, and lock again"


_EXTRA = re.compile(r"([A-Za-z][\w.-]*)\s*\[[^\]\n]*\bcuda[^\]\n]*\]")
"""A requirement such as jax[cuda12] or tensorflow[and-cuda]."""
_EXTRA_MIN = 500_000_000
"""Bytes of NVIDIA's libraries, which no zip can hold."""


def refuse_cuda(pins: Sequence[Pin], request: ResolveRequest) -> None:
    """Raise PackagingError if the pins hold PyTorch, or an extra for CUDA, with NVIDIA's libraries."""
    torch = next((pin for pin in pins if pin.name == "torch"), None)
    libraries = [pin for pin in pins if _LIBRARY.match(pin.name)]
    if not any(pin.name.startswith("nvidia-") for pin in libraries):
        return
    packages = [torch, *libraries] if torch is not None else libraries
    wheels = [wheel for pin in packages if (wheel := choose_wheel(pin, request.target))]
    total = sum(wheel.size or 0 for wheel in wheels)
    download = f": {units.size(total)} in {units.count(len(wheels), 'file')}" if total else ""
    source = request.source
    if torch is not None:
        version = f"torch=={torch.version.partition('+')[0]}"
        raise PackagingError(
            f"torch {torch.version} would be its build for CUDA{download}, and Lambda has no GPU",
            where=source.name,
            hint=_CURES.get(source.kind, _OTHER_CURE).format(name=source.name, torch=version),
        )
    if total >= _EXTRA_MIN and (extra := _EXTRA.search(decode(request.path.read_bytes()))):
        raise PackagingError(
            f"{extra[0]} brings libraries for CUDA{download}, and Lambda has no GPU",
            where=source.name,
            hint=f"{extra[1]} instead of {extra[0]}",
        )
