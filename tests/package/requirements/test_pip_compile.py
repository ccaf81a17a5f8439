"""How `uv pip compile` is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.package.requirements.pip_compile import PYPI, PipCompile
from lambent.package.requirements.toml_file import read_toml
from lambent.package.uv_command import Uv
from support.locking import make_request, make_target, write

PLAIN = {"requirements.txt": "flask==0.12.2\n", "pyproject.toml": "[project]\nname = 'shop'\n"}


class RecordingUv(Uv, frozen=True):
    """A uv that prints which configuration it is called with."""

    def run(self, *arguments: str, **variables: str) -> str:
        return variables.get("UV_CONFIG_FILE", "")


def configuration(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the file with uv's configuration that a call names, "" if it names none."""
    environ = {"HOME": str(folder.parent), "PATH": "", **environ}
    request = make_request(folder, make_target(), folder.parent / "cache")
    uv = RecordingUv(request.uv.folder, environ, request.uv.build_cache)
    return PipCompile(replace(request, uv=uv))._run("requirements.txt")


def test_sources_from_pypi_are_never_fetched_again(tmp_path: Path) -> None:
    settings = read_toml(Path(configuration(write(tmp_path / "source", PLAIN), {})))
    assert settings is not None
    (index,) = settings["index"]
    assert index["url"] == PYPI and index["default"] and "immutable" in index["cache-control"]["files"]


@pytest.mark.parametrize(
    ("files", "environ"),
    [
        ({"uv.toml": "exclude-newer = '2026-01-01'\n"}, {}),
        ({"pyproject.toml": "[tool.uv]\nexclude-newer = '2026-01-01'\n"}, {}),
        ({"requirements.txt": "--index-url https://registry.example/simple\nflask\n"}, {}),
        ({"requirements.txt": "-i https://registry.example/simple\nflask\n"}, {}),
        ({"requirements.txt": "flask\n-f https://registry.example/wheels\n"}, {}),
        ({"requirements.txt": "-c https://registry.example/limits.txt\nflask\n"}, {}),
        ({"requirements.txt": "--constraint https://registry.example/limits.txt\nflask\n"}, {}),
        ({}, {"UV_DEFAULT_INDEX": "https://registry.example/simple"}),
        ({}, {"UV_CONFIG_FILE": "own.toml"}),
        ({}, {"UV_NO_CONFIG": "1"}),
    ],
)
def test_users_own_configuration_of_uv_counts(files: dict[str, str], environ: dict[str, str], tmp_path: Path) -> None:
    assert configuration(write(tmp_path / "app", {**PLAIN, **files}), environ) == ""


class EggInfoUv(Uv, frozen=True):
    """A uv that prints setuptools' configuration."""

    def run(self, *arguments: str, **variables: str) -> str:
        return Path(variables["DIST_EXTRA_CONFIG"]).read_text() if "DIST_EXTRA_CONFIG" in variables else ""


def test_no_egg_info_is_written_into_the_project(tmp_path: Path) -> None:
    request = make_request(write(tmp_path / "shop", PLAIN), make_target(), tmp_path / "cache")
    for environ, expected in (({}, "[egg_info]\negg_base = "), ({"DIST_EXTRA_CONFIG": "own.cfg"}, "")):
        uv = EggInfoUv(request.uv.folder, {"HOME": str(tmp_path), "PATH": "", **environ}, request.uv.build_cache)
        text = PipCompile(replace(request, uv=uv))._run("requirements.txt")
        assert text.startswith(expected) and str(tmp_path / "shop") not in text
