"""Compare DNS record data by the type of the record.

TXT data is one or more character strings, quoted or not, separated by white space; unquoted words are strings of their
own. Names have no case and may end with a dot; digests and addresses have several spellings.

Sources: https://www.rfc-editor.org/rfc/rfc1035#section-5.1, https://www.rfc-editor.org/rfc/rfc4343,
https://cloud.google.com/dns/docs/records-overview
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)
_KEY_FIELDS = 3
"""DNSKEY's flags, protocol and algorithm; the rest is base64, which is case-sensitive."""
_LONGEST_STRING = 255


def is_same(declared: str, observed: str, record_type: str) -> bool:
    """Whether two texts are equal record data.

    Args:
        declared: as an author writes it.
        observed: as Cloud DNS returns it.
        record_type: `TXT`, `MX`, `AAAA` …
    """
    read = _READERS.get(record_type)
    if read is None:
        return declared == observed
    wanted, other = read(declared), read(observed)
    if read is _strings and any(len(text) > _LONGEST_STRING for text in (*wanted, *other)):
        wanted, other = "".join(wanted), "".join(other)  # longer than DNS allows, so the client splits it
    return wanted is not None and wanted == other


def _strings(data: str) -> list[str]:
    """The character strings of a record, without quotes and escapes."""
    return [_ESCAPE.sub(_unescaped, quoted or word) for quoted, word in _STRING.findall(data)]


def _unescaped(match: re.Match[str]) -> str:
    text = match[1]
    return chr(int(text)) if text.isdigit() and len(text) == len("000") else text


def _names(data: str) -> list[str]:
    return [_name(word) for word in data.split()]


def _name(word: str) -> str:
    """A name in lower case without its final dot; numbers beside it are unchanged."""
    return word.rstrip(".").casefold() or word


def _caa(data: str) -> list[str]:
    flags, _, rest = data.strip().partition(" ")
    tag, _, value = rest.strip().partition(" ")
    return [flags, tag.casefold(), *_strings(value)]


def _key(data: str) -> list[str]:
    words = data.split()
    return [*words[:_KEY_FIELDS], "".join(words[_KEY_FIELDS:])]


def _digest(data: str) -> list[str]:
    """Numbers and a digest in hexadecimal digits, which may be split and have no case."""
    words = data.split()
    head = [word for word in words[:_KEY_FIELDS] if word.isdigit()]
    return [*head, "".join(words[len(head) :]).casefold()]


def _address(data: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(data.strip())
    except ValueError:
        return None


_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("TXT", "SPF"), _strings),
    **dict.fromkeys(("CNAME", "DNAME", "ALIAS", "NS", "PTR", "MX", "SRV", "SOA", "HTTPS", "SVCB"), _names),
    **dict.fromkeys(("DNSKEY", "CDNSKEY"), _key),
    **dict.fromkeys(("DS", "CDS", "TLSA", "SSHFP"), _digest),
    **dict.fromkeys(("A", "AAAA"), _address),
    "CAA": _caa,
}
"""The parser of each type of record data."""
