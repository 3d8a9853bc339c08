"""Which values of a resource may be shown: by field name, and by format.

A list of bad words never ends, so that a text is shown only where something says that it may be: its field is known as
an enum, a number, a name, a reference, a location, a time, a size, a flag or a short description, and it looks like
one. `data/shown_words.tsv` has the words that say so.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise

from setpoint.catalog.data_files import FOLDER, rows
from setpoint.catalog.words import words as words_of

_TABLE = FOLDER / "shown_words.tsv"

DESCRIPTIONS = frozenset(("description", "title", "comment", "label", "summary", "message", "reason"))
"""The last word of a field that holds a sentence for people."""

_FREE_ENDS = (
    ("environment", "variables"),
    ("env", "variables"),
    ("env", "vars"),
    ("user", "data"),
    ("init", "script"),
    ("source", "contents"),
    ("startup", "script"),
)
_NAMES_OF_HEADERS = frozenset(("allow", "allowed", "expose", "exposed", "forward", "forwarded", "vary"))
_CODES = frozenset(
    ("status", "language", "currency", "country", "region", "response", "redirect", "error", "languages")
)
"""What a code is of that is not a secret: ``authCode`` is one."""

_LABELS = ("labels", "annotations")
_TAG_MAPS = frozenset(("tags", "resourceManagerTags"))

_VOCABULARY = frozenset(
    (
        *("true", "false", "yes", "no", "on", "off", "enabled", "disabled", "none", "null", "auto", "default"),
        *("trace", "debug", "info", "notice", "warn", "warning", "error", "critical", "fatal", "silent", "verbose"),
        *("prod", "production", "staging", "stage", "dev", "development", "test", "testing", "qa", "uat", "sandbox"),
        *("local", "preview", "canary", "stable", "regular", "rapid", "blue", "green", "json", "text", "utf-8", "utc"),
        *("gzip", "http", "https", "grpc", "tcp", "udp", "en", "de", "fr", "low", "medium", "high", "always", "never"),
        *("ifnotpresent", "primary", "secondary", "standby", "active", "passive", "read", "write", "small", "large"),
        *("public", "private", "internal", "external", "automatic", "manual", "us", "eu", "asia"),
    )
)
_HARMLESS = re.compile(
    r"-?\d{1,5}(?:\.\d{1,6})?%?"
    r"|\d{1,6}\s?(?:ns|us|ms|s|m|h|d|k|kb|kib|mb|mib|m|mi|gb|gib|g|gi|tb|tib|t|ti|b)"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?::\d{1,5})?"
    r"|v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-(?:alpha|beta|rc|gke|debian)[\w.]{0,12})?"
    r"|(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-[a-z]{4,10}\d{1,2}(?:-[a-z])?"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)/[A-Z][A-Za-z_]{1,30}"
    r"|[\d*/,-]{1,12}(?: [\dA-Z*/,-]{1,12}){4}",
    re.IGNORECASE,
)
"""Numbers, sizes, times, addresses, versions, locations: values that are never passwords."""
_TOKEN = re.compile(r"[A-Za-z0-9+=]+")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+=]{16}")
"""Without so long a token no part is random; what is left of a text without its digests has none either."""
_DIGEST = re.compile(
    r"sha(?:256|512|1)[:-][0-9a-f]{20,128}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_RESOURCE_NAME = re.compile(
    r"(?:gs://|(?:https://[a-z0-9.-]{1,60}\.googleapis\.com/(?:[\w.]{1,20}/){0,3}|//[a-z0-9.-]{1,60}\.googleapis\.com/)?"
    r"(?:projects|organizations|folders|billingAccounts|locations|global|regions|zones)/)[\w.:@/ ()~%*-]{1,400}"
)
_SHORT_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/ -]{0,39}|\d{1,20}")
_ENUM_LIKE = re.compile(r"[a-z]{2,16}|[A-Z]{2,16}|[A-Z][A-Z0-9]{0,20}(?:_[A-Z0-9]{1,20}){1,6}")
_LONG = 16
_LIMIT = 500
_SENTENCE = 300
_RANDOM_BITS = 3.3
_ALL_KINDS = 3
_LONG_OF_TWO = 20


@cache
def _words_of(*kinds: str) -> frozenset[str]:
    """The words of some kinds in `data/shown_words.tsv`."""
    return frozenset(word for kind, listed in rows(_TABLE) if kind in kinds for word in listed.split())


@lru_cache(maxsize=4096)
def is_shown(name: str) -> bool:
    """Whether a field of this name holds a name, a reference, a place, a time, a size or a word of an API's own."""
    words = words_of(name)
    if not words or is_free(name):
        return False
    if words[-1] in ("code", "codes"):
        return len(words) > 1 and words[-2] in _CODES
    if words[-1].isdigit():
        words = words[:-1]
    is_of_names = words[-1:] == ("headers",)  # the names of headers, since those that hold values are free
    return words[-1:] != () and (is_of_names or words[-1] in _words_of("name", "place", "time", "word"))


