"""How a zip is made: by lambent, by uv and zip, by pip and zip; each in a project folder and with a cache of its own."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from msgspec import Struct
from uv import find_uv_bin

from . import process
from .model import LAMBENT, PIP, UV, Site, Took, Trouble

SETS = Path(__file__).parent / "sets"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_LAMBENT = Path(sys.executable).with_name("lambent")
_NOT_PASSED_ON = ("PIP_FIND_LINKS", "LAMBENT_CACHE", "PYTHONDONTWRITEBYTECODE")
"""Other packages, another cache, and what would keep lambent from having bytecode as it has where it is installed."""
_CLIBS = ("2_34", "2_28", "2_17")
"""What pip is told that it may install for the other machine: it takes a platform literally, and nothing below it."""


class Project(Struct, frozen=True):
    """A folder with `main.py` and `requirements.txt`, to be packed for a machine; `caches` has a folder for each contender."""

    folder: Path
    caches: Path
    machine: str
    site: Site

    def edit(self) -> None:
        """Changes the app, and nothing else."""
        with (self.folder / "main.py").open("a") as file:
            file.write("# edited\n")

    def forget(self, *keep: str) -> None:
        """Empties the caches, but for these folders of lambent's and, where something is kept at all, those of uv and pip."""
        if not keep:
            shutil.rmtree(self.caches)
            self.caches.mkdir()
            return
        for entry in (self.caches / "lambent").iterdir():
            if entry.name not in keep and entry.is_dir():
                shutil.rmtree(entry)


def project(of: str, machine: str, site: Site) -> Project:
    """A new folder with the set's app and its requirements for the machine."""
    place = site.folder / f"{of}-{machine}-{len(list(site.folder.iterdir()))}"
    folder = place / of
    folder.mkdir(parents=True)
    (place / "caches").mkdir()
    for name in ("main.py", "constraints.txt"):
        shutil.copyfile(SETS / of / name, folder / name)
    lists = [SETS / of / "requirements.txt", SETS / of / f"{machine}.txt"]
    (folder / "requirements.txt").write_text("".join(path.read_text() for path in lists if path.exists()))
    return Project(folder, place / "caches", machine, site)


def zipped(who: str, of: Project) -> tuple[Took, Path]:
    """Makes the zip once. What was left of the run before is taken away first, and not counted."""
    took, said = process.run(prepared(who, of), of.folder.parent, environment(who, of))
    made = Path(said.strip().splitlines()[-1]) if who == LAMBENT else of.folder.parent / "made.zip"
    if not made.is_file():
        raise Trouble(f"{who} made no zip")
    return took, made


def prepared(who: str, of: Project) -> list[str | Path]:
    """The command that makes the zip, ready to be run in the folder above the project."""
    if who == LAMBENT:
        target = f"python{of.site.interpreter.version}-{of.machine}"
        return [_LAMBENT, "build", of.folder, "--target", target, "--cache-dir", of.caches / "lambent"]
    shutil.rmtree(of.folder.parent / "made", ignore_errors=True)
    (of.folder.parent / "made.zip").unlink(missing_ok=True)
    install = " ".join(map(str, _uv(of) if who == UV else _pip(of)))
    archive = "zip -qr ../made.zip ." if shutil.which("zip") else f"{sys.executable} -m zipfile -c ../made.zip *"
    return ["sh", "-ec", f"{install}\ncp {of.folder}/main.py made/\ncd made\n{archive}"]


def environment(who: str, of: Project) -> dict[str, str]:
    """That of this process, with caches of the contender's own, and without what would show it other packages."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    cache = of.caches / who.partition(" ")[0]
    cache.mkdir(exist_ok=True)
    return {**kept, "UV_CACHE_DIR": f"{cache}-uv" if who == LAMBENT else str(cache), "PIP_CACHE_DIR": str(cache)}


def _uv(of: Project) -> list[str | Path]:
    command: list[str | Path] = [find_uv_bin(), "pip", "install", "--quiet", "--target", "made"]
    command += ["--python", of.site.interpreter.path]
    platform = f"{MACHINES[of.machine]}-manylinux_2_28"
    return [*command, "--python-platform", platform, "--only-binary", ":all:", "-r", of.folder / "requirements.txt"]


def _pip(of: Project) -> list[str | Path]:
    command: list[str | Path] = [of.site.pip, "-m", "pip", "install", "--quiet", "-t", "made"]
    if of.machine != os.uname().machine.replace("aarch64", "arm64"):
        command += [f"--platform=manylinux_{clib}_{MACHINES[of.machine]}" for clib in _CLIBS]
        command += [f"--platform=manylinux2014_{MACHINES[of.machine]}", "--only-binary=:all:"]
    return [*command, "-r", of.folder / "requirements.txt"]


EVERYBODY = (LAMBENT, UV, PIP)
