"""Where each shell looks for completions: what is written there, and how it is removed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from msgspec import Struct

from lambent import atomic
from lambent.cli.completion_index import VARIABLE

SHELLS = ("bash", "zsh", "fish")
_MARK = "# lambent completion"
_ZSH_SYSTEM = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }\n"
"""zsh completes nothing until this has run."""


class ShellSetup(Struct, frozen=True):
    """The completion script of a shell, and the startup file that reads it, None if the shell finds it by itself."""

    shell: str
    script: Path
    startup: Path | None

    @property
    def line(self) -> str:
        """The line that reads the script."""
        return f"[ -r {shlex.quote(str(self.script))} ] && . {shlex.quote(str(self.script))}  {_MARK}"

    def install(self) -> list[Path]:
        """Write what is missing, and return the files that were written."""
        written = []
        text = script(self.shell).encode()
        if not self.script.exists() or self.script.read_bytes() != text:
            atomic.write_bytes(self.script, text)
            written.append(self.script)
        if self.startup is not None and self.line not in _lines(self.startup):
            before = self.startup.read_text() if self.startup.exists() else ""
            with self.startup.open("a") as file:  # it may be a link into somebody's dotfiles
                file.write(f"{'' if before.endswith(chr(10)) or not before else chr(10)}{self.line}\n")
            written.append(self.startup)
        return written

    def uninstall(self) -> list[Path]:
        """Remove it, and return the files that were changed or deleted."""
        changed = []
        if self.startup is not None and any(line.endswith(_MARK) for line in _lines(self.startup)):
            rest = [line for line in _lines(self.startup) if not line.endswith(_MARK)]
            self.startup.write_text("".join(f"{line}\n" for line in rest))
            changed.append(self.startup)
        if self.script.exists():
            self.script.unlink()
            changed.append(self.script)
        return changed


def setup_of(shell: str, home: Path, environ: Mapping[str, str]) -> ShellSetup:
    """Return the setup of a shell. Pure."""
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    if shell == "fish":
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        return ShellSetup(shell, config / "fish/completions/lambent.fish", None)
    startup = Path(environ.get("ZDOTDIR") or home) / ".zshrc" if shell == "zsh" else home / ".bashrc"
    return ShellSetup(shell, data / f"lambent/completion.{shell}", startup)


def script(shell: str) -> str:
    """Return a shell's completion script: click's."""
    kind = get_completion_class(shell)
    assert kind is not None
    text = kind.source_template % kind(click.Command("lambent"), {}, "lambent", VARIABLE).source_vars()
    return _ZSH_SYSTEM + text if shell == "zsh" else text


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
