"""The text in the bytes of a file, and of its name."""

from __future__ import annotations

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes what it redirects.

    Raises:
        UnicodeDecodeError: it is neither; see ``reason``.
    """
    text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


_BINARY = {
    b"PK\x03\x04": "is a zip file; of a plan of Terraform, give what `terraform show -json FILE > plan.json` writes",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"BZh": "is compressed; unpack it first",
    b"\xfd7zXZ": "is compressed; unpack it first",
}
"""The first bytes of files that are given by mistake, with the next step."""


def reason(error: UnicodeDecodeError) -> str:
    """Why bytes are not text, for an error message."""
    for magic, step in _BINARY.items():
        if error.object.startswith(magic):
            return step
    encoding = "UTF-16" if error.encoding.startswith("utf-16") else "UTF-8"
    return f"is not {encoding} (byte {error.start})"


def printable(path: str) -> str:
    """A path as text that can be encoded: bytes of a file name that are not UTF-8 become U+FFFD (PEP 383)."""
    return path if path.isascii() else path.encode(errors="surrogateescape").decode(errors="replace")
