"""A page."""

from lambent.events import ListedFile


def page(files: tuple[ListedFile, ...], title: str) -> str:
    return f"<!doctype html>{title}"
