"""Published formats of tokens and keys, which are masked in all output: values, keys, names, reasons and logs.

The table follows the rules of two maintained scanners; it is a table here so that a function loads it quickly. Sources:
https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml,
https://github.com/Yelp/detect-secrets/tree/master/detect_secrets/plugins, and the vendors' pages that these name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

SCRUBBED = "(hidden)"
"""The replacement of a token or key in a text."""

_FORMATS: tuple[tuple[str, str, str], ...] = (
    # Vendor, a text that every such token contains, the pattern of the token.
    (
        "private key",
        "-----BEGIN",
        # A key ends where the next one begins: looking further would look at each character once for each key.
        (
            r"-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY(?:(?!-----BEGIN)[\s\S]){0,20000}?"
            r"(?:-----END[^-]{0,60}-----|(?=-----BEGIN)|\Z)"
        ),
    ),
    ("age", "AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    ("Google API key", "AIza", r"\bAIza[\w-]{30,}"),
    ("Google OAuth token", "ya29.", r"\bya29\.[\w.-]{16,}"),
    ("Google OAuth refresh token", "1//", r"\b1//0[\w-]{20,}"),
    ("Google OAuth client secret", "GOCSPX-", r"\bGOCSPX-[\w-]{16,}"),
    ("Google HMAC key", "GOOG", r"\bGOOG1?[A-Z0-9]{20,}"),
    ("GitHub", "gh", r"\bgh[pousr]_\w{16,}"),
    ("GitHub", "github_pat_", r"\bgithub_pat_\w{16,}"),
    ("GitLab", "gl", r"\bgl(?:pat|ptt|rt|dt|cbt|ft|imt|agent|oas|soat|ffct)-[\w.-]{16,}"),
    ("Slack", "xox", r"\bxox[abeoprs](?:\.xox[bp])?-[\w-]{8,}"),
    ("Slack", "xapp-", r"\bxapp-\d-[\w-]{8,}"),
    ("Slack", "slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{8,}"),
    ("Discord", "discord", r"discord(?:app)?\.com/api/webhooks/[\w/-]{8,}"),
    ("Microsoft Teams", "webhook.office.com", r"[\w-]{1,60}\.webhook\.office\.com/[\w@/-]{8,}"),
    ("Telegram", ":AA", r"\b\d{8,10}:AA[\w-]{30,}"),
    ("Amazon", "A", r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z2-7]{16}\b"),
    ("Azure", "AccountKey=", r"AccountKey=[\w+/=]{8,}"),
    ("Azure", "SharedAccessKey=", r"SharedAccessKey=[\w+/=]{8,}"),
    ("Azure", "sig=", r"(?<=[?&]sig=)[\w%+/=-]{16,}"),
    ("Azure AD", "8Q~", r"[\w~.-]{3}8Q~[\w~.-]{31,34}"),
    ("Stripe", "k_", r"\b(?:sk|rk)_(?:live|test|prod)_\w{10,}"),
    ("Stripe", "whsec_", r"\bwhsec_\w{16,}"),
    ("SendGrid", "SG.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("Mailgun", "key-", r"\bkey-[0-9a-f]{32}\b"),
    ("Mailchimp", "-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    ("Twilio", "SK", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    ("Twilio", "AC", r"\bAC[0-9a-f]{32}\b"),
    ("Square", "sq0", r"\bsq0(?:atp|csp|idp)-[\w-]{20,}"),
    ("PayPal", "access_token$", r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("Shopify", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{20,}"),
    ("npm", "npm_", r"\bnpm_\w{20,}"),
    ("PyPI", "pypi-", r"\bpypi-[\w-]{16,}"),
    ("RubyGems", "rubygems_", r"\brubygems_[0-9a-f]{20,}"),
    ("crates.io", "cio", r"\bcio\w{32}\b"),
    ("Docker Hub", "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{16,}"),
    ("DigitalOcean", "do", r"\bdo[oprt]_v1_[0-9a-f]{20,}"),
    ("Heroku", "HRKU-", r"\bHRKU-[\w-]{16,}"),
    ("HashiCorp Vault", "hv", r"\bhv[bsr]\.[\w-]{16,}"),
    ("HashiCorp Vault", "s.", r"\bs\.[A-Za-z0-9]{24}\b"),
    ("HCP Terraform", ".atlasv1.", r"\b\w{14}\.atlasv1\.[\w-]{40,}"),
    ("Pulumi", "pul-", r"\bpul-[0-9a-f]{40}\b"),
    ("Databricks", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    ("Grafana", "gl", r"\bgl(?:c|sa)_[\w+/=]{20,}"),
    ("New Relic", "NR", r"\bNR(?:AK|JS|II|RA)-[\w-]{16,}"),
    ("Datadog", "ddp_", r"\bddp_\w{20,}"),
    ("Sentry", "sntry", r"\bsntry[su]_[\w=+/.-]{20,}"),
    ("Dynatrace", "dt0c01.", r"\bdt0c01\.[A-Z0-9]{20,}\.[A-Z0-9]{40,}"),
    ("PagerDuty", "pdu", r"\bpdu[sk]\+\w{16,}"),
    ("Atlassian", "ATATT", r"\bATATT[\w=-]{20,}"),
    ("Atlassian", "ATCTT", r"\bATCTT[\w=-]{20,}"),
    ("Bitbucket", "ATBB", r"\bATBB\w{20,}"),
    ("Linear", "lin_api_", r"\blin_api_\w{20,}"),
    ("Notion", "ntn_", r"\bntn_\w{20,}"),
    ("Figma", "figd_", r"\bfigd_[\w-]{20,}"),
    ("Postman", "PMAK-", r"\bPMAK-[\w-]{20,}"),
    ("Okta", "SSWS", r"\bSSWS\s{1,3}00[\w-]{20,}"),
    ("OpenAI or Anthropic", "sk-", r"\bsk-(?:ant-|proj-|svcacct-|admin-)?[\w-]{16,}"),
    ("Hugging Face", "hf_", r"\bhf_[A-Za-z]{20,}"),
    ("Replicate", "r8_", r"\br8_\w{20,}"),
    ("Artifactory", "AKC", r"\bAKC[a-zA-Z0-9]{20,}"),
    ("JSON web token", "eyJ", r"(?<![\w-])eyJ[\w-]{5,4000}\.eyJ[\w-]{5,8000}(?:\.[\w-]{0,4000})?"),
    ("password hash", "$", r"\$(?:2[abxy]?|5|6|y|1|apr1|argon2(?:i|d|id))\$[\w./$,=+-]{16,}"),
)
"""A format is searched only in texts with its mark; most values have none."""

_SHORTEST = 13
_RUN = re.compile(r"[\w-]{13}|[$~=]|-----")
"""A text without any of these contains no known format."""
_BY_MARK = tuple((mark, re.compile(pattern)) for _, mark, pattern in _FORMATS)

# Patterns of secrets in running text: an assignment, a member of JSON or YAML, a header, an option, a URL.
_WORD = (
    r"(?:[\w.-]{0,40}(?:password|passwd|passphrase|pass|pwd|pw|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|private[_-]?key|client[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?|dsn)[\w.-]{0,12})"
)
_ASSIGNED = r"""(?:"([^"]+)"|'([^']+)'|([^\s"'&;,$][^\s"'&;,]*))"""
_MAPPED = r"""(?:"([^"]+)"|'([^']+)'|([^\s"'{\[$][^\s"',}]*))"""
_OPTIONS = r"(--?(?:[\w-]{0,30}(?:password|passwd|passphrase|secret|token|api-?key|access-?key))\s{1,3})([^\s-]\S*)"
_SCHEMES = r"(?:(?:basic|bearer|digest|token|apikey|ssws)\s{1,3})?"
_PARAMETERS = r"([?&](?:key|sig|signature|code|auth|access_token|x-goog-signature|x-amz-signature)=)([^&\s#]{6,})"
_SHORT_OPTION = r"\b[^\n|;&]{0,200}?\s-[paw]\s{0,3})([^\s-]\S*)"
"""`-p`, `-a` or `-w` of a tool that takes its password so; the tool stands before it."""
_SIGN = re.compile("[=: @<%]")
_WORDS = ("pass", "pw", "secret", "token", "key", "credential", "dsn")
"""One of these is in each `_WORD`, and in each option."""
_NAMED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("=", re.compile(rf"""(?i)\b({_WORD}["']?\s{{0,3}}=\s{{0,3}}){_ASSIGNED}""")),
    (":", re.compile(rf"""(?i)(["']?\b{_WORD}["']?\s{{0,3}}:\s{{1,3}}){_MAPPED}""")),
    ('":', re.compile(rf"""(?i)(["']{_WORD}["']\s{{0,3}}:\s{{0,3}})["']([^"']+)["']""")),
    ("-", re.compile(f"(?i){_OPTIONS}")),
    ("</", re.compile(rf"(?i)(<{_WORD}>)([^<]+)(?=</)")),
    ("%3d", re.compile(rf"(?i)({_WORD}%3d)([^\s&\"'<>]+)")),
    ("password ", re.compile(r"(?i)(\bpassword\s{1,3}['\"])([^'\"]+)")),
    (
        "password ",
        re.compile(r"(?i)(\bmachine\s{1,3}\S{1,200}\s{1,3}login\s{1,3}\S{1,100}\s{1,3}password\s{1,3})(\S+)"),
    ),
    (
        " ",
        re.compile(
            r"(?i)(\b(?:password|passwd|passphrase|pwd|pw|secret|token|key)\s{1,3}(?:is|was|to|=>|->)\s{1,3})"
            r"((?=[^\s\d]{0,100}\d)(?!\d+[a-z]{0,8}\b)[^\s'\"`(]{6,})"
        ),
    ),
)
"""What has a name that says so; looked for where one of the words is, since these are the slow ones."""
_MARKED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("authorization", re.compile(rf"(?i)(\b(?:proxy-)?authorization\s{{0,3}}[:=]\s{{0,3}}{_SCHEMES})(\S+)")),
    ("earer", re.compile(r"(\b[Bb]earer\s{1,3})([\w.~+/=-]{8,})")),
    ("asic", re.compile(r"(\b[Bb]asic\s{1,3})([A-Za-z0-9+/]{12,}={0,2})")),
    ("x-", re.compile(r"(?i)(\bx-(?:[\w-]{0,30})(?:key|token|secret|auth)\s{0,3}[:=]\s{0,3})(\S+)")),
    ("://", re.compile(r"(://[^/\s:@]{0,100}:)([^/\s@]{1,400})(?=@)")),
    ("@", re.compile(r"(\b[\w.-]{1,60}:)([^\s@:/]{3,200})(?=@(?:tcp|udp|unix)\()")),
    ("cookie:", re.compile(r"(?i)(\b(?:set-)?cookie:\s{0,3}[\w.-]{1,60}=)([^\s;]+)")),
    ("mysql", re.compile(rf"(?i)(\bmysql\w{{0,20}}{_SHORT_OPTION}")),
    ("sshpass", re.compile(rf"(?i)(\bsshpass{_SHORT_OPTION}")),
    ("docker login", re.compile(rf"(?i)(\bdocker login{_SHORT_OPTION}")),
    ("redis-cli", re.compile(rf"(?i)(\bredis-cli{_SHORT_OPTION}")),
    ("ldap", re.compile(rf"(?i)(\bldap\w{{3,10}}{_SHORT_OPTION}")),
    ("-u", re.compile(r"(\s-u\s{0,2}[^\s:]{1,60}:)(\S+)")),
    ("identified by", re.compile(r"(?i)(identified\s{1,3}(?:with\s\w{1,40}\s)?by\s{1,3})(\S+)")),
    ("?", re.compile(f"(?i){_PARAMETERS}")),
    ("&", re.compile(f"(?i){_PARAMETERS}")),
)
_REFERENCE = re.compile(r"(?:\$|%|\{\{|<|projects/|sm://|gcp:///|vault:|(?:true|false|null|none|required|optional)\Z)")
"""A reference to a secret, or a placeholder for one."""
_LIMIT = 20_000


