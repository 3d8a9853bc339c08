"""Split field names into words, and apply the tools' naming conventions, independent of schemas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import chain

from setpoint.catalog.words import plural, singular

_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")
_IDENTIFYING = ("id", "name", "url", "uri", "link", "email", "path")
"""Suffixes of a reference that one side may have and the other not: `networkRef`, `networkUri`."""
_IDENTIFYING_PLURALS = ("ids", "names", "urls", "uris", "links", "emails", "paths")
_GROUPING = ("config", "configs", "configuration", "settings", "spec", "options", "policy", "info", "details")
"""Suffixes of a group of fields that one side may have and the other not."""
_UNITS = ("gb", "sec", "seconds")
"""Suffixes of numbers in the API that the author's name may lack: the unit is the API's."""
_EVERYBODYS = frozenset(
    (
        *("config", "options", "policy", "spec", "settings"),
        *("id", "key", "kind", "labels", "name", "path", "title", "type", "uri", "url", "value", "version"),
        *("description", "enable", "enabled", "expression", "filter", "mode", "priority", "state", "status"),
        *("count", "end", "max", "min", "size", "start", "unit"),
        *("location", "region", "zone"),
    )
)
"""Words that have a meaning only together with their parent's name."""
_SYNONYMS = (
    ("sec", "seconds"),
    ("secs", "seconds"),
    ("gb", "gib"),
    ("ip", "ip_address"),
    ("config", "configuration"),
    ("repo", "repository"),
    ("config", "settings"),
    ("ssl", "tls"),
    ("subnet", "subnetwork"),
)
"""Synonymous last words; numbers keep their unit."""


@lru_cache(maxsize=65536)
def plain(name: str) -> str:
    """The name without case and underscores: `IPProtocol`, `ipProtocol` and `ip_protocol` are equal."""
    return name.replace("_", "").lower()


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in camel or snake case, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


def _without_ref(parts: tuple[str, ...]) -> tuple[str, ...]:
    return parts[:-1] if len(parts) > 1 and parts[-1] in {"ref", "refs"} else parts


@lru_cache(maxsize=65536)
def spellings(name: str) -> tuple[str, ...]:
    """The plain names that are equivalent to the name: without `Ref`, in singular and plural."""
    parts = words(name)
    base = _without_ref(parts)
    many = parts[-1:] == ("refs",)
    names = [plain(name), "".join(base)]
    if base:
        head, last = "".join(base[:-1]), base[-1]
        numbers = [plural(last), singular(last)] if many else [singular(last), plural(last)]
        names += [head + word for word in numbers]
    return tuple(dict.fromkeys(names))


@lru_cache(maxsize=65536)
def conventional_names(name: str, kind: str) -> tuple[str, ...]:
    """The plain names that the tools' conventions derive, the most likely first.

    Args:
        name: As the author wrote it.
        kind: The kind of the author's value: `flag`, `scalar`, `group` or `list`.
    """
    parts = words(name)
    if not parts:
        return ()
    base = parts[:-1] if parts[-1] in {"ref", "refs"} and len(parts) > 1 else parts
    base = base[:-2] if base[-2:] == ("self", "link") and len(base) > 2 else base  # noqa: PLR2004 - and a word before
    names = chain.from_iterable(convention(base) for convention in _CONVENTIONS[kind])
    return tuple(dict.fromkeys(candidate for candidate in names if candidate))


def _counts(base: tuple[str, ...]) -> list[str]:
    """`numNodes` is `nodeCount`."""
    return ["".join((*base[1:-1], singular(base[-1]), "count"))] if base[0] == "num" and len(base) > 1 else []


def _identifiers(base: tuple[str, ...]) -> list[str]:
    """`network`, `networkName` and `networkUri` are equivalent."""
    shorter = ["".join(base[:-1])] if len(base) > 1 and base[-1] in _IDENTIFYING else []
    return [*shorter, *("".join(base) + ending for ending in _IDENTIFYING)]


