"""Downloading over real connections, from registries that behave well or badly."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.events import Event, Fetched, Fetching
from lambent.package.lock import DistFile, Pin
from lambent.package.target import Target
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
from support.registry import Answer, Habit, Registry, Request, honest, lock, serving, sha256, wheel

TARGET = Target("3.13", "x86_64", (2, 34))
BIG = random.Random(4).randbytes(300_000)
QUICK = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "5"}


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    return FetchContext(tmp_path / "cache", QUICK, tmp_path)


def partial_files(context: FetchContext) -> list[str]:
    """Return the names of incomplete files in the store."""
    return [path.name for path in context.cache.glob("**/partial/*") if path.suffix != ".lock"]


def content(context: FetchContext, *pins: Pin) -> list[bytes]:
    return [file.path.read_bytes() for file in fetch(lock(*pins), TARGET, context)]


def cuts_often(request: Request, before: int, body: bytes) -> Answer:
    answer = honest(request, before, body)
    answer.cut = 70_000
    return answer


def cuts_once(request: Request, before: int, body: bytes) -> Answer:
    answer = honest(request, before, body)
    answer.cut = None if before else 100_000
    return answer


def ignores_ranges(request: Request, before: int, body: bytes) -> Answer:
    return Answer(200, body, cut=None if before else 100_000)


def wrong_part(request: Request, before: int, body: bytes) -> Answer:
    """Answer 206 with the beginning of the file."""
    if request.start:
        return Answer(206, body, {"Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"})
    return Answer(200, body, cut=None if before else 100_000)


def mislabelled_part(request: Request, before: int, body: bytes) -> Answer:
    """Label the beginning of the file as the requested part."""
    if request.start:
        rest = len(body) - request.start
        return Answer(206, body[:rest], {"Content-Range": f"bytes {request.start}-{len(body) - 1}/{len(body)}"})
    return Answer(200, body, cut=None if before else 100_000)


def range_not_satisfiable(request: Request, before: int, body: bytes) -> Answer:
    return Answer(416) if request.start else Answer(200, body, cut=None if before else 100_000)


def overloaded(request: Request, before: int, body: bytes) -> Answer:
    return Answer(503, b"busy") if not before else honest(request, before, body)


def retry_after_seconds(request: Request, before: int, body: bytes) -> Answer:
    return Answer(429, b"", {"Retry-After": "0"}) if not before else honest(request, before, body)


def wrong_once(request: Request, before: int, body: bytes) -> Answer:
    return Answer(200, body if before else body[:-1] + b"!")


def without_length(request: Request, before: int, body: bytes) -> Answer:
    """Mark the end of the file by closing the connection, once too early."""
    return Answer(200, body if before else body[:100_000], length=False)


def headers_only(request: Request, before: int, body: bytes) -> Answer:
    return honest(request, before, body) if before else Answer(200, body, cut=0)


def length_too_long(request: Request, before: int, body: bytes) -> Answer:
    """Send a Content-Length that is too long, and close the connection."""
    return honest(request, before, body) if before else Answer(200, body, {"Content-Length": f"{len(body) + 99}"}, length=False)


def length_too_short(request: Request, before: int, body: bytes) -> Answer:
    return honest(request, before, body) if before else Answer(200, body, {"Content-Length": f"{len(body) - 99}"}, length=False)


def burst_of_errors(request: Request, before: int, body: bytes) -> Answer:
    return Answer((500, 502)[before], b"<html>") if before < 2 else honest(request, before, body)


def retry_after_date(request: Request, before: int, body: bytes) -> Answer:
    return honest(request, before, body) if before else Answer(429, b"", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})


def html_page_once(request: Request, before: int, body: bytes) -> Answer:
    """Send a gateway's error page instead of the file."""
    return honest(request, before, body) if before else Answer(200, b"<html>one moment</html>", {"Content-Type": "text/html"})


def redirects_twice(request: Request, before: int, body: bytes) -> Answer:
    return honest(request, before, body) if before > 1 else Answer(307, b"", {"Location": request.path})


@pytest.mark.parametrize(
    "habit",
    [
        headers_only,
        length_too_long,
        length_too_short,
        retry_after_date,
        html_page_once,
        redirects_twice,
        cuts_often,
        cuts_once,
        ignores_ranges,
        wrong_part,
        mislabelled_part,
        range_not_satisfiable,
        overloaded,
        retry_after_seconds,
        wrong_once,
        without_length,
    ],
    ids=lambda habit: habit.__name__,
)
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "unsized"])
def test_download_survives_a_misbehaving_registry(registry: Registry, context: FetchContext, habit: Habit, sized: bool) -> None:
    pin = registry.offer(payload=BIG, habit=habit)
    if not sized:
        pin = replace(pin, wheels=(replace(pin.wheels[0], size=None),))
    assert content(context, pin) == [wheel(payload=BIG)[1]]
    assert not partial_files(context)


