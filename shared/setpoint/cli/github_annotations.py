"""Annotations of lines in a pull request on GitHub.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations


def annotation(level: str, message: str, file: str = "", line: str = "") -> str:
    """A workflow command that shows a message.

    Args:
        level: ``error``, ``warning`` or ``notice``.
        message: the message.
        file: the file that it is about; empty for none.
        line: its line, from 1; empty for the whole file.
    """
    place = "".join((f"file={_property(file)}," if file else "", f"line={line}," if file and line else ""))
    return f"::{level} {place}title=Setpoint::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
