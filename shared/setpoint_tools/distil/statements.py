"""Statements about absence, defaults and order in a field's description.

A discovery document has no optional fields, no wrappers and no ordered lists: only the text says that an absent field
differs from zero ("If unset, …"), what an absent field stands for ("Defaults to …"), and that a list has an order
("executed in the order specified"). A statement that depends on something else ("true for image versions prior to
3.1") is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_UNSET = (
    r"(?:unset|not (?:been )?set|absent|missing|omitted|unspecified"
    r"|not (?:explicitly )?(?:specified|provided|present|defined|supplied|given|included)"
    r"|left (?:empty|blank|unset|unspecified)|un(?:populated|defined))"
)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+\s*|(?<=[a-z])\s\*\s")
_DEFAULT = re.compile(
    r"\bdefaults? (?:(?:value|setting|behaviou?r|mode|type|is|will|should|be|set|for this field|when \w+|if \w+) )*"
    r"(?:is|to|as|of|be|=|:)(?: set to| be| the value| using)?(?=[\s:]*(?P<after>\S.*))"
    r"|\bdefaults?(?: value)?[:=]\s*(?=(?P<colon>\S.*))"
    r"|\b(?:is|are|it's) (?:assumed|considered|treated|interpreted) (?:to be|as)\s+(?=(?P<assumed>\S.*))"
    r"|\buses?\s+(?=(?P<used>\S+ as (?:the )?default))"
    r"|\b(?P<trailing>[`'\"]?\w+[`'\"]?) (?:is the default(?: value| setting)?\b|by default\b)"
    r"(?! (?:for|if|when|unless|in|on)\b)"
    r"|(?P<bracket>[`'\"]?\w+[`'\"]?) \(default\)"
    r"|\(default(?: is|:)? (?=(?P<inside>\S+?)\))",
    re.IGNORECASE | re.DOTALL,
)
_CONDITIONAL = re.compile(
    r"\s*[,(]?\s*(?:for|if|when|unless|while|only|in case|depending|and \w+ for)\b", re.IGNORECASE
)
_UNSET_CONDITION = re.compile(
    rf"\s*,?\s*(?:if|when|unless)\s+(?:[\w`.]+ ){{0,5}}?(?:is |are |it is |it's |field is )?"
    rf"(?:{_UNSET}|specified|set|empty)\b",
    re.IGNORECASE,
)
_CONDITIONED = re.compile(r"^(?:\W*)(?:for|when|on|in|with|while)\b", re.IGNORECASE)
_IF = re.compile(r"^(?:\W*)if\b", re.IGNORECASE)
_IF_UNSET = re.compile(rf"\bif\s+(?:[\w`.'-]+ ){{0,6}}?(?:{_UNSET}|empty|zero|0|not)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[`'\"]?(?P<number>-?(?!0\d)\d[\d,]*(?:\.\d+)?)(?P<unit>\s*[A-Za-z%µ]+)?")
_WORD = re.compile(r"[`'\"“]?(?:the )?(?P<word>[A-Za-z][\w.-]*)", re.IGNORECASE)
_QUOTED = re.compile(r"[`'\"“](?P<word>[^`'\"”\s]{1,60})[`'\"”]|(?P<constant>[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)*)\b")
_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
}
_TRUE = frozenset(("true", "enabled", "on", "yes"))
_FALSE = frozenset(("false", "disabled", "off", "no"))
_IN_SECONDS = re.compile(r"(?:sec|seconds|ttl|timeout|duration|period|interval)s?\Z", re.IGNORECASE)
_INTEGERS = frozenset(("integer", "int32", "int64", "uint32", "uint64"))
_NUMBERS = frozenset(("number", "float", "double"))

_DEPENDS: Any = object()
"""A default that depends on something else."""


def default(name: str, kind: str, text: str, enum: Mapping[str, str]) -> Any:
    """Return the value that an absent field stands for, as a text states it, or None.

    Args:
        name: The field's API name.
        kind: Its type word: `boolean`, `int64`, `duration`, `enum`, `string` …
        text: Its description.
        enum: The names of an enum, each with its description.
    """
    values = list(_stated(name, kind, text, enum))
    if kind == "enum":
        values += [value for value in enum if _DEFAULT_NAME.search(enum[value]) and not value.endswith("UNSPECIFIED")]
        values += _behind_unspecified(enum)
    values = [value for value in values if not str(value).endswith("UNSPECIFIED")]
    distinct = {repr(value): value for value in values}
    value = next(iter(distinct.values())) if len(distinct) == 1 else None
    return None if value is _DEPENDS else value


_DEFAULT_NAME = re.compile(
    r"^\W*default(?: value| setting| mode| behaviou?r)?\s*[.:)]|\(default(?: value)?\)"
    r"|\bthis is the default(?: value| setting)?\s*(?:\.|$)",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"(?:defaults? (?:value )?(?:to|is)|same (?:behaviou?r )?as|equivalent to|treated (?:the same )?as|equals"
    r"|interpreted as|considered)"
    r"\s+[`'\"]?(?:the )?(?P<name>[A-Z][A-Z0-9_]+)",
    re.IGNORECASE,
)


def _behind_unspecified(enum: Mapping[str, str]) -> Iterator[str]:
    """Yield the name that the description of `…_UNSPECIFIED` says it stands for."""
    for name, text in enum.items():
        if name.endswith("UNSPECIFIED"):
            for match in _BEHIND.finditer(text):
                if match["name"] in enum and match["name"] != name:
                    yield match["name"]


def _stated(name: str, kind: str, text: str, enum: Mapping[str, str]) -> Iterator[Any]:
    for sentence in _SENTENCE.split(text):
        if (
            _CONDITIONED.match(sentence)
            or (_IF.match(sentence) and not _IF_UNSET.search(sentence))
            or "otherwise" in sentence
        ):
            if _DEFAULT.search(sentence):
                yield _DEPENDS  # a default that depends on something: whatever else is said is not the whole of it
            continue
        for match in _DEFAULT.finditer(sentence):
            value, rest = _value(name, kind, next(filter(None, match.groups()), ""), enum)
            if value is None:
                continue
            if _CONDITIONAL.match(rest) and not _UNSET_CONDITION.match(rest):
                yield _DEPENDS
            else:
                yield value


def _value(name: str, kind: str, text: str, enum: Mapping[str, str]) -> tuple[Any, str]:
    """Read a value of a type at the beginning of a text; return it, or None, and what follows."""
    if kind in _INTEGERS or kind in _NUMBERS or kind == "duration":
        return _number(name, kind, text)
    if kind == "boolean":
        match = _WORD.match(text)
        word = match["word"].lower().rstrip(".") if match else ""
        if "isable" in name and word not in ("true", "false"):
            return None, ""
        value = True if word in _TRUE else False if word in _FALSE else None
        return value, text[match.end() :].lstrip("`'\"”.") if match else ""
    if kind == "enum":
        match = _WORD.match(text)
        word = match["word"].rstrip(".").rpartition(".")[2] if match else ""
        chosen = next(
            (value for value in enum if value in (word, word.upper()) or value.endswith("_" + word.upper())), None
        )
        return (chosen if word else None), text[match.end() :].lstrip("`'\"”") if match else ""
    if kind == "string":
        match = _QUOTED.match(text)
        word = (match["word"] or match["constant"]) if match else None
        return (word.rstrip(".,") if word else None), text[match.end() :] if match else ""
    return None, ""


def _number(name: str, kind: str, text: str) -> tuple[Any, str]:
    match = _NUMBER.match(text)
    if match is None:
        return None, ""
    number = float(match["number"].replace(",", ""))
    unit = (match["unit"] or "").strip().lower()
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    rest = text[match.end("unit" if seconds else "number") :].lstrip("`'\"”")
    if kind == "duration":
        if unit and not seconds and unit not in ("for", "if", "when"):
            return None, ""
        return f"{number * (seconds or 1):g}s", rest
    if seconds and seconds > 1:
        if not _IN_SECONDS.search(name):
            return None, ""
        number *= seconds
    return (int(number) if kind in _INTEGERS and number.is_integer() else number), rest


_ABSENCE = re.compile(
    rf"\b(?:if|when|unless)\s+(?:(?:[\w`.'-]+\s+){{0,4}}?(?:is|are|was)\s+|`?\w+`?\s+)?(?:{_UNSET})\b(?P<then>[^.]*)",
    re.IGNORECASE,
)
_ZERO_TOO = re.compile(
    rf"\b(?:{_UNSET}|empty),? \(?or (?:if )?(?:explicitly |the value )?(?:set to |is |equal to |equals )?"
    r"(?:0|zero|false|empty)\b"
    rf"|\b(?:{_UNSET}) \((?:0|zero)|\bif missing\b.{{0,2}}\)"
    rf"|\b(?:0|zero|false|empty) (?:or|and) (?:{_UNSET})|\bset to (?:0|zero) or (?:{_UNSET})"
    rf"|\b0 \((?:default|{_UNSET})\)",
    re.IGNORECASE,
)
_STANDS_FOR_ZERO = re.compile(
    r"\b(?:(?:default(?:s|ed|ing)?|default value)\b[^.,]{0,30}?\b"
    r"|(?:is|be) (?:assumed|considered|treated)[^.,]{0,20}?\b)"
    r"(?:0(?:\.0)?|zero|false|empty|disabled|no)\b",
    re.IGNORECASE,
)
_ZERO_MEANS = re.compile(
    r"\b(?:set(?:ting)? (?:\w+ ){0,3}to|a value of|value is|value|if|when it is|of) [`'\"]?(?:0|zero)\b[`'\"]?"
    r"|[`'\"]?\b(?:0|zero)[`'\"]? (?:means|disables|indicates|implies|denotes|is (?:valid|allowed))"
    r"|\[0,|\b(?:between|from) 0 (?:and|to)\b|\bless than 0\b"
    r"|\b(?:non-?negative|greater than or equal to (?:0|zero)|>= ?0)\b",
    re.IGNORECASE,
)
_FALSE_MATCHES = re.compile(r"\bfalse,? (?:(?:it|this condition|the condition) )?(?:only )?matches\b", re.IGNORECASE)
_PRESENCE_OF_MESSAGE = re.compile(
    rf"\bif\s+(?:(?:[\w`.'-]+\s+){{0,4}}?(?:is|are)\s+|`?\w+`?\s+)?(?:{_UNSET}|set|specified|present|provided)\b"
    r"|\b(?:presence|existence|absence) of this (?:field|message|block)\b"
    r"|\bsetting this (?:field )?(?:to|enables)\b|\bunset\b",
    re.IGNORECASE,
)
_WRAPPED = re.compile(
    r"needs? a wrapper|distinguish\w* between (?:a|the) (?:default|zero|unset)|explicitly set it\.", re.IGNORECASE
)


def has_presence(kind: str, text: str, stands_for: Any) -> bool:
    """Tell whether an absent field says something else than a zero, a false or an empty message.

    Args:
        kind: The field's type word.
        text: Its description.
        stands_for: What an absent field stands for, or None where nothing states it.
    """
    if kind == "message":
        return bool(_PRESENCE_OF_MESSAGE.search(text)) and not _STANDS_FOR_ZERO.search(text)
    if kind == "boolean":
        return stands_for is True or bool(_WRAPPED.search(text) or _FALSE_MATCHES.search(text) or _unlike_false(text))
    if kind in _INTEGERS or kind in _NUMBERS:
        if _ZERO_TOO.search(text) or stands_for == 0:
            return False
        absence = _ABSENCE.search(text)
        return bool(_ZERO_MEANS.search(text) and absence and not _STANDS_FOR_ZERO.search(absence["then"]))
    return False


def _unlike_false(text: str) -> bool:
    """Whether a text says what an absent boolean does, and it is not what a false one does."""
    return any(
        not _ZERO_TOO.search(text) and match["then"].strip(" ,:") and not _STANDS_FOR_ZERO.search(match["then"])
        for match in _ABSENCE.finditer(text)
        if re.search(r"\bfalse\b", text, re.IGNORECASE)
    )


_ORDERED = re.compile(
    # "executed in the order specified", "evaluated sequentially"
    r"\b(?:executed|applied|evaluated|processed|performed|run|tried|matched|considered|invoked|called|attempted|listed"
    r"|checked)\b[^.]{0,40}?\b(?:in (?:the )?(?:exact |same |given |specified )?(?:order|sequence)\b(?! (?:to|for)\b)"
    r"|sequentially|one after (?:the other|another)|in series)"
    # "in the order given", "in the order in which they appear"
    r"|\bin (?:the )?(?:exact )?order (?:specified|given|listed|provided"
    r"|of (?:appearance|preference|precedence|priority|execution)|(?:in which|that) (?:they|it) (?:are|is|appear)"
    r"|they (?:are|appear))"
    r"|\b(?:an? |the )?ordered,? (?:list|set|sequence|collection|labels|array)\b|\bset of ordered\b"
    # "the order is significant"
    r"|\border (?:\w+ ){0,8}?(?:is (?:significant|important|relevant|meaningful|preserved|respected)|matters|determines"
    r"|defines|will be honored)"
    # "the first match wins", "the first one is used"
    r"|\bfirst (?!attempt|matched against)(?:\w+ ){0,4}?(?:match(?:es|ing|ed)?|to match|that matches|triggered"
    r"|entry (?:is|before)|one (?:that )?(?:matches|in the list))\b"
    r"|\bfirst match(?:ing)?\b"
    r"|\bfirst (?:\w+ ){0,2}(?:is|will be) (?:used|selected|applied|preferred|chosen|the primary)\b"
    r"|\b(?:by|in|of) (?:decreasing|descending|ascending|increasing) (?:order|specificity|priority|preference)"
    r"|\b(?:an? |the )sequence of\b|\bsequential (?:list|steps|order)\b|\bstops? at the first\b|\bshort-circuit"
    r"|\border matters\b|\border is (?:important|significant)|\bprioriti[sz]ed list\b",
    re.IGNORECASE,
)
_UNORDERED = re.compile(
    r"\border (?:\w+ ){0,8}?(?:is|does|do|are|will|has|have)"
    r" (?:not|n't|no|ignored|irrelevant|undefined|unspecified|arbitrary)"
    r"|\border (?:\w+ ){0,4}?(?:doesn't|isn't|is ignored)|\bno (?:particular|specific|guaranteed) order\b|\bunordered\b"
    r"|\bregardless of (?:the )?order\b|\bany order\b|\blexicographic|\bsorted\b|\bnot (?:be )?(?:ordered|in order)\b"
    r"|\bin parallel\b",
    re.IGNORECASE,
)


def is_ordered(text: str) -> bool:
    """Tell whether a list's description says that the order of its elements has a meaning."""
    return bool(_ORDERED.search(text)) and not _UNORDERED.search(text)