def test_errors_are_retried_as_often_as_configured(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG, habit=burst_of_errors)
    patient = replace(context, environ={**context.environ, "UV_HTTP_RETRIES": "2"})
    assert content(patient, pin) == [wheel(payload=BIG)[1]]
    assert len(registry.requests) == 3


def test_cut_download_resumes_where_it_stopped(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG, habit=cuts_often)
    fetch(lock(pin), TARGET, context)
    starts = [request.start for request in registry.requests]
    assert starts == sorted(starts)
    assert starts[:3] == [0, 70_000, 140_000]


def test_next_run_resumes_the_download(registry: Registry, context: FetchContext) -> None:
    def dies(request: Request, before: int, body: bytes) -> Answer:
        answer = honest(request, before, body)
        return replace(answer, cut=100_000) if not before else Answer(503)

    pin = registry.offer(payload=BIG, habit=dies)
    with pytest.raises(PackagingError, match=r"cannot download demo 1\.0 from 127\.0\.0\.1:\d+: the registry answers 503"):
        fetch(lock(pin), TARGET, context)
    assert partial_files(context)
    registry.habits[f"/files/{pin.wheels[0].filename}"] = honest
    assert content(context, pin) == [wheel(payload=BIG)[1]]
    assert registry.requests[-1].start == 100_000
    assert registry.requests[-1].headers["if-range"].startswith('"')
    assert not partial_files(context)


def test_complete_partial_file_needs_no_request(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG)
    file = replace(pin.wheels[0], size=None)
    partial = context.store.partial_path(file)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(wheel(payload=BIG)[1])
    assert content(context, replace(pin, wheels=(file,))) == [wheel(payload=BIG)[1]]
    assert not registry.requests


def test_changed_file_is_downloaded_from_the_beginning(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG, habit=lambda request, before, body: Answer(200, body, {"ETag": '"old"'}, cut=100_000))
    unknown = replace(pin, wheels=(DistFile(pin.wheels[0].filename, pin.wheels[0].url),))  # no hash tells them apart
    with pytest.raises(PackagingError):
        fetch(lock(unknown), TARGET, context)

    path = f"/files/{pin.wheels[0].filename}"
    registry.files[path] = wheel(payload=b"another")[1]
    registry.habits[path] = lambda request, before, body: Answer(200, body, {"ETag": '"new"'})
    assert content(context, unknown) == [wheel(payload=b"another")[1]]


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        (lambda request, before, body: Answer(200, body[:-1] + b"!"), "is not the file that was locked"),
        (lambda request, before, body: Answer(200, body + b"more"), "is not the file that was locked"),
        (lambda request, before, body: Answer(200, b"<html>please log in</html>"), "is not the file that was locked"),
        (lambda request, before, body: Answer(503, b""), "the registry answers 503"),
        (lambda request, before, body: Answer(429, b"", {"Retry-After": "3600"}), "asks us to retry in 3600 s"),
        (lambda request, before, body: Answer(200, body, cut=1000), "the connection was cut"),
        (lambda request, before, body: Answer(404), "no longer exists on"),
        (lambda request, before, body: Answer(403), "rejects the credentials"),
        (lambda request, before, body: Answer(418), "answers 418"),
        (lambda request, before, body: Answer(302, b"", {"Location": "file:///etc/passwd"}), "is not a web address"),
        (lambda request, before, body: Answer(302, b"", {"Location": "http://[bad/x"}), "is not a web address"),
        (lambda request, before, body: Answer(302, b"", {"Location": "http://host:port/x"}), "is not a web address"),
        (lambda request, before, body: Answer(302, b"", {"Location": request.path}), "more than 10 redirects"),
    ],
    ids=[
        "changed",
        "longer",
        "page",
        "503",
        "429",
        "cut",
        "404",
        "403",
        "418",
        "redirect-file",
        "redirect-host",
        "redirect-port",
        "redirect-loop",
    ],
)
def test_unusable_registry_is_reported(registry: Registry, context: FetchContext, habit: Habit, message: str) -> None:
    pin = registry.offer(payload=BIG, habit=habit)
    with pytest.raises(PackagingError, match=message) as raised:
        fetch(lock(pin), TARGET, context)
    assert "127.0.0.1" in raised.value.where
    assert not list((context.cache / "wheels").glob("*/*.whl"))


