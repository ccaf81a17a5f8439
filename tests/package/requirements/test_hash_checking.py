"""`--hash` in requirements files: what is not listed is not packed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from support.locking import chosen_files, make_target, offer, resolve_project, versions, write
from support.registry import Registry, serving, sha256

TO = make_target("3.12")
WRONG = f"--hash=sha256:{'0' * 64}"
PLAIN = "/files/plain-1.0-py3-none-any.whl"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        offer(found, "plain")
        offer(found, "other")
        for machine in ("x86_64", "aarch64"):
            offer(found, "fast", "1.0", f"cp312-cp312-manylinux_2_17_{machine}")
        offer(found, "fast", "1.0", "cp312-abi3-manylinux_2_17_x86_64")
        found.files["/files/plain-1.0.tar.gz"] = b"a source"
        yield found


def of(registry: Registry, *paths: str) -> str:
    return " ".join(f"--hash=sha256:{sha256(registry.files[path])}" for path in paths)


def project(folder: Path, registry: Registry, *lines: str) -> Path:
    return write(folder, {"main.py": "", "requirements.txt": "\n".join([f"--index-url {registry.url}/simple", *lines, ""])})


def refusal(folder: Path, registry: Registry, *lines: str) -> PackagingError:
    with pytest.raises(PackagingError) as refused:
        resolve_project(project(folder / "app", registry, *lines), TO, folder / "cache")
    assert refused.value.where == "requirements.txt" and "generate-hashes" in refused.value.hint
    return refused.value


def test_the_right_hash_and_no_hash(tmp_path: Path, registry: Registry) -> None:
    lines = (f"plain==1.0 \\\n    {WRONG} \\\n    {of(registry, PLAIN)}", "other")
    assert versions(resolve_project(project(tmp_path / "app", registry, *lines), TO, tmp_path / "cache")) == {
        "plain": "1.0",
        "other": "1.0",
    }


def test_a_wrong_hash_is_refused(tmp_path: Path, registry: Registry) -> None:
    error = refusal(tmp_path, registry, f"plain==1.0 {WRONG}")
    assert error.what == "plain 1.0 has no hash for plain-1.0-py3-none-any.whl, the wheel for python3.12 x86_64"


def test_of_several_wheels_one_that_is_listed_is_taken(tmp_path: Path, registry: Registry) -> None:
    second = "/files/fast-1.0-cp312-abi3-manylinux_2_17_x86_64.whl"
    found = resolve_project(project(tmp_path / "app", registry, f"fast==1.0 {of(registry, second)}"), TO, tmp_path / "cache")
    assert chosen_files(found, TO) == {"fast": second.rpartition("/")[2]}


def test_the_hash_of_another_machines_wheel_alone_is_refused(tmp_path: Path, registry: Registry) -> None:
    arm = "/files/fast-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
    assert (
        "has no hash for fast-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
        in refusal(tmp_path, registry, f"fast==1.0 {of(registry, arm)}").what
    )


def test_where_the_source_alone_is_listed_it_is_what_is_built(tmp_path: Path, registry: Registry) -> None:
    line = f"plain==1.0 {of(registry, '/files/plain-1.0.tar.gz')}"
    (pin,) = resolve_project(project(tmp_path / "app", registry, line), TO, tmp_path / "cache").lock.pins
    assert pin.wheels == () and pin.sdist is not None and pin.sdist.filename == "plain-1.0.tar.gz"


def test_a_line_for_another_target_does_not_count(tmp_path: Path, registry: Registry) -> None:
    right = f'plain==1.0 ; python_version >= "3.10" {of(registry, PLAIN)}'
    other = f'plain==0.9 ; python_version < "3.10" {WRONG}'
    assert versions(resolve_project(project(tmp_path / "app", registry, right, other), TO, tmp_path / "cache")) == {
        "plain": "1.0"
    }
    assert refusal(tmp_path / "b", registry, right.replace(">=", "<"), other.replace("<", ">=").replace("0.9", "1.0"))


def test_hashes_of_included_files_and_constraints_count(tmp_path: Path, registry: Registry) -> None:
    app = project(tmp_path / "app", registry, "-r more.txt", "-c pins.txt")
    write(app, {"more.txt": "plain\nother\n", "pins.txt": f"plain==1.0 {WRONG}\n"})
    with pytest.raises(PackagingError, match=r"plain 1\.0 has no hash for"):
        resolve_project(app, TO, tmp_path / "cache")


def test_addresses_and_files_with_a_hash(tmp_path: Path, registry: Registry) -> None:
    wheel = tmp_path / "plain-1.0-py3-none-any.whl"
    wheel.write_bytes(registry.files[PLAIN])
    for number, spec in enumerate((f"plain @ {registry.url}{PLAIN}", f"{registry.url}{PLAIN}", f"plain @ {wheel.as_uri()}")):
        app = project(tmp_path / f"right-{number}", registry, f"{spec} {of(registry, PLAIN)}")
        assert versions(resolve_project(app, TO, tmp_path / "cache")) == {"plain": "1.0"}
        assert "has no hash for" in refusal(tmp_path / f"wrong-{number}", registry, f"{spec} {WRONG}").what


def test_another_algorithm_where_there_is_no_doubt_which_file_is_meant(tmp_path: Path, registry: Registry) -> None:
    digest = hashlib.sha512(registry.files[PLAIN]).hexdigest()
    app = project(tmp_path / "app", registry, f"plain @ {registry.url}{PLAIN} --hash=sha512:{digest}")
    (pin,) = resolve_project(app, TO, tmp_path / "cache").lock.pins
    assert ("sha512", digest) in pin.wheels[0].hashes  # and so compared when it is fetched


def test_all_have_to_have_one_where_that_is_said(tmp_path: Path, registry: Registry) -> None:
    right = f"plain==1.0 {of(registry, PLAIN)}"
    assert versions(resolve_project(project(tmp_path / "a", registry, "--require-hashes", right), TO, tmp_path / "cache"))
    assert refusal(tmp_path, registry, "--require-hashes", right, "other").what.startswith("other 1.0 has no hash")
