"""Secrets in the files to pack: they are found by their form, named by file and line, and never shown."""

from __future__ import annotations

import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

import lambent
from lambent.errors import PackagingError
from lambent.package.project_files import collect
from lambent.package.secret_scan import check, scan
from support.detection import write_project
from support.paths import TESTS

LETTERS = string.ascii_letters + string.digits


def letters(length: int, seed: int = 1, alphabet: str = LETTERS) -> str:
    """Return random characters like those of a token. Nothing in this file is a real secret."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


AWS_ID = "AKIA" + letters(16, 2, string.ascii_uppercase + "234567")
AWS_SECRET = letters(39, 3, LETTERS) + "/"
PEM = (
    "-----BEGIN {0}PRIVATE KEY-----{1}" + "{1}".join(letters(64, seed) for seed in range(5)) + "{1}-----END {0}PRIVATE KEY-----"
)

SECRETS = [
    ("AWS secret access key", f"AWS_ACCESS_KEY_ID = '{AWS_ID}'\nAWS_SECRET_ACCESS_KEY = '{AWS_SECRET}'\n"),
    ("AWS secret access key", f"secret: {AWS_SECRET}\nid: {AWS_ID.replace('AKIA', 'ASIA')}\n"),
    ("private key", PEM.format("RSA ", "\n")),
    ("private key", PEM.format("", "\r\n")),
    ("private key", '{"private_key": "' + PEM.format("", "\\n") + '\\n"}'),
    ("private key", PEM.format("OPENSSH ", "\n")),
    ("private key", PEM.format("RSA ", "\n").replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1)),
    ("GitHub token", f"ghp_{letters(36)}"),
    ("GitHub token", f"token=ghs_{letters(36, 5)};"),
    ("GitHub token", f"github_pat_{letters(22)}_{letters(59, 4)}"),
    ("GitLab token", f"glpat-{letters(20)}"),
    ("Slack token", f"xoxb-{letters(12, 1, string.digits)}-{letters(12, 2, string.digits)}-{letters(24)}"),
    (
        "Slack webhook",
        f"https://hooks.slack.com/services/T{letters(9).upper()}/B{letters(10).upper()}/{letters(24)}",
    ),
    ("Stripe live key", f"sk_live_{letters(24)}"),
    ("Google OAuth client secret", f"GOCSPX-{letters(28)}"),
    ("Google API key", f"key = 'AIza{letters(35)}'"),
    ("SendGrid key", f"SG.{letters(22)}.{letters(43)}"),
    ("PyPI token", f"pypi-AgEIcHlwaS5vcmc{letters(80)}"),
    ("OpenAI key", f"sk-proj-{letters(20)}T3BlbkFJ{letters(20, 2)}"),
    ("OpenAI key", f"sk-{letters(20)}T3BlbkFJ{letters(20, 2)}"),
    ("Anthropic key", f"sk-ant-api03-{letters(93)}AA"),
    ("Hugging Face token", f"hf_{letters(34, 1, string.ascii_letters)}"),
    ("DigitalOcean token", f"dop_v1_{letters(64, 1, '0123456789abcdef')}"),
    ("Vault token", f"hvs.{letters(95)}"),
    ("npm token", f"//registry/:_authToken=npm_{letters(36)}"),
]

HARMLESS = [
    *("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", f"{AWS_ID} alone is no secret", AWS_SECRET),
    f"{AWS_ID} and a commit {letters(40, 1, '0123456789abcdef')}",
    f"{AWS_ID} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "if '-----BEGIN RSA PRIVATE KEY-----' in text: ...",
    "-----BEGIN PRIVATE KEY-----\nMIIEowIABAKCAQEAqKpRgnn6yq26U3yt5YFZquyukfRjbMXD...fvY4\n-----END PRIVATE KEY-----",
    f"-----BEGIN PUBLIC KEY-----\n{letters(64)}\n-----END PUBLIC KEY-----",
    f"-----BEGIN CERTIFICATE-----\n{letters(64)}\n-----END CERTIFICATE-----",
    *(
        "ghp_" + "x" * 36,
        "ghp_your_token_here",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        f"sk_test_{letters(24)}",
        "sk_live_...",
    ),
    *(
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "xoxb-your-token",
        "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
    ),
    *(
        "SG.a.b",
        "sk-ant-api03-...",
        "from hf_model_loader import load",
        "AIzaSyEXAMPLE" + "a" * 26,
        "glpat-" + "x" * 20,
        "npm_config_registry",
        "from npm_package_name_of_a_long_thing_x import y",
    ),
]


@pytest.mark.parametrize(("kind", "text"), SECRETS)
def test_secret_is_found_by_its_form(kind: str, text: str) -> None:
    (secret,) = scan("settings.py", f"# one\n# two\n{text}\n".encode())
    assert (secret.kind, secret.file, secret.line) == (kind, "settings.py", 3)


@pytest.mark.parametrize("text", HARMLESS)
def test_placeholders_and_public_values_are_ignored(text: str) -> None:
    assert not list(scan("settings.py", text.encode()))


def test_google_key_in_a_page_is_public() -> None:
    assert not list(scan("static/map.html", f"key=AIza{letters(35)}".encode()))


def test_own_and_standard_library_sources_have_no_secrets() -> None:
    """Scan lambent, its tests, and the standard library without its tests, which contain keys."""
    here = Path(lambent.__file__).parent
    library = [
        path
        for path in Path(random.__file__).parent.rglob("*.py")
        if "test" not in path.parts and path.parts[-3:-2] != "site-packages"
    ]
    files = [*here.rglob("*.py"), *TESTS.rglob("*.py"), *library[:800]]
    assert len(files) > 500
    assert not [secret for path in files for secret in scan(str(path), path.read_bytes())]


def test_error_names_the_location_and_not_the_secret(tmp_path: Path) -> None:
    token = f"ghp_{letters(36)}"
    (tmp_path / "main.py").write_text(f"import os\n\nTOKEN = '{token}'\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/key.txt").write_text(PEM.format("", "\n"))
    (tmp_path / "photo.png").write_text(token)  # pictures aren't scanned
    files = collect(tmp_path).files
    with pytest.raises(PackagingError) as error:
        check(files, ())
    raised = error.value
    assert raised.what == "the zip would contain a secret: private key in deep/key.txt, line 1, and 1 more"
    assert raised.where == "deep/key.txt:1"
    assert raised.detail == "deep/key.txt:1  private key\nmain.py:3  GitHub token"
    assert 'allow_secrets = ["deep/key.txt", "main.py"]' in raised.hint
    assert "or leave the files out: printf '%s\\n' /deep/key.txt /main.py >> .lambentignore\n" in raised.hint
    assert token not in f"{raised.what}{raised.where}{raised.hint}{raised.detail}"
    check(files, ("deep/key.txt", "main.py"))


@pytest.mark.parametrize("name", ["shop/aws/conf.py", "main.py"])
def test_file_that_the_app_imports_is_not_to_be_left_out(tmp_path: Path, name: str) -> None:
    texts = {"main.py": "from shop.aws.conf import *\n", "shop/aws/conf.py": ""} | {name: f"TOKEN = 'ghp_{letters(36)}'\n"}
    files = collect(write_project(tmp_path, texts)).files
    with pytest.raises(PackagingError) as error:
        check(files, (), lambda: ["main"])
    assert ".lambentignore" not in error.value.hint and "allow_secrets" in error.value.hint


def test_tests_with_secrets_are_left_out_unless_the_app_imports_them(tmp_path: Path) -> None:
    token = f"TOKEN = 'ghp_{letters(36)}'\n"
    tests = ("codecov.yml", "shop/tests.py", "tests/data/answer.json", "tests/unit/test_key.py")
    texts = {"main.py": "import shop\n", "shop/__init__.py": "", "shop/more_tests/a.py": ""} | dict.fromkeys(tests, token)
    files = collect(write_project(tmp_path, texts)).files
    assert check(files, ()) == tests
    assert check(files, tests[:2]) == tests[2:]
    write_project(tmp_path, {"main.py": "from shop import views, tests\n"})
    with pytest.raises(PackagingError, match=r"GitHub token in codecov\.yml, line 1, and 3 more"):
        check(files, ())


@pytest.mark.parametrize("name", ["test.py", "shop/app_test.py", "tests/__init__.py"])
def test_app_that_is_named_like_a_test_is_no_test(tmp_path: Path, name: str) -> None:
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    files = collect(write_project(tmp_path, {name: f"TOKEN = 'ghp_{letters(36)}'\n"})).files
    assert check(files, (), lambda: ["main"]) == (name,)
    with pytest.raises(PackagingError, match=rf"GitHub token in {name}, line 1"):
        check(files, (), lambda: [module])


def test_missing_or_unreadable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("")
    files = collect(tmp_path).files
    (tmp_path / "main.py").unlink()
    with pytest.raises(PackagingError, match=r"was deleted during the build: main\.py"):
        check(files, ())
    (tmp_path / "main.py").mkdir()
    with pytest.raises(PackagingError, match=r"cannot read main\.py"):
        check(files, ())


def test_secret_is_never_printed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"KEY = 'sk_live_{letters(24)}'\ndef lambda_handler(event, context): return KEY\n")
    command = [sys.executable, "-m", "lambent", "build", str(tmp_path), "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "Stripe live key in app.py, line 1" in done.stderr
    assert letters(24) not in done.stdout + done.stderr
    assert not list((tmp_path / "cache").rglob("*.zip"))
