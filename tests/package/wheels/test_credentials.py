"""Credentials for private registries: a real server that requires them, and every source that uv reads them from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from uv import find_uv_bin

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.target import Target
from lambent.package.wheels.credentials import Credentials, Login, login_of
from lambent.package.wheels.fetch import fetch
from lambent.package.wheels.fetch_context import FetchContext
from support.registry import Answer, Registry, basic, lock, serving

TARGET = Target("3.13", "x86_64", (2, 34))
LOGIN = "me:p@ss/word"
USERINFO = "me:p%40ss%2Fword"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving(Registry(login=LOGIN)) as registry:
        yield registry


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "UV_HTTP_RETRIES": "0"}
    return FetchContext(tmp_path / "cache", environ, project)


def count_fetched(context: FetchContext, *pins: Pin) -> int:
    return len(fetch(lock(*pins), TARGET, context))


def with_login(registry: Registry, path: str = "/simple/") -> str:
    return f"http://{USERINFO}@127.0.0.1:{registry.port}{path}"


Source = Callable[[Registry, FetchContext], FetchContext]


def with_environ(context: FetchContext, **more: str) -> FetchContext:
    return replace(context, environ={**context.environ, **more})


def in_a_requirements_line(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "requirements.txt").write_text(f"--index-url {with_login(registry)}\ndemo\n")
    return context


def in_an_included_file(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "deps").mkdir()
    (context.project / "requirements.txt").write_text("-r deps/base.txt\n")
    (context.project / "deps/base.txt").write_text(f"--extra-index-url={with_login(registry)}\n")
    return context


def in_a_direct_url(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "pyproject.toml").write_text(
        f"""[project]\ndependencies = ["demo @ {with_login(registry, "/f.whl")}"]\n"""
    )
    return context


def by_a_variable_in_the_file(registry: Registry, context: FetchContext) -> FetchContext:
    line = f"--index-url http://me:${{SECRET}}@127.0.0.1:{registry.port}/simple/\n"
    (context.project / "requirements.txt").write_text(line)
    return with_environ(context, SECRET="p%40ss%2Fword")


def in_the_environment(registry: Registry, context: FetchContext) -> FetchContext:
    return with_environ(context, UV_EXTRA_INDEX_URL=f"https://example.org/simple {with_login(registry)}")


def as_the_default_index(registry: Registry, context: FetchContext) -> FetchContext:
    return with_environ(context, UV_DEFAULT_INDEX=with_login(registry))


def of_a_named_index(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "pyproject.toml").write_text(
        f'[[tool.uv.index]]\nname = "our-own.index"\nurl = "{registry.url}/simple/"\n'
    )
    return with_environ(context, UV_INDEX_OUR_OWN_INDEX_USERNAME="me", UV_INDEX_OUR_OWN_INDEX_PASSWORD="p@ss/word")


def of_an_index_named_in_the_environment(registry: Registry, context: FetchContext) -> FetchContext:
    variables = {"UV_INDEX_OURS_USERNAME": "me", "UV_INDEX_OURS_PASSWORD": "p@ss/word"}
    return with_environ(context, UV_INDEX=f"ours={registry.url}/simple", **variables)


def of_an_index_in_a_script(registry: Registry, context: FetchContext) -> FetchContext:
    script = context.project / "app.py"
    script.write_text(f'# /// script\n# [[tool.uv.index]]\n# name = "ours"\n# url = "{registry.url}/simple"\n# ///\n')
    context = with_environ(context, UV_INDEX_OURS_USERNAME="me", UV_INDEX_OURS_PASSWORD="p@ss/word")
    return replace(context, inputs=(script,))


def of_the_users_settings(registry: Registry, context: FetchContext) -> FetchContext:
    settings = Path(context.environ["HOME"]) / ".config/uv/uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[[index]]\nname = "ours"\nurl = "{with_login(registry)}"\n')
    return context


def in_netrc(registry: Registry, context: FetchContext) -> FetchContext:
    (Path(context.environ["HOME"]) / ".netrc").write_text("machine 127.0.0.1 login me password p@ss/word\n")
    return context


def in_a_netrc_elsewhere(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "n").write_text("machine other login x password y\ndefault login me password p@ss/word\n")
    return with_environ(context, NETRC=str(context.project / "n"))


def keyring(context: FetchContext, arguments: str, answer: str) -> FetchContext:
    """Install a program called keyring that, like the real one, answers for one service."""
    folder = context.project / "bin"
    folder.mkdir()
    program = folder / "keyring"
    script = f"if ' '.join(sys.argv[1:]) == {arguments!r}:\n    print({answer!r})\nelse:\n    sys.exit(1)\n"
    program.write_text(f"#!{sys.executable}\nimport sys\n{script}")
    program.chmod(0o755)
    return with_environ(context, PATH=f"{folder}:{context.environ['PATH']}", UV_KEYRING_PROVIDER="subprocess")


def in_keyring_by_name(registry: Registry, context: FetchContext) -> FetchContext:
    (context.project / "requirements.txt").write_text(f"-i http://me@127.0.0.1:{registry.port}/simple\n")
    return keyring(context, f"get {registry.url}/simple me", "p@ss/word")


def in_keyring_by_host(registry: Registry, context: FetchContext) -> FetchContext:
    return keyring(context, f"get 127.0.0.1:{registry.port} --mode creds", "me\np@ss/word")


def uv_login(registry: Registry, context: FetchContext) -> None:
    command = [find_uv_bin(), "auth", "login", f"{registry.url}/simple", "--username", "me", "--password", "p@ss/word"]
    # over plain HTTP, uv only accepts logins for hosts that it is configured to trust
    command += ["--allow-insecure-host", f"127.0.0.1:{registry.port}"]
    subprocess.run(command, env=dict(context.environ), check=True, capture_output=True)


def in_uvs_store(registry: Registry, context: FetchContext) -> FetchContext:
    uv_login(registry, context)
    return context


def in_uvs_store_by_name(registry: Registry, context: FetchContext) -> FetchContext:
    uv_login(registry, context)
    (context.project / "requirements.txt").write_text(f"-i http://me@127.0.0.1:{registry.port}/simple\n")
    return context


@pytest.mark.parametrize(
    "source",
    [
        in_a_requirements_line,
        in_an_included_file,
        in_a_direct_url,
        by_a_variable_in_the_file,
        in_the_environment,
        as_the_default_index,
        of_a_named_index,
        of_an_index_named_in_the_environment,
        of_an_index_in_a_script,
        of_the_users_settings,
        in_netrc,
        in_a_netrc_elsewhere,
        in_keyring_by_name,
        in_keyring_by_host,
        in_uvs_store,
        in_uvs_store_by_name,
    ],
    ids=lambda source: source.__name__,
)
def test_credentials_are_found_where_uv_finds_them(registry: Registry, context: FetchContext, source: Source) -> None:
    pin = registry.offer()
    assert count_fetched(source(registry, context), pin) == 1
    assert registry.requests[-1].headers["authorization"] == basic(LOGIN)


def test_error_without_credentials_names_the_host_and_the_remedies(registry: Registry, context: FetchContext) -> None:
    with pytest.raises(PackagingError) as raised:
        count_fetched(context, registry.offer())
    assert raised.value.what == f"demo 1.0: 127.0.0.1:{registry.port} rejects the credentials, or needs some (401)"
    assert "uv auth login" in raised.value.hint


def test_wrong_password_is_never_shown(registry: Registry, context: FetchContext) -> None:
    (context.project / "requirements.txt").write_text(f"-i http://me:wr0ng-one@127.0.0.1:{registry.port}/simple\n")
    with pytest.raises(PackagingError) as raised:
        count_fetched(context, registry.offer())
    error = raised.value
    assert "wr0ng" not in f"{error.what}{error.where}{error.hint}{error.detail}"
    assert "wr0ng" not in "".join(path.read_text("utf-8", "replace") for path in context.cache.rglob("*") if path.is_file())


def test_outdated_password_does_not_block_public_files(context: FetchContext) -> None:
    def public(request: object, before: int, body: bytes) -> Answer:
        return Answer(401) if "authorization" in registry.requests[-1].headers else Answer(200, body)

    with serving() as registry:
        (context.project / "requirements.txt").write_text(f"-i {with_login(registry)}\n")
        assert count_fetched(context, registry.offer(habit=public)) == 1


def test_accepted_login_is_used_for_later_files(registry: Registry, context: FetchContext) -> None:
    pins = [registry.offer(f"pkg{n}") for n in range(3)]
    context = in_uvs_store(registry, context)
    for pin in pins:
        assert count_fetched(context, pin) == 1
    assert [bool(request.headers.get("authorization")) for request in registry.requests] == [False, True] * 3
    assert count_fetched(replace(context, cache=context.cache / "new"), *pins) == 3


def test_files_on_another_host_do_not_get_the_credentials_of_the_index(registry: Registry, context: FetchContext) -> None:
    with serving() as files:
        pin = replace(files.offer(), index=f"{registry.url}/simple")
        assert count_fetched(in_a_requirements_line(registry, context), pin) == 1
        assert "authorization" not in files.requests[0].headers


def test_redirect_to_another_host_drops_the_credentials(registry: Registry, context: FetchContext) -> None:
    with serving() as storage:
        elsewhere = storage.offer()
        redirect = Answer(302, b"", {"Location": elsewhere.wheels[0].url})
        pin = registry.offer(habit=lambda request, before, body: redirect)
        assert count_fetched(in_netrc(registry, context), pin) == 1
        assert registry.requests[-1].headers["authorization"] == basic(LOGIN)
        assert "authorization" not in storage.requests[0].headers


def test_redirect_on_the_same_host_keeps_the_credentials(registry: Registry, context: FetchContext) -> None:
    target = registry.offer("target")
    registry.files["/files/demo-1.0-py3-none-any.whl"] = b""
    pin = registry.offer(habit=lambda request, before, body: Answer(307, b"", {"Location": "/moved"}))
    registry.files["/moved"] = registry.files["/files/demo-1.0-py3-none-any.whl"]
    assert count_fetched(in_netrc(registry, context), pin, target) == 2


def test_credentials_of_two_indexes_on_one_host_are_separate(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("# https://x:y@[no http://a:b@host:port/ [[tool.uv")
    (tmp_path / "requirements.txt").write_text(
        "-i https://a:1@example.org/one/simple\n--extra-index-url https://b:2@example.org/two/simple\n"
    )
    credentials = Credentials({}, tmp_path)
    file = "https://example.org/files/demo.whl"
    assert [login.user for login in credentials.logins(file, "https://example.org/two/simple/")] == ["b", "a"]
    assert [login.user for login in credentials.logins(file, "https://example.org/one/simple")] == ["a", "b"]
    assert [login.user for login in credentials.logins("https://example.org/two/simple/demo.whl")] == ["b", "a"]
    assert not credentials.logins("http://example.org/one/simple")  # never over plain HTTP
    assert not credentials.logins("https://example.org:8443/one/simple")


def test_repr_of_a_login_hides_the_password() -> None:
    login = login_of("https://me:s3cret@example.org/simple")
    assert login == Login("https://example.org/simple", "me", "s3cret")
    assert "s3cret" not in f"{login!r} {login}"


def test_proxy_is_used_with_its_credentials_except_for_no_proxy(registry: Registry, context: FetchContext) -> None:
    pin = registry.offer()
    with serving() as proxy:
        proxy.files[pin.wheels[0].url] = registry.files[f"/files/{pin.wheels[0].filename}"]
        address = f"http://agent:pa55@127.0.0.1:{proxy.port}"
        assert count_fetched(with_environ(context, HTTP_PROXY=address), pin) == 1
        assert [request.path for request in proxy.requests] == [pin.wheels[0].url]
        assert proxy.requests[0].headers["proxy-authorization"] == basic("agent:pa55")
        assert not registry.requests
        separate = replace(in_netrc(registry, context), cache=context.cache / "other")
        assert count_fetched(with_environ(separate, HTTP_PROXY=address, NO_PROXY="127.0.0.1"), pin) == 1
        assert len(proxy.requests) == 1


def test_unusable_proxy_is_refused(registry: Registry, context: FetchContext) -> None:
    with pytest.raises(PackagingError, match="cannot use the proxy socks5:") as raised:
        count_fetched(with_environ(context, ALL_PROXY="socks5://me:pa55@127.0.0.1:1"), registry.offer())
    assert "pa55" not in raised.value.what
