"""Which of the project's files are packed: rules, secrets, links, and unusual folders."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent import events
from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.package.build import build
from lambent.package.project_files import collect, packs


def write(folder: Path, *names: str, **content: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for name, text in content.items():
        (folder / f".{name}").write_text(text)
    return folder


def packed(folder: Path, *exclude: str, include: tuple[str, ...] = (), allowed: tuple[str, ...] = ()) -> list[str]:
    return list(collect(folder, exclude, include, allowed).files)


def test_include_overrides_gitignore(tmp_path: Path) -> None:
    names = ("main.py", "static/dist/app.js", "static/dist/app.js.map", "static/raw.psd", "build/model.bin", "build/log/x.txt")
    write(tmp_path, *names, "node_modules/a/b.js", gitignore="dist/\nbuild/\n*.psd\n")
    assert packed(tmp_path) == ["main.py"]
    assert packed(tmp_path, include=("static/dist/",)) == ["main.py", "static/dist/app.js", "static/dist/app.js.map"]
    assert packed(tmp_path, "*.map", include=("static/dist/",)) == ["main.py", "static/dist/app.js"]
    assert packed(tmp_path, include=("build/*.bin",)) == ["build/model.bin", "main.py"]
    assert packed(tmp_path, include=("build/log/", "*.psd")) == ["build/log/x.txt", "main.py", "static/raw.psd"]
    assert packed(tmp_path, include=("node_modules/",)) == ["main.py", "node_modules/a/b.js"]
    assert packs(tmp_path, "build/new.bin", include=("build/*.bin",)) and not packs(tmp_path, "build/new.bin")


def test_stronger_rules_win(tmp_path: Path) -> None:
    write(tmp_path, "a.db", "b.db", "c.db", "pkg/a.db", "pkg/.gitignore", gitignore="*.db\n")
    (tmp_path / "pkg/.gitignore").write_text("!a.db\n")
    (tmp_path / ".lambdaignore").write_text("!a.db\n!b.db\n")
    (tmp_path / ".lambentignore").write_text("a.db\n")
    assert packed(tmp_path) == ["b.db"]
    assert packed(tmp_path, "b.db", include=("*.db",)) == ["a.db", "c.db", "pkg/a.db"]


def test_some_folders_are_never_packed(tmp_path: Path) -> None:
    never = (
        ".git/config",
        ".venv/x.py",
        "env/pyvenv.cfg",
        "env/x.py",
        ".aws/credentials",
        "__pycache__/a.pyc",
        ".mypy_cache/x",
    )
    write(tmp_path, *never, ".env", "main.py", "deep/.ssh/id", gitignore="!*\n!.*\n")
    assert packed(tmp_path, include=("**", ".git/", ".env", "env/")) == ["main.py"]
    assert collect(tmp_path).secrets == (".env",)


def test_names_of_secrets_match_in_any_case(tmp_path: Path) -> None:
    names = (".ENV", "prod.env", "Server.PEM", "ID_RSA", "prod.tfvars", ".git-credentials", "deep/.htpasswd")
    write(tmp_path, "main.py", "env.py", "environment", *names)
    collected = collect(tmp_path)
    assert (list(collected.files), collected.secrets) == (["env.py", "environment", "main.py"], tuple(sorted(names)))


def test_git_file_of_a_worktree_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "lib/x.py")
    (tmp_path / ".git").write_text("gitdir: /somewhere/.git/worktrees/x\n")
    (tmp_path / "lib/.git").write_text("gitdir: ../.git/modules/lib\n")
    assert packed(tmp_path) == ["lib/x.py", "main.py"]


def test_allowed_secret_is_packed(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "certs/demo.key", "certs/real.key")
    collected = collect(tmp_path, allow_secrets=("certs/demo.key",))
    assert (list(collected.files), collected.secrets) == (["certs/demo.key", "main.py"], ("certs/real.key",))


def test_link_to_a_secret_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".env", "main.py")
    (tmp_path / "settings.txt").symlink_to(".env")
    assert collect(tmp_path).secrets == (".env", "settings.txt")


def test_circular_links_end(tmp_path: Path) -> None:
    write(tmp_path, "a/one.txt", "b/two.txt")
    (tmp_path / "a/to_b").symlink_to("../b")
    (tmp_path / "b/to_a").symlink_to("../a")
    (tmp_path / "a/self").symlink_to(".")
    assert packed(tmp_path) == ["a/one.txt", "a/to_b/two.txt", "b/to_a/one.txt", "b/two.txt"]


def test_links_that_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "main.py")
    (tmp_path / "x").symlink_to("x")
    (tmp_path / ".#main.py").symlink_to("me@laptop.1234")
    assert collect(tmp_path).broken_links == (".#main.py", "x") and packed(tmp_path) == ["main.py"]


def test_modes_and_link_names_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "run.sh", "main.py", "Main.py", "naïve.txt", "a b.txt", "-f", "deep/" + "d" * 200 + "/" + "e" * 200)
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "alias").symlink_to("run.sh")
    (tmp_path / "empty").mkdir()
    files = collect(tmp_path).files
    assert [name for name, file in files.items() if file.executable] == ["alias", "run.sh"]
    assert {"main.py", "Main.py", "naïve.txt", "a b.txt", "-f"} < set(files)
    assert list(files) == sorted(files) and not any(name.startswith("empty") for name in files)


def test_sockets_and_pipes_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, "main.py")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert packed(tmp_path) == ["main.py"]


def test_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "main.py")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w"):  # noqa: PTH123 (Path can't hold this name)
        pass
    with pytest.raises(PackagingError) as error:
        collect(tmp_path)
    assert error.value.what == "a file name isn't valid UTF-8: caf\\xe9.txt"
    assert packed(tmp_path, "*.txt") == ["main.py"]


def test_file_deleted_during_the_build_is_reported(tmp_path: Path) -> None:
    project = write(tmp_path / "p", "main.py", "data.bin")

    def edit_during_build(event: events.Event) -> None:
        if isinstance(event, events.Phase):
            (project / "data.bin").unlink(missing_ok=True)

    config = Config(project, "small", App("main", "app", "handler"), "python3.13")
    (project / "main.py").write_text("def app(event, context): return 1\n")
    with pytest.raises(PackagingError) as error:
        build(config, tmp_path / "cache", os.environ, edit_during_build)
    assert (error.value.what, error.value.where) == ("a file was deleted during the build: data.bin", "data.bin")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith(".new-") or path.suffix == ".zip"]
    build(config, tmp_path / "cache", os.environ, edit_during_build)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_unreadable_folder_is_reported(open_folder: Path) -> None:
    write(open_folder, "main.py", "private/x.txt")
    (open_folder / "private").chmod(0o000)
    output = unprivileged(lambda: str(collect(open_folder)))
    assert output.startswith("no permission to read the folder private/|chmod +rx private/, or leave it out: echo '/private/'")
    write(open_folder, lambentignore="/private/\n")
    assert "main.py" in unprivileged(lambda: str(list(collect(open_folder).files)))


def unprivileged(call: object) -> str:
    """Return the result or error of a call in a child process without root's permission to read everything."""
    assert callable(call)
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            text = call()
        except PackagingError as error:
            text = f"{error.what}|{error.hint}"
        finally:
            os.write(write_end, text.encode())
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("inside", [".", "shop"])
def test_what_git_tracks_is_packed_although_a_gitignore_names_it(tmp_path: Path, version: str, inside: str) -> None:
    names = ["lib/a.py", "lib/deep/b.py", "data/seed.csv", "app.log", "dist/x.js", ".env", "lib/c.pyc"]
    folder = tmp_path / inside
    for name in [*names, "lib/new.py", "other.log", "logs/today.txt", "main.py"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_text("lib/\n*.log\nlogs/\n/data\n.env\ndist\n")
    (folder / ".lambentignore").write_text("dist/\n")
    git = ["git", "-C", str(tmp_path), "-c", f"index.version={version}"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run([*git, "add", "-f", *(f"{inside}/{name}" for name in names)], check=True)
    assert set(collect(folder).files) == {"lib/a.py", "lib/deep/b.py", "data/seed.csv", "app.log", "main.py"}
    assert (tmp_path / ".git/index").read_bytes()[7] == int(version)
    explicit = {"lib/new.py", "data/seed.csv", "app.log", "main.py"}
    assert set(collect(folder, exclude=("lib/",), include=("lib/new.py",)).files) == explicit
    assert packs(folder, "lib/a.py") and not packs(folder, "lib/new.py") and not packs(folder, "logs/today.txt")


def test_index_that_cannot_be_read_tracks_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/index").write_bytes(b"DIRC\0\0\0\2\0\0\0\5not one")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "app.log").write_text("x")
    assert set(collect(tmp_path).files) == set()


def test_login_files_of_tools_and_shell_histories_are_left_out(tmp_path: Path) -> None:
    secrets = [
        *(
            ".bash_history",
            ".bash_history.bak",
            ".composer/auth.json",
            ".config/git/credentials",
            ".docker/config.json",
            ".env~",
        ),
        *(".m2/settings.xml", ".python_history", ".secrets.toml", ".zsh_history", "_netrc", "home/.docker/config.json"),
    ]
    never = [".azure/tokens.json", ".config/gcloud/credentials.db", ".gnupg/secring", ".kube/config", "home/.config/gcloud/x"]
    packed = [".config/app.toml", ".docker/Dockerfile", "config.json", "gcloud/x", "history.py", "my.docker/config.json"]
    write(tmp_path, *secrets, *never, *packed)
    collected = collect(tmp_path, include=("home/", ".config/"))
    assert (sorted(collected.files), list(collected.secrets)) == (sorted(packed), secrets)


def test_the_output_of_the_command_itself_is_not_packed(tmp_path: Path) -> None:
    """`lambent dev > dev.log` in the project's folder: each line would be a change of the app."""
    write(tmp_path, "main.py", "app.log")
    script = "import sys, pathlib, lambent.package.project_files as p; print(*p.collect(pathlib.Path()).files, file=sys.stderr)"
    with (tmp_path / "out.txt").open("w") as output:
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, check=True)
    assert done.stderr.decode().split() == ["app.log", "main.py"]
