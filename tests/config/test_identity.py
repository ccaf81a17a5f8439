"""What identifies a project: the same in every checkout, and different for another project of the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config import identity
from lambent.config.identity import github_repository, project_identities


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file with this machine's ID, which is missing."""
    file = tmp_path / "machine-id"
    monkeypatch.setattr(identity, "_MACHINE_IDS", (file,))
    monkeypatch.setattr(identity, "_CONTAINERS", (tmp_path,))
    monkeypatch.setattr(identity.sys, "platform", "linux")  # type: ignore[attr-defined]
    return file


def repository(folder: Path, **remotes: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    sections = (
        f'[remote "{name}"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/{name}/*\n' for name, url in remotes.items()
    )
    (folder / ".git" / "config").write_text("[core]\n\tbare = false\n" + "".join(sections))
    return folder


@pytest.mark.parametrize(
    "url",
    (
        "https://github.com/acme/Shop.git",
        "https://token:x-oauth@github.com/acme/shop",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com:22/acme/shop.git",
        "https://GitHub.com/acme/shop/",
    ),
)
def test_every_form_of_a_remote_is_the_same(tmp_path: Path, url: str) -> None:
    root = repository(tmp_path / "shop", origin=url)
    assert project_identities(root)[0] == "github.com/acme/shop"
    assert project_identities(root / "services" / "api")[0] == "github.com/acme/shop//services/api"


def test_origin_comes_first_and_every_remote_and_the_folder_count(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", fork="https://github.com/me/shop", origin="https://github.com/acme/shop")
    assert project_identities(root) == ("github.com/acme/shop", "github.com/me/shop", f"folder:{root}")


def test_without_a_remote_the_folder_identifies_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project_identities(tmp_path / "shop") == (f"folder:{tmp_path}/shop",)
    assert project_identities(repository(tmp_path / "one") / "api") == (f"folder:{tmp_path}/one/api",)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert project_identities(tmp_path / "my shop")[0].startswith("folder:home/my-shop-")


def test_same_folder_on_another_machine_is_another_project(tmp_path: Path, machine: Path) -> None:
    cloned = repository(tmp_path / "cloned", origin="git@x.org:a/b")
    identities = []
    for name in ("one", "two", "two"):
        machine.write_text(f"{name}\n")
        identities += project_identities(tmp_path / "shop")
        assert project_identities(cloned)[0] == "x.org/a/b"
    one, two, again = identities
    assert one != two == again and one.startswith(f"folder:{tmp_path}/shop@")


def test_work_trees_are_the_same_project_on_branches_of_their_own(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", origin="git@github.com:acme/shop.git")
    linked = tmp_path / "linked"
    private = root / ".git" / "worktrees" / "linked"
    private.mkdir(parents=True)
    (private / "commondir").write_text("../..\n")
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {private}\n")
    assert project_identities(linked) == project_identities(root)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (private / "HEAD").write_text("ref: refs/heads/side\n")
    assert github_repository(root) == ("acme/shop", "main") and github_repository(linked) == ("acme/shop", "side")


def test_machine_without_an_id_gets_one_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (in_container,) = project_identities(folder)
    monkeypatch.setattr(identity, "_CONTAINERS", ())
    seen = []
    for name in ("laptop", "desktop"):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))
        own, former = project_identities(folder)
        assert project_identities(folder) == (own, former) and former == in_container
        seen.append(own)
    assert len({*seen, in_container}) == 3 and all(own.startswith(f"{in_container}@") for own in seen)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "laptop/lambent/machine-id"))  # can't be written below a file
    assert project_identities(folder) == (in_container,)
