"""Which values are secrets and must be masked: by field name, or by format.

One vocabulary for people's own words (environment variables, metadata, labels, keys of free-form objects) and for
the fields of a schema. What replaces a secret is decided elsewhere; this module only recognises one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from setpoint.catalog.words import words as words_of

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field


_SECRETS = frozenset(
    (
        *("password", "passwords", "passwd", "passphrase", "passphrases", "passcode"),
        *("secret", "secrets", "token", "tokens", "credential", "credentials", "creds"),
    )
)
"""Words that make a name a secret's wherever they stand in it, unless what follows is only about the secret."""

_SECRETS_AT_THE_END = frozenset(("pwd", "pass", "authorization", "dsn", "psk", "keytab"))
_RUN_TOGETHER = re.compile(
    r"(?:password|passwd|passphrase|secret|credentials?|(?:api|private|secret|shared|encryption)keys?"
    r"|(?:access|auth|bearer|refresh|session|api)token|connectionstring|userdata)\Z"
)
_KEYS = frozenset(
    (
        *("access", "account", "api", "auth", "client", "consumer", "encryption", "hmac", "integration", "master"),
        *("private", "routing", "secret", "service", "session", "shared", "signing"),
    )
)
"""Whose `key` is a secret; a `key` alone is none."""

_PHRASES = frozenset(
    (
        ("auth", "string"),
        ("connection", "string"),
        ("connection", "strings"),
        ("key", "string"),
        ("service", "account", "json"),
        ("webhook", "url"),
        ("script", "url"),
        # Instance metadata that people put secrets into: https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
        ("startup", "script"),
        ("shutdown", "script"),
        ("specialize", "script"),
        ("user", "data"),
        ("kube", "env"),
        ("container", "declaration"),
    )
)
_ADDRESSES = frozenset(("url", "uri", "dsn", "connection"))
_WITH_A_PASSWORD = frozenset(
    (
        *("amqp", "broker", "database", "databases", "db", "jdbc", "mongo", "mongodb", "mysql", "pg", "postgres"),
        *("postgresql", "rabbitmq", "redis", "sqlalchemy"),
    )
)
"""Whose address holds a password more often than not: ``DATABASE_URL``."""

_DECORATIONS = frozenset(
    (
        *("base", "base64", "b64", "bat", "cmd", "content", "current", "data", "dev", "json", "new", "old", "pem"),
        *("plaintext", "previous", "primary", "prod", "ps", "raw", "secondary", "staging", "test", "text"),
        *("value", "values"),
    )
)
"""Words after a secret's name that leave it one: ``PRIVATE_KEY_PEM``, ``windows-startup-script-ps1``."""

_ABOUT = frozenset(
    (
        *("accessor", "algorithm", "audience", "bucket", "class", "count", "creator", "delimiter", "dir", "directory"),
        *("disabled", "enabled", "endpoint", "env", "envs", "expiration", "expires", "expiry", "field", "file"),
        *("format", "hash", "header", "id", "ids", "info", "issuer", "kind", "length", "lifetime", "limit", "location"),
        *("manager", "management", "max", "maximum", "min", "minimum", "mode", "mount", "name", "names", "options"),
        *("path", "paths", "per", "period", "policies", "policy", "project", "provider", "ref", "reference"),
        *("references", "refs", "required", "resource", "review", "rotation", "scope", "scopes", "settings", "site"),
        *("size", "state", "status", "store", "template", "time", "timeout", "ttl", "type", "types", "uri", "url"),
        *("username", "validation", "variable", "variables", "version", "versions", "volume", "volumes"),
    )
)
"""Words after a secret's name that speak of it and do not hold it: ``secretVersion``, ``tokenLifetime``."""

_OPEN = frozenset(("public", "kms", "cmek"))
_TOKENS = frozenset(("token", "tokens"))
_NO_CREDENTIAL = frozenset(
    (
        *("continuation", "context", "end", "execution", "import", "input", "lock", "max", "min", "next", "output"),
        *("page", "restore", "resume", "separator", "source", "stop", "sync", "total", "trace"),
    )
)
"""Whose token opens nothing: that of a page, or of a language model."""

