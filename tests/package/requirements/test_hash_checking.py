"""`--hash` in requirements files: a file whose hash isn't listed doesn't go into the zip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from support.locking import chosen_files, make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving, sha256

TARGET = make_target("3.12")
WRONG = f"--hash=sha256:{'0' * 64}"
PLAIN = "/files/plain-1.0-py3-none-any.whl"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        offer(running, "plain")
        offer(running, "other")
        for machine in ("x86_64", "aarch64"):
            offer(running, "fast", "1.0", f"cp312-cp312-manylinux_2_17_{machine}")
        offer(running, "fast", "1.0", "cp312-abi3-manylinux_2_17_x86_64")
        running.files["/files/plain-1.0.tar.gz"] = b"a source"
        yield running


def hash_of(registry: Registry, path: str) -> str:
    return f"--hash=sha256:{sha256(registry.files[path])}"


def make_project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"main.py": "", "requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def refusal(project: Path) -> PackagingError:
    with pytest.raises(PackagingError) as caught:
        resolve_project(project, TARGET, project.parent / "cache")
    assert caught.value.where == "requirements.txt" and "generate-hashes" in caught.value.hint
    return caught.value


def test_right_hash_and_no_hash_are_accepted(tmp_path: Path, registry: Registry) -> None:
    lines = (f"plain==1.0 \\\n    {WRONG} \\\n    {hash_of(registry, PLAIN)}", "other")
    resolution = resolve_project(make_project(tmp_path / "app", registry, *lines), TARGET, tmp_path / "cache")
    assert versions(resolution) == {"plain": "1.0", "other": "1.0"}


def test_wrong_hash_is_refused(tmp_path: Path, registry: Registry) -> None:
    error = refusal(make_project(tmp_path / "app", registry, f"plain==1.0 {WRONG}"))
    assert error.what == "plain 1.0 has no hash for plain-1.0-py3-none-any.whl, the wheel for python3.12 x86_64"


def test_listed_wheel_is_chosen_among_several(tmp_path: Path, registry: Registry) -> None:
    listed = "/files/fast-1.0-cp312-abi3-manylinux_2_17_x86_64.whl"
    project = make_project(tmp_path / "app", registry, f"fast==1.0 {hash_of(registry, listed)}")
    resolution = resolve_project(project, TARGET, tmp_path / "cache")
    assert chosen_files(resolution, TARGET) == {"fast": listed.rpartition("/")[2]}


def test_hash_of_another_machines_wheel_alone_is_refused(tmp_path: Path, registry: Registry) -> None:
    arm = "/files/fast-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
    error = refusal(make_project(tmp_path / "app", registry, f"fast==1.0 {hash_of(registry, arm)}"))
    assert "has no hash for fast-1.0-cp312-cp312-manylinux_2_17_x86_64.whl" in error.what


def test_source_is_built_if_only_its_hash_is_listed(tmp_path: Path, registry: Registry) -> None:
    line = f"plain==1.0 {hash_of(registry, '/files/plain-1.0.tar.gz')}"
    (pin,) = resolve_project(make_project(tmp_path / "app", registry, line), TARGET, tmp_path / "cache").lock.pins
    assert pin.wheels == () and pin.sdist is not None and pin.sdist.filename == "plain-1.0.tar.gz"


def test_line_for_another_target_does_not_count(tmp_path: Path, registry: Registry) -> None:
    right = f'plain==1.0 ; python_version >= "3.10" {hash_of(registry, PLAIN)}'
    other = f'plain==0.9 ; python_version < "3.10" {WRONG}'
    project = make_project(tmp_path / "right", registry, right, other)
    assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"plain": "1.0"}
    swapped = (right.replace(">=", "<"), other.replace("<", ">=").replace("0.9", "1.0"))
    assert "plain 1.0 has no hash for" in refusal(make_project(tmp_path / "wrong", registry, *swapped)).what


def test_hashes_in_included_files_and_constraints_count(tmp_path: Path, registry: Registry) -> None:
    project = make_project(tmp_path / "app", registry, "-r more.txt", "-c pins.txt")
    write(project, {"more.txt": "plain\nother\n", "pins.txt": f"plain==1.0 {WRONG}\n"})
    assert "plain 1.0 has no hash for" in refusal(project).what


@pytest.mark.parametrize("spec", ["plain @ {url}", "{url}", "plain @ {path}"])
def test_urls_and_files_are_checked(spec: str, tmp_path: Path, registry: Registry) -> None:
    wheel = tmp_path / "plain-1.0-py3-none-any.whl"
    wheel.write_bytes(registry.files[PLAIN])
    line = spec.format(url=f"{registry.url}{PLAIN}", path=wheel.as_uri())
    right = make_project(tmp_path / "right", registry, f"{line} {hash_of(registry, PLAIN)}")
    assert versions(resolve_project(right, TARGET, tmp_path / "cache")) == {"plain": "1.0"}
    wrong = make_project(tmp_path / "wrong", registry, f"{line} {WRONG}")
    assert "has no hash for" in refusal(wrong).what


def test_hash_of_another_algorithm_is_kept_for_the_download(tmp_path: Path, registry: Registry) -> None:
    digest = hashlib.sha512(registry.files[PLAIN]).hexdigest()
    project = make_project(tmp_path / "app", registry, f"plain @ {registry.url}{PLAIN} --hash=sha512:{digest}")
    (pin,) = resolve_project(project, TARGET, tmp_path / "cache").lock.pins
    assert ("sha512", digest) in pin.wheels[0].hashes


def test_require_hashes_needs_one_for_every_package(tmp_path: Path, registry: Registry) -> None:
    right = f"plain==1.0 {hash_of(registry, PLAIN)}"
    project = make_project(tmp_path / "right", registry, "--require-hashes", right)
    assert versions(resolve_project(project, TARGET, tmp_path / "cache")) == {"plain": "1.0"}
    error = refusal(make_project(tmp_path / "wrong", registry, "--require-hashes", right, "other"))
    assert error.what == "other 1.0 has no hash, but --require-hashes is set"
