"""The page: one document with its data, styles and scripts, which asks for nothing and runs nothing but its own script.

Whatever values a fleet has stand in a block of JSON that no browser runs, and become nothing but text. The policy of
the page (https://www.w3.org/TR/CSP3/) names its script and its styles by their digests and lets nothing else in.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from setpoint.reporting.html.compact import ROOM, pack
from setpoint.reporting.html.model import Report

_SCRIPTS = ("data", "state", "dom", "words", "filters", "detail", "table", "charts", "figures", "main")
"""The page's own scripts, in an order in which none needs a later one before all are there."""

_VENDORED = "chart.umd.min.js"
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end a block of JSON in a document, or a line of it in a script; all of them stand in strings alone."""


class _Parts(NamedTuple):
    """What all pages have in common.

    Args:
        style: the styles.
        script: the library of charts and the page's own scripts.
        policy: what the page may load and run.
    """

    style: str
    script: str
    policy: str


def policy() -> str:
    """What a page may load and run, as its own ``meta`` element and whoever serves it say."""
    return _parts().policy


def render(report: Report, room: int = ROOM) -> bytes:
    """The page of a report.

    Args:
        report: the report.
        room: bytes that its data may take; values are cut until it fits.
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
            policy=parts.policy,
            style=Markup(parts.style),  # noqa: S704 - package data
            script=Markup(parts.script),  # noqa: S704 - package data
            data=Markup(data),  # noqa: S704 - JSON, escaped above
        )
        .encode()
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("setpoint.reporting.html", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
    """The digest by which a policy knows an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
