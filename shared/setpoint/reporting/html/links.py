"""Addresses of the lines that declare a resource, as the usual hosts of Git repositories form them."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from setpoint.model.declaration import Source

_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[A-Za-z0-9.-]+)[:/](?P<path>[^\s]+)\Z")
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?\Z")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]*\Z")

LinkBuilder = Callable[[str, str, str, int], str]


def _github(base: str, revision: str, file: str, line: int) -> str:
    return f"{base}/blob/{revision}/{file}{f'#L{line}' if line else ''}"


def _gitlab(base: str, revision: str, file: str, line: int) -> str:
    return f"{base}/-/blob/{revision}/{file}{f'#L{line}' if line else ''}"


def _bitbucket(base: str, revision: str, file: str, line: int) -> str:
    return f"{base}/src/{revision}/{file}{f'#lines-{line}' if line else ''}"


_FORMS: tuple[tuple[str, LinkBuilder], ...] = (("gitlab", _gitlab), ("bitbucket", _bitbucket), ("github", _github))
"""What a host has in its name, and how it addresses a line; of others nobody knows."""


def declared_at(source: Source) -> str:
    """The address of the line that declares a resource, in the revision that was applied.

    It is a web address or nothing, whatever the source says.

    Args:
        source: where the declaration is written.

    Returns:
        ``https://…``; empty where the repository, the revision or the host's way to address a line is not known.
    """
    repository = _repository(source.repo)
    parts = source.file.removeprefix("./").split("/")
    if repository is None or not _REVISION.match(source.commit) or not source.file or {"", "..", "."} & set(parts):
        return ""
    host, path = repository
    form = next((form for word, form in _FORMS if word in host), None)
    if form is None:
        return ""
    return form(f"https://{host}/{quote(path)}", quote(source.commit), quote("/".join(parts)), source.line)


def _repository(address: str) -> tuple[str, str] | None:
    """Host and path of a repository, without what lets somebody in."""
    if ssh := _SSH.match(address):
        host, path = ssh["host"], ssh["path"]
    else:
        try:
            url = urlsplit(address)
        except ValueError:
            return None
        if url.scheme not in ("https", "http"):
            return None
        host, path = url.netloc.rpartition("@")[2], url.path
    path = path.strip("/").removesuffix(".git")
    return (host.lower(), path) if _HOST.match(host) and path else None