_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
    r"|\bAIza[\w-]{35}|\bya29\.[\w-]{20}"  # Google's
    r"|\bgh[pousr]_\w{36}|\bgithub_pat_\w{20}|\bglpat-[\w-]{20}"  # GitHub's and GitLab's
    r"|\bxox[abeprs]-[\w-]{10}|hooks\.slack\.com/services/T"  # Slack's
    r"|\bA(?:KI|SI)A[0-9A-Z]{16}|\bsk_live_\w{10}"  # Amazon's and Stripe's
    r"|\beyJ[\w-]{5,2000}\.eyJ[\w-]{5,2000}\."  # a JSON web token
)
_KEY_MARKS = ("AIza", "ya29.", "gh", "glpat-", "xox", "slack", "KIA", "SIA", "sk_live_", "eyJ", "-----")
"""Without one of these no value is such a key; looking for them is the faster question."""
_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SET = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "private_key",
)
# The sign comes first, which is the fastest to look for; what it belongs to stands before it.
_SETTING = re.compile("=(?:" + "|".join(f"(?<={word}=)" for word in _SET) + r""")["']?[^\s"'=$&]""")
"""``--password=…``, in lower case."""
_MEMBER = re.compile(
    """["'](?:""" + "|".join(f"""(?<={word}["'])""" for word in _SET) + r""")\s{0,9}:\s{0,9}["'][^\s"']"""
)
"""``"token": "…"``, in lower case."""
_HEADER = re.compile(r"authorization:\s{0,9}(?:basic|bearer)\s{1,9}\S")
_SHORTEST_KEY = 20
_LOOKED_AT = 20_000
"""Of a longer text only the beginning is looked at, and nothing but its size is ever shown."""


@lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether what goes by this name is a secret: a person's own word, or a field that no schema describes."""
    words = words_of(name)
    if not _OPEN.isdisjoint(words) or "secretversion" in "".join(words):
        return False
    return _has_a_secret(words) or _ends_as_a_secret(words)


def _has_a_secret(words: tuple[str, ...]) -> bool:
    for position, word in enumerate(words):
        if word in _TOKENS and position and words[position - 1] in _NO_CREDENTIAL:
            return False
        if word in _SECRETS:
            return _ABOUT.isdisjoint(words[position + 1 :])
    return False


def _ends_as_a_secret(words: tuple[str, ...]) -> bool:
    while words:
        last = words[-1]
        if last in _SECRETS_AT_THE_END or _RUN_TOGETHER.search(last) or words[-2:] in _PHRASES:
            return True
        if words[-3:] in _PHRASES or (last in ("key", "keys") and not _KEYS.isdisjoint(words[-2:-1])):
            return True
        if last in _ADDRESSES and not _WITH_A_PASSWORD.isdisjoint(words[-2:-1]):
            return True
        if last not in _DECORATIONS and not last.isdigit():
            return False
        words = words[:-1]
    return False


_NONE_IN_A_SCHEMA = frozenset(
    (
        *("agentAuthorization", "authorization"),  # resources that authorize
        *("authKey", "consumerKey"),  # identifiers
        *("controlPlaneDiskEncryptionKey", "encryptionKey"),  # the names of keys in Cloud KMS
        *("databaseURL", "realtimeDatabaseUrl"),  # Firebase's, which clients know
        *("pacemakerClusterSecret", "secret", "secretManagerSecret", "sqlPacemakerSecret"),  # names in Secret Manager
        *("postStartupScript", "postStartupScriptUrl"),  # where the script is kept
        *("recommendationToken",),  # of an answer, to report what was clicked
    )
)
"""Fields that have a secret's name, and of which a schema that does not mark them means something else."""


@lru_cache(maxsize=4096)
def is_secret(field: Field) -> bool:
    """Whether the catalogue calls a field a secret, or names a plain string as secrets are named."""
    if field.sensitive:
        return True
    if field.type != "string" or field.format or field.reference or field.name in _NONE_IN_A_SCHEMA:
        return False
    return names_a_secret(field.name)


def looks_secret(value: Any) -> bool:
    """Whether a value is a secret, or holds one, whatever it is called."""
    if not isinstance(value, str) or (len(value) < _SHORTEST_KEY and value.isalnum()):
        return False
    if len(value) >= _SHORTEST_KEY:
        value = value[:_LOOKED_AT]
        for mark in _KEY_MARKS:
            if mark in value:
                if _KEY.search(value):
                    return True
                break
    if "=" in value and _SETTING.search(value.lower()):
        return True
    if ":" not in value:
        return False
    return bool(_ADDRESS.search(value) or _MEMBER.search(lower := value.lower()) or _HEADER.search(lower))


def is_option(argument: Any) -> bool:
    """Whether a word of a command line says that a secret follows: ``--password``."""
    if not isinstance(argument, str) or argument[:1] != "-":
        return False
    return "=" not in argument and names_a_secret(argument)


_WITHHELD = re.compile(
    r"(password|passwd|secret|private_?key|shared_?key|auth_?string|api_?key|(access|auth|bearer|api)_?token|credential"
    r"|startup_?script|connection_?string|webhook_?url)s?(_?(value|url|data|base64))?\Z",
    re.IGNORECASE,
)


def may_be_withheld(name: str) -> bool:
    """Whether an API may take the field and not return it, without a schema: narrower than what is masked."""
    return _WITHHELD.search(name.replace("-", "_").replace(".", "_")) is not None
