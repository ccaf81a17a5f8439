"""Tab: in real shells, from what `lambent completion --install` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.cli.shell_setup import SHELLS, script, setup_of
from lambent.deployment.failed_versions import record_failure
from lambent.library.destination import connect_local
from lambent.names import Names
from support.local_service import Service, serving, zipped

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
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "AWS_", "LAMBENT_"))}
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


def shell(name: str, home: Path, code: str) -> list[str]:
    """Run code in a shell that reads its startup files, and return the lines that it prints."""
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    assert run(home, name, "--install").returncode == 0
    command = [name, "-i", "-c", code] if name == "zsh" else [name, "-c", code]
    done = subprocess.run(command, env=environment(home), cwd=home, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_fish_offers_commands_and_values(home: Path) -> None:
    offered = shell("fish", home, "complete -C 'lambent dep'; complete -C 'lambent deploy --stage p'")
    assert {line.partition("\t")[0] for line in offered} == {"deploy", "prod", "preview"}
    assert any(line.startswith("deploy\t") and len(line) > 20 for line in offered), "with its description"


def test_zsh_offers_commands_and_values(home: Path) -> None:
    """Completion needs a terminal there, so its function is called with the words, and what it hands over is printed."""
    code = """
_describe() { print -l -- ${(P)3}; }
compadd() { print -l -- ${(P)@[-1]}; }
print -- $_comps[lambent]
words=(lambent dep); CURRENT=2; _lambent_completion
words=(lambent deploy --stage p); CURRENT=4; _lambent_completion
"""
    first, *offered = shell("zsh", home, code)
    assert first == "_lambent_completion"
    assert {line.partition(":")[0] for line in offered} == {"deploy", "prod", "preview"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


def test_versions_to_roll_back_to(home: Path, service: Service) -> None:
    """Neither the live one nor one that has failed its check. No local Lambda is started for it."""
    client, aws = service.client("lambda"), connect_local(service.url, "us-east-1")
    service.function("shop")
    for number in range(1, 5):
        client.update_function_code(FunctionName="shop", ZipFile=zipped({"app.py": f"# {number}"}), Publish=True)
        client.get_waiter("function_updated_v2").wait(FunctionName="shop", WaiterConfig={"Delay": 0.1})
    client.create_alias(FunctionName="shop", Name="live", FunctionVersion="4")
    record_failure(aws, Names("shop", "123456789012", "us-east-1"), "2")
    words = ("lambent", "rollback", "--local", "--name", "shop", "--state", str(service.state))
    assert complete(home, *words, "") == {"1", "3"}
    assert complete(home, *words, "3") == {"3"}
    stopped = home / "stopped"
    assert complete(home, *words[:-1], str(stopped), "") == set() and not stopped.exists()


def test_runtimes_are_those_that_aws_accepts(home: Path) -> None:
    assert "python3.13" in complete(home, "lambent", "deploy", "--runtime", "python3.1")


def test_no_command_is_imported_for_it(home: Path) -> None:
    asking = {"_LAMBENT_COMPLETE": "bash_complete", "COMP_WORDS": "lambent deploy --mem", "COMP_CWORD": "2"}
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
