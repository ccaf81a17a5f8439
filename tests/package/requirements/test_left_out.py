"""Packages that the zip doesn't need never stop a build."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.events import Event, Notice, ignore
from lambent.package import dependencies
from lambent.package.build_context import BuildContext
from lambent.package.requirements import left_out
from lambent.package.requirements.resolve import resolve
from lambent.package.requirements.resolve_request import ResolveOptions
from support.configs import load_config
from support.locking import make_request, make_target, offer, versions, write
from support.registry import Registry, serving

TARGET = make_target("3.13")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        offer(running, "demo", requires=("needed",))
        offer(running, "needed")
        yield running


def make_project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def test_what_python_has_itself_is_never_resolved(tmp_path: Path, registry: Registry) -> None:
    events: list[Event] = []
    project = make_project(
        tmp_path / "app", registry, "demo", "uuid==1.30", "enum34; python_version < '4'", "pkg_resources==0.0.0"
    )
    request = make_request(project, TARGET, tmp_path / "cache", emit=events.append)
    assert versions(resolve(request, tmp_path / "cache")) == {"demo": "1.0", "needed": "1.0"}
    assert events == [
        Notice("enum34 is left out: Python 3.13 has enum itself"),
        Notice("pkg-resources is left out: it isn't a package, Debian's pip lists it by mistake"),
        Notice("uuid is left out: Python 3.13 has uuid itself"),
    ]


def test_server_without_a_wheel_is_left_out_unless_the_app_imports_it(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "uwsgi", "2.0", "cp39-cp39-manylinux_2_17_x86_64")
    project, cache = make_project(tmp_path / "app", registry, "demo", "uwsgi"), tmp_path / "cache"
    request = make_request(project, TARGET, cache)
    resolution = resolve(request, cache)
    assert set(versions(resolution)) == {"demo", "needed"} and resolution.lock.omitted == ("uwsgi",)
    assert resolve(make_request(project, TARGET, cache), cache).cached
    importing = replace(make_request(project, TARGET, cache), imported=lambda modules: modules)
    with pytest.raises(PackagingError, match="uwsgi has no wheel"):
        resolve(importing, cache)


def test_backport_is_left_out_where_python_has_it(tmp_path: Path, registry: Registry) -> None:
    for python in ("38", "310"):
        offer(registry, "backports_zoneinfo", "0.2.1", f"cp{python}-cp{python}-manylinux_2_17_x86_64")
    project, events = make_project(tmp_path / "app", registry, "demo", "backports.zoneinfo==0.2.1"), list[Event]()
    request = make_request(project, TARGET, tmp_path / "cache", emit=events.append)
    assert set(versions(resolve(request, tmp_path / "cache"))) == {"demo", "needed"}
    assert events == [Notice("backports-zoneinfo is left out: Python 3.13 has zoneinfo itself")]
    old = make_request(project, make_target("3.10"), tmp_path / "cache")
    assert "backports-zoneinfo" in versions(resolve(old, tmp_path / "cache")), "it fits"


def test_without_leaves_out_what_only_that_package_needs(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "shared")
    offer(registry, "large", requires=("only-large", "shared"))
    offer(registry, "only-large")
    project = make_project(tmp_path / "app", registry, "demo", "large", "shared")
    options = ResolveOptions(without=("Large",))
    resolution = resolve(make_request(project, TARGET, tmp_path / "cache", options), tmp_path / "cache")
    assert set(versions(resolution)) == {"demo", "needed", "shared"}
    assert resolution.lock.omitted == ("large", "only-large")


PYPROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["demo", "large", "shared"]\n'
NEEDS = {"demo": ("needed",), "large": ("only-large", "shared"), "needed": (), "only-large": (), "shared": ()}


def poetry_lock(url: str, graph: dict[str, tuple[str, ...]] = NEEDS) -> dict[str, str]:
    lock = ""
    for name, needs in graph.items():
        dependencies = "".join(f'{each} = "*"\n' for each in needs)
        lock += f'[[package]]\nname = "{name}"\nversion = "1.0"\npython-versions = "*"\ngroups = ["main"]\nfiles = []\n'
        lock += f'[package.dependencies]\n{dependencies}[package.source]\ntype = "legacy"\nurl = "{url}/simple"\n'
    return {"pyproject.toml": PYPROJECT, "poetry.lock": f'{lock}[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n'}


def pdm_lock(url: str, graph: dict[str, tuple[str, ...]] = NEEDS) -> dict[str, str]:
    lock = '[metadata]\ngroups = ["default"]\nstrategy = ["inherit_metadata"]\nlock_version = "4.5.0"\n'
    for name, needs in graph.items():
        lock += f'[[package]]\nname = "{name}"\nversion = "1.0"\ngroups = ["default"]\ndependencies = {list(needs)}\n'
    return {"pyproject.toml": f'{PYPROJECT}[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}/simple"\n', "pdm.lock": lock}


def pipfile_lock(url: str) -> dict[str, str]:
    source = {"name": "own", "url": f"{url}/simple", "verify_ssl": False}
    entries = {name: {"version": "==1.0", "index": "own"} for name in NEEDS}
    lock = json.dumps({"_meta": {"pipfile-spec": 6, "requires": {}, "sources": [source]}, "default": entries, "develop": {}})
    return {"Pipfile": '[packages]\ndemo = "*"\nlarge = "*"\nshared = "*"\n', "Pipfile.lock": lock}


@pytest.mark.parametrize("files", [poetry_lock, pdm_lock, pipfile_lock])
def test_what_without_leaves_out_of_a_lock_is_not_even_looked_up(
    tmp_path: Path, registry: Registry, files: Callable[[str], dict[str, str]]
) -> None:
    for name, needs in NEEDS.items():
        offer(registry, name, requires=needs)
    project, cache = write(tmp_path / "app", files(registry.url)), tmp_path / "cache"
    everything = resolve(make_request(project, TARGET, cache), cache)
    assert set(versions(everything)) == set(NEEDS) and everything.lock.omitted == ()
    offer(registry, "large", "1.0", "cp39-cp39-manylinux_2_17_x86_64")
    del registry.files["/files/large-1.0-py3-none-any.whl"]
    resolution = resolve(make_request(project, TARGET, cache, ResolveOptions(without=("Large",))), cache)
    assert set(versions(resolution)) == {"demo", "needed", "shared"}
    assert resolution.lock.omitted == ("large", "only-large")
    assert {pin.name for pin in resolution.lock.pins if pin.requested} == {"demo", "shared"}


OLD = "cp36-cp36m-manylinux2014_x86_64"


def offer_old(registry: Registry, name: str, version: str) -> None:
    """Offer a package with a wheel for an old Python, and a source whose metadata can be read without a build."""
    offer(registry, name, version, OLD)
    stem = f"{name.replace('-', '_')}-{version}"
    text = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n".encode()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"{stem}/PKG-INFO")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    registry.files[f"/files/{stem}.tar.gz"] = content.getvalue()


def test_what_only_unused_tools_and_servers_require_is_left_out_with_them(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "pylint", requires=("astroid",))
    offer(registry, "astroid", requires=("fast-proxy", "shared-part"))
    offer(registry, "gevent", tag="cp313-cp313-manylinux2014_x86_64", requires=("fast-proxy",))
    offer_old(registry, "fast-proxy", "1.4")
    offer(registry, "shared-part", requires=())
    events: list[Event] = []
    lines = ("demo", "pylint", "astroid==1.0", "fast_proxy==1.4", "gevent", "shared-part")
    project, cache = make_project(tmp_path / "app", registry, *lines), tmp_path / "cache"
    resolution = resolve(make_request(project, TARGET, cache, emit=events.append), cache)
    assert set(versions(resolution)) == {"demo", "needed", "pylint", "astroid", "gevent", "shared-part"}
    assert Notice("fast-proxy 1.4 is left out: it doesn't fit, and only astroid requires it") in events
    importing = replace(make_request(project, TARGET, cache), imported=lambda modules: modules & {"fast_proxy"})
    with pytest.raises(PackagingError, match=r"fast-proxy 1\.4 has no wheel"):
        resolve(importing, cache)


def pylock(url: str, graph: dict[str, tuple[str, ...]]) -> dict[str, str]:
    lock = 'lock-version = "1.0"\ncreated-by = "test"\n[tool.lambent]\nrequested = ["demo", "pylint", "shared"]\n'
    for name, needs in graph.items():
        tag = OLD if name == "fast-proxy" else "py3-none-any"
        wheel = f"{name.replace('-', '_')}-1.0-{tag}.whl"
        dependencies = ", ".join(f'{{ name = "{each}" }}' for each in needs)
        lock += f'[[packages]]\nname = "{name}"\nversion = "1.0"\ndependencies = [{dependencies}]\n'
        lock += f'[[packages.wheels]]\nname = "{wheel}"\nurl = "{url}/files/{wheel}"\nhashes = {{ sha256 = "00" }}\n'
    return {"pylock.toml": lock}


GRAPH = {"demo": ("needed",), "needed": (), "pylint": ("fast-proxy", "shared"), "fast-proxy": (), "shared": ()}


@pytest.mark.parametrize("files", [poetry_lock, pdm_lock, pylock])
def test_locks_leave_out_what_only_unused_tools_require(
    tmp_path: Path, registry: Registry, files: Callable[[str, dict[str, tuple[str, ...]]], dict[str, str]]
) -> None:
    for name in ("pylint", "shared"):
        offer(registry, name, requires=GRAPH[name])
    offer(registry, "fast-proxy", "1.0", OLD)
    project, cache = write(tmp_path / "app", files(registry.url, GRAPH)), tmp_path / "cache"
    if "pyproject.toml" in (path.name for path in project.iterdir()):
        write(project, {"pyproject.toml": (project / "pyproject.toml").read_text().replace('"large"', '"pylint"')})
    events: list[Event] = []
    resolution = resolve(make_request(project, TARGET, cache, emit=events.append), cache)
    assert set(versions(resolution)) == {"demo", "needed", "pylint", "shared"}
    assert resolution.lock.omitted == ("fast-proxy",)
    assert events == [Notice("fast-proxy 1.0 is left out: it doesn't fit, and only pylint requires it")]
    app_needs_it = GRAPH | {"demo": ("needed", "fast-proxy")}
    other = write(tmp_path / "other", files(registry.url, app_needs_it))
    if (project / "pyproject.toml").exists():
        write(other, {"pyproject.toml": (project / "pyproject.toml").read_text()})
    with pytest.raises(PackagingError, match=r"fast-proxy (1\.0 )?has no wheel"):
        resolve(make_request(other, TARGET, cache), cache)


def test_servers_of_a_lock_without_requirements_are_taken_to_require_websockets() -> None:
    assert left_out.with_assumed_parents({"uvicorn": (), "websockets": ()})["uvicorn"] == ("websockets", "wsproto")
    graph = {"uvicorn": (), "shop": ("websockets",), "websockets": ()}
    assert left_out.with_assumed_parents(graph) == graph


def test_what_servers_import_for_websockets_is_not_needed_even_if_the_app_imports_a_server() -> None:
    parents = {"websockets": ["uvicorn"], "wsproto": ["hypercorn", "shop"], "uvicorn": ["shop"], "shop": []}
    assert left_out.required_by_unused(parents, frozenset()) == {"websockets": "uvicorn"}


def test_what_the_app_also_needs_is_not_left_out(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "pylint", requires=("fast-proxy",))
    offer(registry, "shop", requires=("fast-proxy",))
    offer_old(registry, "fast-proxy", "1.4")
    project = make_project(tmp_path / "app", registry, "pylint", "shop")
    with pytest.raises(PackagingError, match=r"fast-proxy 1\.4 has no wheel"):
        resolve(make_request(project, TARGET, tmp_path / "cache"), tmp_path / "cache")


def test_tool_that_does_not_fit_is_left_out_unless_a_package_requires_it(tmp_path: Path, registry: Registry) -> None:
    offer_old(registry, "mypy", "0.5")
    events: list[Event] = []
    project = make_project(tmp_path / "app", registry, "demo", "mypy==0.5")
    resolution = resolve(make_request(project, TARGET, tmp_path / "cache", emit=events.append), tmp_path / "cache")
    assert set(versions(resolution)) == {"demo", "needed"}
    assert events == [Notice("mypy is left out: it doesn't fit python3.13 or the other requirements, and nothing imports it")]


def test_tool_whose_requirements_conflict_with_the_apps_is_left_out(tmp_path: Path, registry: Registry) -> None:
    offer(registry, "zappa", requires=("needed<1",))
    project = make_project(tmp_path / "app", registry, "demo", "zappa")
    resolution = resolve(make_request(project, TARGET, tmp_path / "cache"), tmp_path / "cache")
    assert set(versions(resolution)) == {"demo", "needed"}


def test_packages_of_other_systems_are_left_out(tmp_path: Path, registry: Registry) -> None:
    """PyPI has neither these packages nor their versions."""
    events: list[Event] = []
    project = make_project(
        tmp_path / "app", registry, "demo", "distro-info==1.1+ubuntu0.2", "PyGObject==3.42.1", "pywin32==303"
    )
    resolution = resolve(make_request(project, TARGET, tmp_path / "cache", emit=events.append), tmp_path / "cache")
    assert set(versions(resolution)) == {"demo", "needed"}
    names = ("distro-info", "pygobject", "pywin32")
    assert events == [Notice(f"{name} is left out: it is for another system, and nothing imports it") for name in names]
    importing = replace(make_request(project, TARGET, tmp_path / "cache"), imported=lambda modules: modules & {"win32api"})
    with pytest.raises(PackagingError, match="no such package: pywin32"):
        resolve(importing, tmp_path / "cache")


def test_imports_of_scripts_and_tests_need_no_tool(tmp_path: Path) -> None:
    files = {"manage.py": "import coverage\n", "tests/app.py": "import nose\n", "tests/test_x.py": "import pytest\n"}
    write(tmp_path, {**files, "app.py": "import black\ndef lambda_handler(event, context): ...\n"})
    modules = frozenset(("coverage", "nose", "pytest", "black"))
    request = dependencies.resolve_request(BuildContext.start(load_config(tmp_path), tmp_path / "cache", {}, ignore, None))
    assert request.imported(modules) == {"black", "nose"}
