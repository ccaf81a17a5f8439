"""A client that requests a URL all the time and counts the responses."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

from lambent.deployment.fetch import Response, fetch

StatusAndBody = tuple[int, bytes]

PUBLIC_REFUSAL = 403


class UrlPoller:
    """Sends requests, over one connection after the other, while something else happens. `pause_s` limits the load."""

    def __init__(self, url: str, pause_s: float = 0.0) -> None:
        self.url = url
        self.responses: Counter[StatusAndBody] = Counter()
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/", headers={"Host": parts.netloc})
                answer = connection.getresponse()
                self.responses[answer.status, answer.read()] += 1
            except (OSError, http.client.HTTPException) as error:
                self.responses[0, repr(error).encode()] += 1
                connection.close()
            if self._pause_s:
                time.sleep(self._pause_s)
        connection.close()

    def __enter__(self) -> UrlPoller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def request_once(url: str) -> StatusAndBody:
    answer: Response = fetch(url, 30)
    return answer.status, answer.body
