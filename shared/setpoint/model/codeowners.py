"""The owners of files by a CODEOWNERS file: the last pattern that matches counts.

Sources: https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners,
https://docs.gitlab.com/ee/user/project/codeowners/reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from setpoint.errors import BadDeclaration
from setpoint.model import linear_patterns

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where the file may be; the first that exists counts."""

_SECTION = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?\s*(.*)\Z")


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The owners of files, ``@user`` or ``@organization/team``; addresses of e-mail are left out.

    Args:
        text: the CODEOWNERS file.
        paths: the files.
    """
    rules = list(_rules(text))
    named: dict[str, None] = {}
    for path in paths:
        names = next((names for pattern, names in reversed(rules) if pattern.match(path)), ())
        named |= dict.fromkeys(name for name in names if name.startswith("@"))
    return tuple(named)


def _rules(text: str) -> Iterable[tuple[Any, tuple[str, ...]]]:
    defaults: tuple[str, ...] = ()
    for line in text.splitlines():
        words = re.split(r"\s+#", line.strip())[0].strip()
        if not words or words.startswith("#"):
            continue
        if section := _SECTION.match(words):
            defaults = tuple(section[1].split())
            continue
        pattern, *names = re.split(r"(?<!\\)\s+", words)
        with suppress(BadDeclaration):  # no path is that long, and none matches it
            yield _pattern(pattern.replace("\\ ", " ")), tuple(names) or defaults


def _pattern(glob: str) -> Any:
    """A pattern of gitignore's rules, without ``!`` and character ranges, which CODEOWNERS does not have.

    It is matched in linear time: the file is anybody's who may write to the repository.

    Raises:
        BadDeclaration: the pattern is too long.
    """
    is_anchored = "/" in glob.rstrip("/")
    tokens = _TOKEN.findall(glob.strip("/") + ("/" if glob.endswith("/") else ""))
    body = "".join(_TOKENS.get(token) or re.escape(token) for token in tokens)
    is_children_only = glob.endswith("/*")
    end = r"\Z" if is_children_only else r".*\Z" if glob.endswith("/") else r"(?:/.*)?\Z"
    return linear_patterns.compiled("(?s)" + ("" if is_anchored else r"(?:.*/)?") + body + end.replace(r"\Z", r"\z"))


_TOKEN = re.compile(r"/\*\*/|\*\*/|/\*\*|\*\*|\*|\?|[^*?/]+|/")
_TOKENS = {"/**/": r"/(?:.*/)?", "**/": r"(?:.*/)?", "/**": r"/.*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