def _lists_of_identifiers(base: tuple[str, ...]) -> list[str]:
    """`networks`, `networkNames` and `networkUris` are equivalent."""
    endings = (*_IDENTIFYING, *_IDENTIFYING_PLURALS)
    head = "".join(base[:-1])
    has_ending = len(base) > 1 and base[-1] in endings
    shorter = [head, "".join(base[:-2]) + plural(base[-2])] if has_ending else []
    return [*shorter, *(stem + ending for stem in ("".join(base), head + singular(base[-1])) for ending in endings)]


def _units(base: tuple[str, ...]) -> list[str]:
    """`timeout` may be `timeoutSec`."""
    return ["".join(base) + unit for unit in _UNITS]


def _groups(base: tuple[str, ...]) -> list[str]:
    """`backup` and `backupConfig` are equivalent."""
    has_ending = len(base) > 1 and base[-1] in _GROUPING
    shorter = ["".join(base[:-1]), "".join((*base[:-2], plural(base[-2])))] if has_ending else []
    return [*shorter, *("".join(base) + ending for ending in _GROUPING)]


def _flags(base: tuple[str, ...]) -> list[str]:
    """`enableX`, `xEnabled` and `x` are equivalent; so are `disableX` and `xDisabled`."""
    for word in ("enable", "disable"):
        switch = {word, word + "d"}
        rest = base[1:] if base[0] in switch else base[:-1] if base[-1] in switch else ()
        if rest:
            stem = "".join(rest)
            same = [stem + word + "d", stem + word, word + stem, word + "d" + stem]
            return [*same, stem] if word == "enable" else same
    stem = "".join(base)
    return ["enable" + stem, stem + "enabled", "is" + stem, "use" + stem] + (
        ["".join(base[1:])] if base[0] in {"is", "use", "has"} and len(base) > 1 else []
    )


def _synonyms(base: tuple[str, ...]) -> list[str]:
    head, last = "".join(base[:-1]), base[-1]
    names = []
    for pair in _SYNONYMS:
        first, other = (plain(word) for word in pair)
        if last == first:
            names.append(head + other)
        elif last == other:
            names.append(head + first)
    return names


_CONVENTIONS: Mapping[str, tuple[Callable[[tuple[str, ...]], list[str]], ...]] = {
    "flag": (_counts, _flags, _synonyms),
    "scalar": (_counts, _identifiers, _units, _synonyms),
    "list": (_counts, _lists_of_identifiers, _groups, _synonyms),
    "group": (_counts, _groups, _synonyms),
}
"""The conventions of tools by the kind of a value, the most likely first."""


@lru_cache(maxsize=65536)
def without_owner(name: str, owner: str) -> tuple[str, ...]:
    """The name without leading words that repeat its owner: a cluster's `clusterAutoscaling`."""
    parts, repeated = words(name), set(words(owner))
    names = []
    for count in range(1, len(parts)):
        if parts[count - 1] not in repeated:
            break
        names.append("".join(parts[count:]))
    return tuple(names)


@lru_cache(maxsize=65536)
def with_owner(name: str, owner: str) -> tuple[str, ...]:
    """The name prefixed with the words of its owner: an `AcceleratorConfig`'s `count` is `acceleratorCount`."""
    of = words(owner)
    return tuple("".join((*of[:count], plain(name))) for count in range(1, len(of) + 1))


@lru_cache(maxsize=65536)
def tails(name: str) -> tuple[str, ...]:
    """The plain names from the last words of a reference's name, the longest first.

    `backendServiceRef` is `service` in an API with one kind of target; the same with identifying suffixes.
    """
    parts = words(name)
    base = _without_ref(parts)
    names = ["source" + "".join(base)]  # a disk's `imageRef` is its source image
    for start in range(1, len(base)):
        stem = "".join(base[start:])
        names += [stem, *(stem + ending for ending in _IDENTIFYING)] if stem not in _IDENTIFYING else []
    return tuple(names)


def names_owner(name: str, owner: str) -> bool:
    """Whether a reference only repeats its owner: the `topicRef` of a `Topic` is its name."""
    stem = words(name)[:-1] if words(name)[-1:] == ("ref",) else words(name)
    return words(owner)[-len(stem) :] == stem


def is_specific(name: str) -> bool:
    """Whether a name is specific in any place; `enabled` and `name` are not."""
    parts = words(name)
    return len(parts) > 1 or parts[0] not in _EVERYBODYS
