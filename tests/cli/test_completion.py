"""Tab: in a real bash, from what `lambent completion --install` writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.cli.shell_setup import SHELLS, script, setup_of

LAMBENT = [sys.executable, "-m", "lambent"]
ASK = '. "$HOME/.bashrc"; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _lambent_completion lambent; echo "${COMPREPLY[@]}"'
IMPORTED = """
import sys
from lambent.cli import main
try:
    main.run()
finally:
    heavy = ("lambent.cli.", "botocore", "msgspec", "rich")
    print(*sorted(name for name in sys.modules if name.startswith(heavy)), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home with a space")
    (folder / "pyproject.toml").write_text("[tool.lambent.stages.prod]\n[tool.lambent.stages.preview]\n")
    (folder / ".bashrc").write_text("alias ll='ls -l'")  # without a line break at its end
    assert run(folder, "--install").returncode == 0
    return folder


def environment(home: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "AWS_"))}
    return {**inherited, "HOME": str(home), "PATH": path, "SHELL": "/bin/bash"}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*LAMBENT, "completion", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=60)


def complete(home: Path, *words: str) -> set[str]:
    command = ["bash", "--norc", "-c", ASK, "bash", *words]
    done = subprocess.run(command, env=environment(home), cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("lambent", "de"), {"deploy", "dev", "destroy"}),
        (("lambent", "-q", "env", "s"), {"set"}),
        (("lambent", "deploy", "--mem"), {"--memory"}),
        (("lambent", "deploy", "--no-wr"), {"--no-writable"}),
        (("lambent", "deploy", "--stage", "p"), {"prod", "preview"}),
        (("lambent", "logs", "--region", "eu-west-"), {"eu-west-1", "eu-west-2", "eu-west-3"}),
        (("lambent", "build", "--arch", ""), {"x86_64", "arm64"}),
        (("lambent", "invoke", "--event", "s"), {"schedule", "sqs", "s3", "sns"}),
        (("lambent", "curl", "--sta"), {"--stage", "--state"}),
    ],
)
def test_what_tab_offers(home: Path, words: tuple[str, ...], expected: set[str]) -> None:
    assert complete(home, *words) >= expected if words[-1] == "--sta" else complete(home, *words) == expected


def test_runtimes_are_those_that_aws_accepts(home: Path) -> None:
    assert "python3.13" in complete(home, "lambent", "deploy", "--runtime", "python3.1")


def test_no_command_is_imported_for_it(home: Path) -> None:
    asking = {"_LAMBENT_COMPLETE": "bash_complete", "COMP_WORDS": "lambent deploy --me", "COMP_CWORD": "2"}
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, env=environment(home) | asking, capture_output=True, text=True, timeout=60)
    assert done.stdout == "plain,--memory\n"
    imported = {"completion_index", "interrupts", "main", "verbosity"}
    assert set(done.stderr.split()) == {f"lambent.cli.{name}" for name in imported}


def test_it_is_installed_once_and_taken_away(home: Path, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text((home / ".bashrc").read_text().partition("\n")[0])
    first, again = run(tmp_path, "--install"), run(tmp_path, "bash", "--install")
    assert f"wrote {tmp_path}/.bashrc" in first.stderr and "--uninstall removes it" in first.stderr
    assert "already installed" in again.stderr
    assert (tmp_path / ".bashrc").read_text().count("# lambent completion\n") == 1
    assert run(tmp_path, "--uninstall").returncode == 0
    assert (tmp_path / ".bashrc").read_text() == "alias ll='ls -l'\n"
    assert not any(tmp_path.rglob("completion.bash"))
    assert "there is no completion" in run(tmp_path, "--uninstall").stderr


def test_every_shell_has_a_script_and_a_place(tmp_path: Path) -> None:
    places = {shell: setup_of(shell, tmp_path, {}) for shell in SHELLS}
    assert places["fish"].startup is None and places["fish"].script == tmp_path / ".config/fish/completions/lambent.fish"
    assert places["zsh"].startup == tmp_path / ".zshrc"
    assert setup_of("zsh", tmp_path, {"ZDOTDIR": "/z"}).startup == Path("/z/.zshrc")
    assert all("_LAMBENT_COMPLETE" in script(shell) for shell in SHELLS)
    assert script("zsh").startswith("(( $+functions[compdef] )) ||")
    for setup in places.values():
        assert setup.install() and not setup.install() and setup.uninstall() and not setup.uninstall()
