"""URLs with a password or token, in the files that tell installers where packages come from, and in those that run installers.

Only in these files is such a URL nearly always meant to be used: elsewhere it is mostly an example. Placeholders don't count:
`${TOKEN}`, `<token>`, `user:password`, and example or local hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

KIND = "URL with a password"
_FILE = re.compile(
    r"(?:^|/)(?:[^/]*(?:requirements?|reqs|constraints|dependencies|deps)[^/]*\.(?:txt|in|lock|pip)|requirements/[^/]+\.(?:txt|in)"
    r"|(?:pip\.(?:conf|ini)|\.?uv\.toml|\.?pdm\.toml|(?:pyproject|poetry|hatch|pixi)\.toml|pylock\.(?:[^/]*\.)?toml"
    r"|pipfile(?:\.lock)?|(?:uv|poetry|pdm|pixi)\.lock|setup\.(?:cfg|py)|noxfile\.py|tox\.ini|\.pydistutils\.cfg|\.condarc"
    r"|(?:environment|conda-lock|buildspec|\.gitlab-ci|\.pre-commit-config|[a-z]+-pipelines)[^/]*\.ya?ml"
    r"|\.(?:circleci|github/workflows)/[^/]+\.ya?ml|[^/]+\.(?:sh|bash|zsh|ps1|bat|cmd)|makefile|justfile|jenkinsfile"
    r"|\.gitmodules|(?:[^/]*\.)?(?:docker|container)file(?:\.[^/]*)?))$",
    re.IGNORECASE,
)
_CODE = (".py", ".html", ".js", ".css", ".json", ".md", ".svg", ".map")
_INSTALLING = ("setup.py", "noxfile.py")
_URL = re.compile(
    rb"(?i)(?:\b|\+)(?:https?|ssh|s?ftp)://(?P<user>[^\s:/?#@\"'`]*)(?::(?P<password>[^\s/?#\"'`]*))?@(?P<host>[^\s/:\"'`#?]*)"
)
_SUBSTITUTED = re.compile(rb"\$|\{.*\}|<.*>|\[.*\]|\*\*|%\w+%|%\(|\.\.\.")
_EXAMPLE_HOST = re.compile(
    rb"(?i)(?:.*\.)?(?:example(?:\.(?:com|org|net))?|localhost|test|invalid)|127\.[\d.]+|host(?:name)?|server"
)
_PLACEHOLDERS = frozenset(
    [
        "",
        *("access", "api", "apikey", "auth", "aws", "changeme", "ci", "deploy", "dummy", "example", "fake", "foo"),
        *("bar", "git", "gitlab", "github", "here", "id", "job", "key", "login", "me", "my", "name", "oauth"),
        *("oauth2", "pass", "passwd", "password", "pat", "personal", "placeholder", "private", "pw", "pwd", "pypi"),
        *("read", "redacted", "secret", "some", "the", "token", "user", "username", "x", "your"),
    ]
)
_TOKEN = re.compile(rb"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[\w.~%-]{20,}")  # a user name that is long and has digits


def names_packages(name: str) -> bool:
    """Whether a file, by its path, tells installers where packages come from."""
    if name.endswith(_CODE) and not name.endswith(_INSTALLING):  # nearly all files, and the expression takes 20 times as long
        return False
    return _FILE.search(name) is not None


def starts(data: bytes) -> Iterator[int]:
    """Yield where URLs with a password or token begin."""
    if b"@" not in data or b"://" not in data:
        return
    for match in _URL.finditer(data):
        if _is_secret(match, _is_comment(data, match.start())):
            yield match.start()


def _is_secret(match: re.Match[bytes], in_comment: bool) -> bool:
    user, password, host = match["user"], match["password"] or b"", match["host"]
    if _SUBSTITUTED.search(user + password + host) or _EXAMPLE_HOST.fullmatch(host):
        return False
    if _TOKEN.fullmatch(user) and not _is_placeholder(user):
        return True
    if password in (b"", b"x-oauth-basic"):
        return False
    is_example = in_comment or password.isupper() or _is_placeholder(user)
    return not (is_example and _is_placeholder(password))


def _is_placeholder(text: bytes) -> bool:
    """Whether a user name or password consists of words such as "your" and "token", or of one repeated character."""
    words = re.split(r"[_.-]+", text.decode("utf-8", "replace").lower())
    return len(set(text.lower())) == 1 or _PLACEHOLDERS.issuperset(words)


def _is_comment(data: bytes, position: int) -> bool:
    line = data[data.rfind(b"\n", 0, position) + 1 : position].lstrip()
    return line.startswith((b"#", b";"))
