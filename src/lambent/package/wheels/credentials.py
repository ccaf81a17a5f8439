from collections.abc import Iterator


class Credentials:
    def candidates(self, url: str, index: str) -> Iterator[str]:
        yield ""