def holds_known(text: str) -> bool:
    """Whether a text contains a token or key of a published format."""
    return _known_of_short(text) if len(text) <= _SHORT else _holds_known(text)


def _holds_known(text: str) -> bool:
    if len(text) < _SHORTEST or not _RUN.search(text):
        return False
    for mark, pattern in _BY_MARK:  # noqa: SIM110 - a loop is faster, and this runs for every shown value
        if mark in text and pattern.search(text):
            return True
    return False


def holds_secret(text: str) -> bool:
    """Whether a text contains a token or key of a published format, or marks a part of it as a secret."""
    return _of_short(text) if len(text) <= _SHORT else _holds_secret(text[:_LIMIT])


def _holds_secret(text: str) -> bool:
    if _holds_known(text):
        return True
    if not _SIGN.search(text):
        return False
    return any(
        not _REFERENCE.match(_stated_value(match)) for pattern in _stated(text) for match in pattern.finditer(text)
    )


def _stated(text: str) -> Iterator[re.Pattern[str]]:
    """The patterns of what is said to be a secret that a text may have a match of."""
    lower = text.lower() if text.isascii() else text.casefold()  # an expression takes a long s for an s
    if any(map(lower.__contains__, _WORDS)):
        for mark, pattern in _NAMED:
            if mark in lower:
                yield pattern
    for mark, pattern in _MARKED:
        if mark in lower:
            yield pattern


_SHORT = 100
_known_of_short = lru_cache(maxsize=8192)(_holds_known)
_of_short = lru_cache(maxsize=8192)(_holds_secret)
"""Cached, since a fleet repeats the same names, places and types."""


def _stated_value(match: re.Match[str]) -> str:
    return next(filter(None, match.groups()[1:]), "$")


def scrub(text: str) -> str:
    """Replace every token, key and marked secret in a text."""
    if holds_known(text):
        for mark, pattern in _BY_MARK:
            if mark in text:
                text = pattern.sub(SCRUBBED, text)
    if not _SIGN.search(text):
        return text
    for pattern in _stated(text):
        text = pattern.sub(_scrubbed, text)
    return text


def _scrubbed(match: re.Match[str]) -> str:
    value = _stated_value(match)
    return match[0] if _REFERENCE.match(value) or value.startswith("(hidden") else match[1] + SCRUBBED
