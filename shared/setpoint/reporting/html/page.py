"""Render the page: one document with its data, styles and scripts, which loads nothing else.

Values of the fleet are in a block of JSON that no browser executes, and are inserted only as text. The page's Content
Security Policy (https://www.w3.org/TR/CSP3/) allows its script and styles by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from setpoint import __version__
from setpoint.reporting.html.compact import ROOM, pack
from setpoint.reporting.html.model import Field, Report
from setpoint.util.texts import clip

_SCRIPTS = ("data", "state", "dom", "words", "filters", "commands", "detail", "table", "charts", "figures", "main")
"""The page's own scripts, in the order of their dependencies."""

_PLAIN_ROWS = 500
"""Number of findings in the table that is shown without JavaScript."""
_VENDORED = "chart.umd.min.js"
_MINUS = "\N{MINUS SIGN}"
_LONGEST_LINE = 200
"""Maximum length of a difference in the plain table, in characters."""
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Control characters, and those that have no width or change the direction of text."""
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""Characters that could end a block of JSON in a document, or a line in a script; they occur only in strings."""


class _Parts(NamedTuple):
    """The common parts of all pages.

    Args:
        style: the styles.
        script: the chart library and the page's own scripts.
        policy: the Content Security Policy.
    """

    style: str
    script: str
    policy: str


def policy() -> str:
    """The Content Security Policy, for the page's ``meta`` element and for HTTP headers."""
    return _parts().policy


def render(report: Report, room: int = ROOM) -> bytes:
    """Render a report.

    Args:
        report: the report.
        room: maximum size of its data in bytes; values are truncated to fit.
    """
    parts = _parts()
    data = pack(report, room).decode()
    for character, escape in _ESCAPES.items():
        data = data.replace(character, escape)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            version=__version__,
            plain_rows=report.rows[:_PLAIN_ROWS],
            policy=parts.policy,
            style=Markup(parts.style),  # noqa: S704 - package data
            script=Markup(parts.script),  # noqa: S704 - package data
            data=Markup(data),  # noqa: S704 - JSON, escaped above
        )
        .encode()
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("setpoint.reporting.html", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"readable": _readable, "line": _line}
    return environment


def _readable(text: str) -> str:
    """A text with escapes for invisible characters, as ``assets/dom.js`` shows them."""
    return _INVISIBLE.sub(lambda character: f"\\u{ord(character[0]):04x}", text)


def _line(field: Field) -> str:
    """A difference in a line, as ``assets/words.js`` shows it."""
    if field.grant:
        return _readable(f"{_MINUS if field.op == 'missing' else '+'} {field.grant}")
    path = field.path or "(all)"
    lines = {
        "changed": f"{path}: {field.declared} → {field.observed}",
        "missing": f"{path}: expected {field.declared}, found nothing",
        "unexpected": f"{path}: expected nothing, found {field.observed}",
    }
    return clip(_readable(lines[field.op]), _LONGEST_LINE)


@cache
def _parts() -> _Parts:
    own = files("setpoint.reporting.html")
    style = (own / "assets" / "page.css").read_text("utf-8")
    library, _, _ = (own / "vendor" / _VENDORED).read_text("utf-8").partition("//# sourceMappingURL=")
    scripts = "\n".join((own / "assets" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    script = f'{library}\n(() => {{\n"use strict";\n{scripts}\n}})();\n'
    directives = (
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(style)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return _Parts(style, script, "; ".join(directives))


def _digest(text: str) -> str:
    """The digest of an inline script or style for the Content Security Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
