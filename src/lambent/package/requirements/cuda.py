"""Refuses builds for CUDA before their gigabytes are downloaded: Lambda has no GPU, and most packages have a smaller build.

PyTorch and TensorFlow for CPUs are above 250 MB as well, so the hint names --overflow with them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lambent import units
from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.requirement_lines import RequirementsFile, decode
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.wheels.choose_wheel import choose_wheel, download_size

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

_OVERFLOW = "and use --overflow, since the build for CPUs is above 250 MB too"

_EXTRA = re.compile(r"([A-Za-z][\w.-]*)\s*\[[^\]\n]*\bcuda[^\]\n]*\]")
"""A requirement such as jax[cuda12] or tensorflow[and-cuda]."""
_EXTRA_MIN = 500_000_000
"""Bytes of NVIDIA's libraries, which no zip can hold."""
_BUNDLED_MIN = 300_000_000
"""Bytes of a wheel that has them itself: torch 1.x, tensorflow. The builds for CPUs are smaller."""
_INDEX = re.compile(r"(?m)^[^#\n]*https?://download\.pytorch\.org/whl/(?:nightly/)?(cu\d+)\b")


class CudaError(PackagingError):
    """The requirements bring a build for CUDA."""


def refuse_cuda_index(files: Sequence[RequirementsFile], request: ResolveRequest) -> None:
    """Raise CudaError if requirements files take PyTorch from an index of builds for CUDA."""
    for file in files:
        if index := _INDEX.search(file.text):
            raise CudaError(
                f"{request.source.name} takes PyTorch's builds for CUDA: they have gigabytes, and Lambda has no GPU",
                where=f"{file.path.name}:{file.text.count(chr(10), 0, index.start(1)) + 1}",
                hint=f"replace {index[1]} by cpu wherever {file.path.name} has it",
            )


def refuse_cuda(pins: Sequence[Pin], request: ResolveRequest) -> None:
    """Raise CudaError if the pins hold PyTorch, TensorFlow or an extra for CUDA, with NVIDIA's libraries."""
    frameworks = [pin for pin in pins if pin.name in ("torch", "tensorflow")]
    libraries = [pin for pin in pins if _LIBRARY.match(pin.name)]
    has_libraries = any(pin.name.startswith("nvidia-") for pin in libraries)
    for framework in frameworks:
        packages = [framework, *libraries] if framework.name == "torch" else [framework]
        if (has_libraries and framework.name == "torch") or _size([framework], request) >= _BUNDLED_MIN:
            what = f"{framework.name} {framework.version} would be its build for CUDA{_download(packages, request)}"
            raise CudaError(f"{what}, and Lambda has no GPU", where=request.source.name, hint=_cure(framework, request))
    if not has_libraries or _size(libraries, request) < _EXTRA_MIN:
        return
    if extra := _EXTRA.search(decode(request.path.read_bytes())):
        what = f"{extra[0]} brings libraries for CUDA{_download(libraries, request)}, and Lambda has no GPU"
        raise CudaError(what, where=request.source.name, hint=f"{extra[1]} instead of {extra[0]}")


def _cure(framework: Pin, request: ResolveRequest) -> str:
    version, source = framework.version.partition("+")[0], request.source
    if framework.name == "tensorflow":
        return f"tensorflow-cpu=={version} instead of tensorflow in {source.name}, {_OVERFLOW}"
    cure = _CURES.get(source.kind, _OTHER_CURE).format(name=source.name, torch=f"torch=={version}")
    return f"{cure}, {_OVERFLOW}"


def _wheels(pins: Sequence[Pin], request: ResolveRequest) -> list[DistFile]:
    return [wheel for pin in pins if (wheel := choose_wheel(pin, request.target))]


def _size(pins: Sequence[Pin], request: ResolveRequest) -> int:
    """Return the bytes to download, as far as the index says so."""
    return download_size(pins, request.target)


def _download(pins: Sequence[Pin], request: ResolveRequest) -> str:
    total = _size(pins, request)
    return f": {units.size(total)} in {units.count(len(_wheels(pins, request)), 'file')}" if total else ""