_CONSTANT_WORD = re.compile(r"(?<![\w/{$.-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?![\w/}-]*[/}a-z])")
_QUOTED_WORD = re.compile(r"[`'\"]([A-Za-z][\w-]{1,40})[`'\"]")
_LISTED = re.compile(
    r"\b(?:one of|(?:valid|possible|supported|allowed|acceptable|available|permitted) (?:\w+ )?"
    r"(?:values?|options?|types?|modes?)"
    r"|values? (?:are|is|can be)|options are|can be (?:either|one)|must be (?:either|one)"
    r"|(?:either|specify) [`'\"])",
    re.IGNORECASE,
)
_SHORTEST_WORD = 3
_FEWEST_WORDS = 2


def words(text: str) -> list[str]:
    """Return the words that a text field takes, as its description lists them, in capitals."""
    if not _LISTED.search(text):
        return []
    listed = {word.upper().replace("-", "_") for word in (*_CONSTANT_WORD.findall(text), *_QUOTED_WORD.findall(text))}
    listed = {word for word in listed if len(word) >= _SHORTEST_WORD}
    return sorted(listed) if len(listed) >= _FEWEST_WORDS else []


_CLOCK = re.compile(r"\bHH:MM\b|\b24[- ]hour (?:time )?format\b", re.IGNORECASE)
_RECURRENCE = re.compile(r"\bRRULE\b|\bRFC ?5545\b|\bRFC ?2445\b", re.IGNORECASE)
_DOMAIN = re.compile(r"\b(?:fqdn|fully[- ]qualified domain name|dns name|domain name)s?\b", re.IGNORECASE)
_DOMAIN_NAMES = frozenset(
    ("domain", "domains", "dnsName", "domainName", "domainNames", "fqdn", "hostname", "hostnames")
)


