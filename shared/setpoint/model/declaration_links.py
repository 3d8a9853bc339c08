"""URLs of declarations: the file and line on the web page of their repository.

Sources: https://docs.github.com/repositories/working-with-files/using-files/getting-permanent-links-to-files,
https://docs.gitlab.com/ee/user/project/repository/files/, https://docs.gitea.com/,
https://cloud.google.com/source-repositories/docs/linking-to-code
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from setpoint.model.declaration import Source

_NEWEST = "HEAD"
_SCP = re.compile(r"(?:[\w.+-]+@)?([\w.-]+\.[\w-]+):(?!/)([^\s?#]+)\Z")
"""``git@github.com:owner/repository.git``, the short form of an SSH URL."""


class _Lines(NamedTuple):
    """Lines of a file in a repository: the repository's host and path, the revision, the file and the first line."""

    host: str
    path: str
    commit: str
    file: str
    line: int


def _github(lines: _Lines) -> str:
    return f"https://{lines.host}/{lines.path}/blob/{lines.commit}/{lines.file}" + (
        f"#L{lines.line}" if lines.line else ""
    )


def _gitlab(lines: _Lines) -> str:
    return f"https://{lines.host}/{lines.path}/-/blob/{lines.commit}/{lines.file}" + (
        f"#L{lines.line}" if lines.line else ""
    )


def _bitbucket(lines: _Lines) -> str:
    return f"https://{lines.host}/{lines.path}/src/{lines.commit}/{lines.file}" + (
        f"#lines-{lines.line}" if lines.line else ""
    )


def _gitea(lines: _Lines) -> str:
    kind = "branch" if lines.commit == _NEWEST else "commit"
    return f"https://{lines.host}/{lines.path}/src/{kind}/{lines.commit}/{lines.file}" + (
        f"#L{lines.line}" if lines.line else ""
    )


def _cloud_source(lines: _Lines) -> str:
    """A URL of Cloud Source Repositories, whose web page is on another host than ``p/PROJECT/r/REPOSITORY``."""
    matched = re.match(r"p/([^/]+)/r/([^/]+)\Z", lines.path)
    repository = f"{matched[1]}/{matched[2]}" if matched else lines.path
    return f"https://source.cloud.google.com/{repository}/+/{lines.commit}:{lines.file}" + (
        f";l={lines.line}" if lines.line else ""
    )


def _azure(lines: _Lines) -> str:
    version = "" if lines.commit == _NEWEST else f"&version=GC{lines.commit}"
    line = f"&line={lines.line}&lineEnd={lines.line}&lineStartColumn=1&lineEndColumn=1" if lines.line else ""
    return f"https://{lines.host}/{lines.path}?path=/{lines.file}{version}{line}"


_HOSTS: tuple[tuple[re.Pattern[str], Callable[[_Lines], str]], ...] = (
    (re.compile(r"(\A|[.-])github([.-]|\Z)"), _github),
    (re.compile(r"(\A|[.-])gitlab([.-]|\Z)"), _gitlab),
    (re.compile(r"\Abitbucket\.org\Z"), _bitbucket),
    (re.compile(r"\Asource\.(developers|cloud)\.google\.com\Z"), _cloud_source),
    (re.compile(r"\Adev\.azure\.com\Z"), _azure),
    (re.compile(r"(\A|[.-])(gitea|forgejo)([.-]|\Z)|\Acodeberg\.org\Z"), _gitea),
)
"""URL formats by host; the first match counts. For other hosts the link is the page of the repository."""


def declared_at(source: Source) -> str:
    """The URL of a declaration's lines; empty if it is unknown or has no web page.

    Without a revision it leads to the newest one. Passwords in a repository's URL are removed.
    """
    host, path = repository_of(source.repo)
    if not host or not path:
        return ""
    file = source.file.replace("\\", "/").removeprefix("./")
    is_inside = bool(file) and not file.startswith("/") and ".." not in file.split("/") and ":" not in file
    build = next((build for pattern, build in _HOSTS if pattern.search(host)), None)
    if build is None or not is_inside:
        return f"https://{host}/{path}"
    return build(_Lines(host, path, quote(source.commit, safe="") or _NEWEST, quote(file), source.line))


def repository_of(repo: str) -> tuple[str, str]:
    """The host and path of a repository, from any form of its URL."""
    if not repo.isprintable():
        return "", ""
    if "://" not in repo:
        matched = _SCP.match(repo)
        return (matched[1].lower(), _path(matched[2])) if matched else ("", "")
    try:
        parts = urlsplit(repo)
        port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
    except ValueError:
        return "", ""
    if parts.scheme not in ("http", "https", "ssh", "git", "git+ssh", "git+https") or not parts.hostname:
        return "", ""
    return parts.hostname + port, _path(parts.path)


def _path(path: str) -> str:
    return quote(path.strip("/").removesuffix(".git"))
