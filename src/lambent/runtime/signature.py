"""AWS's signature, version 4, of one request without a query. Pure. Imported only where something is asked of AWS.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

from hashlib import sha256
from hmac import new as keyed
from time import gmtime, strftime


def sign(
    headers: dict[str, str],
    body: bytes,
    *,
    request: tuple[str, str],
    scope: tuple[str, str],
    keys: tuple[str, str, str],
    now: float,
) -> dict[str, str]:
    """The headers with those that sign them. `headers` has lower-case names and the host; `request` is (method, path);
    `scope` is (region, service); `keys` are (access key, secret key, session token, which may be ""); `now` is in seconds since
    the epoch.
    """
    access, secret, token = keys
    stamp = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    signed = headers | {"x-amz-date": stamp} | ({"x-amz-security-token": token} if token else {})
    names = sorted(signed)
    listed = ";".join(names)
    head = "".join(f"{name}:{signed[name].strip()}\n" for name in names)
    method, path = request
    asked = f"{method}\n{path}\n\n{head}\n{listed}\n{sha256(body).hexdigest()}"
    place = f"{stamp[:8]}/{scope[0]}/{scope[1]}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{place}\n{sha256(asked.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in place.split("/"):
        key = keyed(key, part.encode(), sha256).digest()
    signature = keyed(key, text.encode(), sha256).hexdigest()
    return signed | {
        "authorization": f"AWS4-HMAC-SHA256 Credential={access}/{place}, SignedHeaders={listed}, Signature={signature}"
    }
