"""Whether a string names another resource, or is a secret: from the field's name and description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from setpoint_tools.distil.kinds import singular

if TYPE_CHECKING:
    from collections.abc import Container

# A first sentence, markers included, has this many characters at most; what follows speaks of other things as well.
_FIRST_SENTENCE = 140
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Links into documentation hold paths such as `/compute/docs/regions/` that say nothing of the value.
_DOC_LINK = re.compile(
    r"https?://(?:docs\.|cloud\.google|developers\.|support\.|github\.|en\.wiki|datatracker|tools\.ietf|www\.ietf)[^\s)\]]*"
)
_PATH = re.compile(
    r"(?<![\w.-])/{0,2}(?:[a-z]+\.googleapis\.com/)?"
    r"(?:projects|organizations|folders|billingAccounts|accessPolicies|tagKeys|tagValues)/(?:[{\[<$*:(`\"'/]|[\w-]+)"
)
_NAMED = re.compile(
    r"self[- _]?links?\b|\b(?:full|relative|qualified|partial|canonical) (?:resource )?(?:names?|urls?|uris?|paths?)\b"
    r"|\bresource (?:names?|urls?|uris?|paths?|links?)\b|\bserver-defined (?:fully[- ]qualified )?url\b"
    r"|\b(?:urls?|uris?) (?:of|for|to|referring to|referencing) (?:the|an?|this|all)? ?(?:[\w-]+ ){0,4}resources?\b"
    r"|\breference to (?:an?|the)\b|\b(?:url|uri) refer(?:ring|ence) to\b|\blicense uri\b",
    re.IGNORECASE,
)
# Backup and DR describes Compute's own messages, in Compute's words.
_COMPUTE_LIKE = frozenset({"compute", "backupdr"})
# Compute speaks of every other resource by its "URL".
_COMPUTE_URL = re.compile(
    r"\b(?:urls?|uris?) (?:of|for|to|pointing to|that|where|referencing|referring to|reference to)\b"
    r"|\b(?:partial|full|fully[- ]qualified|valid|resource) ?(?:or full )?urls?\b"
    r"|\bspecified as (?:a )?(?:full|partial) urls?\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"cloud storage|\bgs://|container (?:image|registry)|docker|redirect|callback"
    r"|website|web page|git repo|icon|logo|\bcel\b"
    r"|url path|url mask|rewrite|regular expression|\bfqdn\b",
    re.IGNORECASE,
)
# An address that is called names no resource: its host, version and path count.
_CALLED = re.compile(
    r"requests? (?:\w+ ){0,2}(?:be |are |is )?sent to|\bwill call\b|upstream remote repository"
    r"|\b(?:begin|start) with (?:either )?[`'\"]?https?://"
    r"|\bexample: [`'\"]?https://(?![a-z-]*\.?googleapis\.com)",
    re.IGNORECASE,
)
_FORM = re.compile(r"\b(?:of the form|form|format)s?\b[^.]{0,40}?projects/", re.IGNORECASE)
_NO_REFERENCE = frozenset(
    [
        "annotation",
        "annotations",
        "condition",
        "content",
        "comment",
        "cursor",
        "data",
        "description",
        "dir",
        "display",
        "domain",
        "duration",
        "email",
        "etag",
        "expression",
        "filter",
        "fingerprint",
        "format",
        "host",
        "hostname",
        "hosts",
        "html",
        "json",
        "kind",
        "label",
        "labels",
        "mask",
        "message",
        "metadata",
        "number",
        "order",
        "path",
        "paths",
        "pattern",
        "query",
        "reason",
        "regex",
        "role",
        "runtime",
        "script",
        "selector",
        "series",
        "sql",
        "status",
        "summary",
        "text",
        "tier",
        "title",
        "token",
        "username",
        "value",
        "version",
    ]
)
_REFERENCE_NAMES = frozenset(
    {"network", "subnetwork", "selflink", "kmskeyname", "kmskey", "cryptokeyname", "cryptokey"}
)


def words(name: str) -> list[str]:
    """Split an API name into its lower-case words: `rsaEncryptedKey` is `rsa`, `encrypted`, `key`."""
    return [word.lower() for word in _WORD.findall(name)]


def is_own_name(text: str) -> bool:
    """Tell whether a resource's `name` is what names it, and not what people are shown."""
    return not re.search(r"\b(?:display|human|descriptive|friendly|user-assigned)", text, re.IGNORECASE)


