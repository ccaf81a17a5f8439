"""PyTorch for CUDA is refused before anything of it is downloaded, and the hint gets the build for CPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.cuda import CPU_INDEX, refuse_cuda, refuse_cuda_index
from lambent.package.requirements.requirement_lines import read_requirement_files
from support.locking import make_request, make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving

TARGET = make_target("3.13")
CUDA_PACKAGES = ("nvidia-cublas-cu12", "triton")


def offer_torch(registry: Registry) -> None:
    offer(registry, "torch", "2.0", requires=CUDA_PACKAGES)
    for name in CUDA_PACKAGES:
        offer(registry, name)


def test_following_the_hint_gets_the_build_for_cpus(tmp_path: Path) -> None:
    with serving() as pypi, serving() as pytorch:
        offer_torch(pypi)
        offer(pytorch, "torch", "2.0+cpu")
        text = f"--index-url {pypi.url}/simple\ntorch==2.0\n"
        project = write(tmp_path / "app", {"requirements.txt": text})
        with pytest.raises(PackagingError) as caught:
            resolve_project(project, TARGET, tmp_path / "cache")
        error = caught.value
        assert error.what.startswith("torch 2.0 would be its build for CUDA") and error.what.endswith("Lambda has no GPU")
        assert not [request.path for request in pypi.requests if request.path.endswith("nvidia_cublas_cu12-1.0.whl")]
        line = error.hint.removeprefix("add the line ").partition(" to requirements.txt, and use --overflow")[0]
        write(project, {"requirements.txt": f"{line.replace(CPU_INDEX, f'{pytorch.url}/simple')}\n{text}"})
        assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"torch": "2.0+cpu"}


def test_each_tool_has_its_command(tmp_path: Path) -> None:
    with serving() as pypi:
        offer_torch(pypi)
        source = f'[[tool.poetry.source]]\nname = "own"\nurl = "{pypi.url}/simple"\npriority = "primary"\n'
        text = f'[tool.poetry.dependencies]\ntorch = "^2"\n{source}'
        project = write(tmp_path / "app", {"pyproject.toml": text})
        with pytest.raises(PackagingError) as caught:
            resolve_project(project, TARGET, tmp_path / "cache")
        assert caught.value.hint.partition(",")[0].endswith("&& poetry add --source pytorch-cpu torch==2.0")


def test_extra_for_cuda_is_refused_before_its_download(tmp_path: Path) -> None:
    library = Pin(
        "nvidia-cublas-cu12", "1", (DistFile("nvidia_cublas_cu12-1-py3-none-any.whl", "https://x.invalid/a", (), 600_000_000),)
    )
    project = write(tmp_path / "app", {"requirements.txt": "flask\njax[cuda12]==0.9\n"})
    request = make_request(project, TARGET, tmp_path / "cache")
    with pytest.raises(PackagingError, match=r"jax\[cuda12\] brings libraries for CUDA: 600.0 MB in 1 file") as caught:
        refuse_cuda([library], request)
    assert caught.value.hint == "jax instead of jax[cuda12]"
    write(project, {"requirements.txt": "flask\njax==0.9\n"})
    refuse_cuda([library], request)


@pytest.mark.parametrize(
    ("name", "cure"), [("torch", f"add the line --extra-index-url {CPU_INDEX}"), ("tensorflow", "tensorflow-cpu==2.2")]
)
def test_wheel_with_its_own_libraries_for_cuda_is_refused(tmp_path: Path, name: str, cure: str) -> None:
    request = make_request(write(tmp_path / "app", {"requirements.txt": f"{name}\n"}), TARGET, tmp_path / "cache")

    def pin(size: int) -> Pin:
        return Pin(name, "2.2", (DistFile(f"{name}-2.2-py3-none-any.whl", "https://x.invalid/a", (), size),))

    with pytest.raises(PackagingError, match=f"{name} 2.2 would be its build for CUDA: 516.0 MB in 1 file") as caught:
        refuse_cuda([pin(516_000_000)], request)
    assert caught.value.hint.startswith(cure) and "--overflow" in caught.value.hint
    refuse_cuda([pin(190_000_000)], request)


def test_an_index_of_builds_for_cuda_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    text = "# flask\n--extra-index-url https://download.pytorch.org/whl/cu121\ntorch==2.5.1+cu121\n"
    project = write(tmp_path / "app", {"requirements.txt": text})
    with pytest.raises(PackagingError, match="takes PyTorch's builds for CUDA") as caught:
        resolve_project(project, TARGET, tmp_path / "cache")
    assert caught.value.where == "requirements.txt:2"
    assert caught.value.hint == "replace cu121 by cpu wherever requirements.txt has it"
    (file,) = read_requirement_files(
        write(project, {"requirements.txt": text.replace("cu121", "cpu")}) / "requirements.txt", {}, ""
    )
    refuse_cuda_index([file], make_request(project, TARGET, tmp_path / "cache"))