def test_wrong_hash_is_refused(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    file = replace(pin.wheels[0], hashes=(("sha256", "0" * 64),), url=pin.wheels[0].url.replace("://", "://me:secret@"))
    with pytest.raises(PackagingError) as raised:
        fetch(lock(replace(pin, wheels=(file,))), TARGET, context)
    error = raised.value
    got = sha256(wheel()[1])
    assert error.what == "demo 1.0: demo-1.0-py3-none-any.whl is not the file that was locked"
    assert error.detail == f"expected sha256:{'0' * 64}\nactual   sha256:{got}"
    assert "secret" not in f"{error.what}{error.where}{error.hint}{error.detail}"
    assert not partial_files(context)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512", "blake2b", "md5"])
def test_every_common_hash_is_verified(registry: Registry, context: FetchContext, algorithm: str) -> None:
    pin = registry.offer()
    right = hashlib.new(algorithm, wheel()[1]).hexdigest()
    good = replace(pin, wheels=(replace(pin.wheels[0], hashes=((algorithm, right),)),))
    bad = replace(pin, wheels=(replace(pin.wheels[0], hashes=((algorithm, right[::-1]),)),))
    with pytest.raises(PackagingError, match="is not the file"):
        fetch(lock(bad), TARGET, context)
    (stored,) = fetch(lock(good), TARGET, context)
    assert stored.sha256 == sha256(wheel()[1])
    requests = len(registry.requests)
    assert fetch(lock(good), TARGET, context) == (stored,)
    assert len(registry.requests) == requests


def test_url_that_is_not_http_is_refused(context: FetchContext) -> None:
    filename, _ = wheel()
    for url in (f"ftp://127.0.0.1/{filename}", f"https://127.0.0.1:x/{filename}", f"https://[127/{filename}", f"/{filename}"):
        with pytest.raises(PackagingError, match="is not a web address"):
            fetch(lock(Pin("demo", "1.0", (DistFile(filename, url, (("sha256", "0" * 64),)),))), TARGET, context)


def test_unreachable_registry_is_reported(context: FetchContext) -> None:
    with serving() as stopped:
        pin = stopped.offer()
    with pytest.raises(PackagingError, match=r"it cannot be reached$"):
        fetch(lock(pin), TARGET, context)


def test_silent_registry_is_reported(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer(payload=BIG, habit=lambda request, before, body: Answer(200, body, hold=threading.Event()))
    with pytest.raises(PackagingError, match="it stopped sending"):
        fetch(lock(pin), TARGET, replace(context, environ={"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "0.2"}))


def test_progress_is_reported(registry: Registry, context: FetchContext) -> None:
    half = threading.Event()
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, Fetching) and "slow" in event.names and event.done >= 100_000:
            half.set()  # the server waits for this with the other half

    pin = registry.offer("slow", payload=BIG, habit=lambda request, before, body: Answer(200, body, hold=half))
    fetch(lock(pin), TARGET, replace(context, emit=listen))
    assert half.is_set()
    size = pin.wheels[0].size or 0
    assert Fetching(0, 1, 0, size, ()) == events[0]
    assert isinstance(events[-1], Fetched)
    assert (events[-1].files, events[-1].size) == (1, size)


def test_first_failure_stops_all_downloads(registry: Registry, context: FetchContext) -> None:
    never = threading.Event()
    waiting = [
        registry.offer(f"slow{n}", payload=BIG, habit=lambda request, before, body: Answer(200, body, hold=never))
        for n in range(3)
    ]
    bad = registry.offer("bad", habit=lambda request, before, body: Answer(404))
    with pytest.raises(PackagingError, match=r"bad-1\.0-py3-none-any\.whl no longer exists"):
        fetch(lock(bad, *waiting), TARGET, context)
    never.set()


FETCH = """
import sys
from pathlib import Path
from lambent.package.lock import *
from lambent.package.target import Target
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
context = FetchContext(Path(sys.argv[1]), {}, Path("."), lambda event: print(event, flush=True))
wheels = fetch(Lock("x", (%r,)), Target("3.13", "x86_64", (2, 34)), context)
print(wheels[0].sha256)
"""


def test_two_builds_download_a_file_once(registry: Registry, context: FetchContext) -> None:
    both = threading.Event()

    def slow(request: Request, before: int, body: bytes) -> Answer:
        return Answer(200, body, hold=both)

    pin = registry.offer(payload=BIG, habit=slow)
    command = [sys.executable, "-c", FETCH % pin, str(context.cache)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        assert run.stdout is not None
        assert "Fetching" in run.stdout.readline()  # both are downloading
    both.set()
    for run in runs:
        out, errors = run.communicate(timeout=20)
        assert (out.splitlines()[-1:], errors) == ([sha256(wheel(payload=BIG)[1])], "")
    assert len(registry.requests) == 1
    assert not partial_files(context)


def test_next_run_resumes_after_ctrl_c(registry: Registry, context: FetchContext) -> None:
    never = threading.Event()
    pin = registry.offer(payload=BIG, habit=lambda request, before, body: replace(honest(request, before, body), hold=never))
    command = [sys.executable, "-c", FETCH % pin, str(context.cache)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    while "done=0" in run.stdout.readline():
        pass
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not list((context.cache / "wheels").glob("*/*.whl"))
    never.set()
    assert content(context, pin) == [wheel(payload=BIG)[1]]
    assert registry.requests[-1].start > 100_000
