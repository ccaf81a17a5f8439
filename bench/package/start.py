"""The start of an app in the local Lambda's sandbox: what importing it costs with the bytecode of our zip, and without it."""

from __future__ import annotations

import os
import random
import zipfile
from datetime import date
from pathlib import Path

from lambent.local.smoke_test import PackagedFunction, run_smoke_test
from lambent.package.function_settings import WRAPPER

from .contenders import project, zipped
from .model import BARE, LAMBENT, Samples, Site, Took, Trouble

_SAYS = "import took"
_BEFORE = "import time\n\n_clock = time.process_time(), time.perf_counter()\n"
_AFTER = f'\nprint("{_SAYS}", time.process_time() - _clock[0], time.perf_counter() - _clock[1])\n'


def importing(site: Site, of: str, machine: str) -> Samples:
    """CPU of the function's process from the first line of the app's module to the last."""
    at = project(of, machine, site)
    main = at.folder / "main.py"
    main.write_text(_BEFORE + main.read_text() + _AFTER)
    whole = zipped(LAMBENT, at)[1]
    bare = at.folder.parent / "bare.zip"
    _without_bytecode(whole, bare)
    samples: dict[str, list[Took]] = {LAMBENT: [], BARE: []}
    for _ in range(3 * site.rounds):
        for who in random.sample(list(samples), 2):
            samples[who].append(_start(whole if who == LAMBENT else bare, machine, site))
    return samples


def _without_bytecode(whole: Path, bare: Path) -> None:
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bare, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for info in source.infolist():
            if not info.filename.endswith(".pyc"):
                made.writestr(info, source.read(info))


def _start(packed: Path, machine: str, site: Site) -> Took:
    runtime = f"python{site.interpreter.version}"
    function = PackagedFunction(packed, "main.app", runtime, machine, (WRAPPER,))
    done = run_smoke_test(function, site.folder / "local", os.environ, date.today())
    if not done.ok:
        raise Trouble(done.skipped or f"{done.error_type}: {done.message}")
    said = next((line.split() for line in done.log if line.startswith(_SAYS)), None)
    if said is None:
        raise Trouble("the app did not say how long its import took")
    return Took(float(said[2]), float(said[3]))
