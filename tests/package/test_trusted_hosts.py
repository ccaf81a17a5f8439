"""Apps that say in their code which hosts they answer."""

from __future__ import annotations

import pytest

from lambent.package.trusted_hosts import restricted_at


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('app.add_middleware(TrustedHostMiddleware, allowed_hosts=["example.com", "*.example.com"])', 2),
        ("middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=settings.hosts)]", 2),
        ('app = trustedhost.TrustedHostMiddleware(app, allowed_hosts=["localhost"])', 2),
        ('app.add_middleware(TrustedHostMiddleware, allowed_hosts=["example.com", "*"])', 0),
        ('app.add_middleware(TrustedHostMiddleware, allowed_hosts=["*.on.aws"])', 0),
        ("app.add_middleware(TrustedHostMiddleware)", 0),
        ('app.add_middleware(CORSMiddleware, allowed_hosts=["example.com"])', 0),
        ("# TrustedHostMiddleware(allowed_hosts=[1])", 0),
        ("TrustedHostMiddleware(", 0),
    ],
)
def test_lines_that_keep_the_url_out(code: str, line: int) -> None:
    assert restricted_at(f"from x import y\n{code}\n") == line