@lru_cache(maxsize=4096)
def is_description(name: str) -> bool:
    """Whether a field of this name holds a sentence for people."""
    words = words_of(name)
    return bool(words) and words[-1] in DESCRIPTIONS


@lru_cache(maxsize=4096)
def is_free(name: str) -> bool:
    """Whether a field of this name holds what its author likes: a script, arguments, headers, an environment."""
    words = words_of(name)
    if not words or words[-1] in ("code", "codes"):
        return False
    if name.lower() in _words_of("whole") or words[-2:] in _FREE_ENDS:
        return True
    if words[-1] == "headers" and words[0] in _NAMES_OF_HEADERS:
        return False
    return words[-1] in _words_of("free")


@lru_cache(maxsize=4096)
def is_labels(name: str) -> bool:
    """Whether a field of this name holds labels, annotations or tags by their keys."""
    return name in _TAG_MAPS or name.lower().endswith(_LABELS)


def takes_words(name: str) -> bool:
    """Whether the elements of a list of this name hold, as their ``value``, a word of the API's own."""
    return name in _words_of("beside")


def is_resource_name(value: str) -> bool:
    """Whether a value names a resource by its path, or an object in Cloud Storage."""
    return _RESOURCE_NAME.fullmatch(value) is not None and not is_random(value)


def is_harmless(value: str) -> bool:
    """Whether a value is a flag, a number, a size, a time, a place, or a word that many set."""
    return value.lower() in _VOCABULARY or _HARMLESS.fullmatch(value) is not None


def may_be_quoted(value: str) -> bool:
    """Whether an error may quote a value: a flag, a number, a size, the name of a resource, a word of an API."""
    return is_harmless(value) or is_resource_name(value) or is_enum_like(value)


def is_short_word(value: str) -> bool:
    """Whether a value is a short word or two, or a number: what a field of an unknown type is shown with."""
    return _SHORT_WORD.fullmatch(value) is not None and not is_random(value)


def is_enum_like(value: str) -> bool:
    """Whether a value is one word of lower or of upper case, as the words of an API are that no schema lists."""
    return _ENUM_LIKE.fullmatch(value) is not None


def is_plain(value: str) -> bool:
    """Whether a value looks like a name, a reference or an expression: short, and no part of it random."""
    return len(value) <= _LIMIT and not is_random(value)


def is_sentence(value: str) -> bool:
    """Whether a value may be a sentence for people: short enough, and no part of it random."""
    return len(value) <= _SENTENCE and not is_random(value)


def is_random(value: str) -> bool:
    """Whether a part of a value looks as if it were drawn: long, of letters and digits, with much entropy."""
    if len(value) < _LONG or not _LONG_TOKEN.search(value):
        return False
    return any(map(_is_random, _TOKEN.findall(_DIGEST.sub("", value))))


def _is_random(token: str) -> bool:
    if len(token) < _LONG or token.isdigit():
        return False
    if _is_hex(token):
        return True
    kinds = any(map(str.isupper, token)) + any(map(str.islower, token)) + any(map(str.isdigit, token))
    turns = _turns(token)
    if kinds == _ALL_KINDS:
        return turns >= len(token) / 4 and _entropy(token) >= _RANDOM_BITS
    # Names end in letters and digits that a server has drawn, and seldom in more than eight.
    return kinds > 1 and turns >= len(token) / 3 and len(token) >= _LONG_OF_TWO and _entropy(token) >= _RANDOM_BITS


def _is_hex(token: str) -> bool:
    return len(token) >= 32 and re.fullmatch(r"[0-9a-fA-F]+", token) is not None  # noqa: PLR2004 - 128 bits


def _turns(token: str) -> int:
    """How often the kind of character changes; the capital of a word in camelCase counts as none."""
    kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" for char in token]
    return sum(1 for pair in pairwise(kinds) if pair[0] != pair[1] and pair != ("u", "l"))


def _entropy(token: str) -> float:
    """Bits a character, by Shannon."""
    counts = Counter(token).values()
    return -sum(count / len(token) * math.log2(count / len(token)) for count in counts)
