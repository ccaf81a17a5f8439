"""A native package without a fitting wheel, in our own words."""

from __future__ import annotations

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.question import Question
from lambent.package.requirements.wheelless import targets
from lambent.package.wheels.available_wheels import describe_wheels
from lambent.package.wheels.fetch_errors import alternative_package


def not_fitting(pin: Pin, question: Question, fitting: Pin | None, text: str = "") -> PackagingError:
    """For a version without a wheel for the target; `fitting` is the newest version that has one."""
    target = question.uv.target
    major, minor = target.glibc
    there = describe_wheels(pin)
    what = f"{pin.name} {pin.version} has no wheel for {target.name} (glibc {major}.{minor})"
    what += f"; there are wheels for {there}" if there else "; it has no wheels at all"
    tries = [f"{pin.name}=={fitting.version}, which has one"] if fitting else []
    if not fitting and (other := alternative_package(pin.name, target)):
        tries.append(f"{other} in its place")
    others = targets(pin)
    runtime = next((other for other in others if other.architecture == target.architecture), None)
    machine = next((other for other in others if other.python == target.python), None)
    if runtime:
        tries.append(f"--runtime python{runtime.python}")
    if machine:
        tries.append(f"--arch {machine.architecture}")
    if pin.sdist and not question.options.native:
        tries.append("--build-native, which compiles its source")
    hint = ", or ".join(tries) or f"a package that has wheels: https://pypi.org/project/{pin.name}/#files"
    return PackagingError(what, where=question.asked.source, hint=hint, detail=text)