def spelling(name: str, text: str) -> str:
    """Return the comparison that a text field asks for by what its description says it holds, or an empty string."""
    if _CLOCK.search(text):
        return "clock"
    if _RECURRENCE.search(text):
        return "recurrence"
    return "trailing-dot" if name in _DOMAIN_NAMES and _DOMAIN.search(text) else ""


_RESTRICTS = re.compile(
    rf"\bif\s+(?:[\w`.'-]+\s+){{0,4}}?(?:{_UNSET}|empty),?[^.]{{0,40}}?"
    r"\b(?:all|any|every|everything|unlimited|unrestricted)\b",
    re.IGNORECASE,
)


def restricts(text: str) -> bool:
    """Tell whether an absent field means all ("If empty, all clusters are eligible"), so that a set one restricts."""
    return bool(_RESTRICTS.search(text))


_NAME = r"[`'\"]?(?P<name>[A-Z][A-Z0-9_]*[A-Z0-9])[`'\"]?"
_SAME_AS = re.compile(
    r"(?:\bsame (?:value |meaning |behaviou?r )?as|\bequivalent to|\b(?:alias|synonym|alternate name) (?:of|for)"
    r"|\brenamed to"
    rf"|\b(?:replaced|superseded) by)\s+(?:the )?(?-i:{_NAME})",
    re.IGNORECASE,
)
_USE_INSTEAD = re.compile(rf"\W*deprecated[.:;,]?\s+(?:please )?use\s+(?-i:{_NAME})(?: instead)?\.?\s*", re.IGNORECASE)
_QUALIFIED = re.compile(r"\b(?:with the following|otherwise|except|but|plus)\b", re.IGNORECASE)


def renamed(enum: Mapping[str, str]) -> dict[str, str]:
    """Return the names of an enum that are older or other names of another, by what their descriptions say.

    Args:
        enum: The names, each with its description.
    """
    names: dict[str, str] = {}
    for name, text in enum.items():
        matches = list(_SAME_AS.finditer(text)) if not _QUALIFIED.search(text) else []
        if match := _USE_INSTEAD.fullmatch(text):
            matches.append(match)
        others = {match["name"] for match in matches} & enum.keys() - {name}
        other = others.pop() if len(others) == 1 else ""
        if other and not name.endswith("UNSPECIFIED") and not other.endswith("UNSPECIFIED"):
            names[name] = other
    return names


def described(names: Iterable[str], descriptions: Iterable[str]) -> dict[str, str]:
    """Return an enum's names with their descriptions; empty ones where a document has none."""
    names = list(names)
    texts = [*descriptions, *([""] * len(names))]
    return dict(zip(names, texts, strict=False))
