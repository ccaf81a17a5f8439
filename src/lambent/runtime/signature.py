"""AWS's Signature Version 4 of a request without a query. Pure. Imported only to call AWS.

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
    timestamp: float,
) -> dict[str, str]:
    """Return the headers with those that sign them.

    `headers` has lower-case names and includes the host; `request` is (method, path); `scope` is (region, service); `keys` are
    (access key, secret key, session token or ""); `timestamp` is in seconds since the epoch.
    """
    access, secret, token = keys
    stamp = strftime("%Y%m%dT%H%M%SZ", gmtime(timestamp))
    signed = {**headers, "x-amz-date": stamp, **({"x-amz-security-token": token} if token else {})}
    names = sorted(signed)
    signed_headers = ";".join(names)
    head = "".join(f"{name}:{signed[name].strip()}\n" for name in names)
    method, path = request
    canonical_request = f"{method}\n{path}\n\n{head}\n{signed_headers}\n{sha256(body).hexdigest()}"
    credential_scope = f"{stamp[:8]}/{scope[0]}/{scope[1]}/aws4_request"
    string_to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{credential_scope}\n{sha256(canonical_request.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in credential_scope.split("/"):
        key = keyed(key, part.encode(), sha256).digest()
    signature = keyed(key, string_to_sign.encode(), sha256).hexdigest()
    credential = f"Credential={access}/{credential_scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={signed_headers}, Signature={signature}"
    return {**signed, "authorization": authorization}