def is_reference(service: str, name: str, text: str, kinds: Container[str] = ()) -> bool:
    """Tell whether a string field may name another resource (or its own), in any spelling.

    Args:
        service: The API, as `compute`.
        name: The field's API name.
        text: Its description.
        kinds: The API's own kinds of resources, in lower case: a string called `firewallEndpoint` names one.
    """
    parts = words(name)
    if not parts or parts[-1] in _NO_REFERENCE:
        return False
    if name.lower() in _REFERENCE_NAMES or singular(name).lower() in kinds:
        return True
    return _names_resource(service, parts, _DOC_LINK.sub("", text))


def _names_resource(service: str, parts: list[str], text: str) -> bool:
    """Tell whether a description says that a string names a resource."""
    if _CALLED.search(text) and not _FORM.search(text):
        return False
    if _PATH.search(text):
        return True
    if _ELSEWHERE.search(text[:_FIRST_SENTENCE]) or parts[-1] in {"id", "ids"}:
        return False
    if service in _COMPUTE_LIKE and _COMPUTE_URL.search(text):
        return True
    return parts[-1] not in {"type", "types"} and bool(_NAMED.search(text))


_SECRET_ENDS = (
    ("password",),
    ("passwords",),
    ("passwd",),
    ("passphrase",),
    ("passcode",),
    ("pfx",),
    ("secret",),
    ("secrets",),
    ("psk",),
    ("keytab",),
    ("private", "key"),
    ("private", "keys"),
    ("private", "key", "data"),
    ("private", "key", "pem"),
    ("secret", "key"),
    ("secret", "value"),
    ("secret", "data"),
    ("secret", "text"),
    ("shared", "key"),
    ("raw", "key"),
    ("encrypted", "key"),
    ("access", "key"),
    ("hmac", "key"),
    ("api", "key"),
    ("api", "keys"),
    ("key", "string"),
    ("auth", "string"),
    ("auth", "token"),
    ("access", "token"),
    ("refresh", "token"),
    ("bearer", "token"),
    ("oauth", "token"),
    ("session", "token"),
    ("security", "token"),
    ("activation", "token"),
    ("registration", "token"),
    ("bot", "token"),
    ("identity", "token"),
    ("sas", "token"),
    ("authorization", "code"),
    ("sensitive", "labels"),
)
_TOKEN_TEXT = re.compile(r"\b(?:auth\w*|access|bearer|credential|secret|oauth|password|personal)\b", re.IGNORECASE)
_KEY_TEXT = re.compile(
    r"\bprivate key\b|\bsecret key\b|\bshared (?:secret|key)\b|\bhmac key\b"
    r"|\bencryption key represented\b|\bsigning the url\b",
    re.IGNORECASE,
)
_KEY_NAMED_ELSEWHERE = re.compile(
    r"\b(?:corresponding|associated|with|of|for|by) (?:the |its |a |this )?private key\b", re.IGNORECASE
)
# What only says where the secret is kept is no secret.
_KEPT_ELSEWHERE = re.compile(
    r"secret ?manager|resource name|\bname of (?:the|a) (?:kubernetes )?secret|\bsecret name\b"
    r"|projects/|kms key|\b(?:url|uri) (?:of|for|to)\b",
    re.IGNORECASE,
)


def is_sensitive(name: str, text: str) -> bool:
    """Tell whether a string, or the strings of a list or map, are secret: to be masked wherever they are shown.

    Args:
        name: The field's API name.
        text: Its description.
    """
    parts = tuple(words(name))
    if "secretversion" in "".join(parts):
        return False
    ends = any(parts[-len(end) :] == end for end in _SECRET_ENDS)
    if not ends and parts == ("token",):
        ends = bool(_TOKEN_TEXT.search(text))
    if not ends and parts and (parts[-1] in {"key", "pem"} or parts[-2:] in {("key", "file"), ("key", "value")}):
        ends = bool(_KEY_TEXT.search(text)) and not _KEY_NAMED_ELSEWHERE.search(text)
    return ends and not _KEPT_ELSEWHERE.search(_DOC_LINK.sub("", text)[:_FIRST_SENTENCE])
