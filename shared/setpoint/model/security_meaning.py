"""What a change of a field would change, where that matters to security, and how severe an undeclared change is.

A field is judged by its name and by the names of what holds it, in camelCase or snake_case. The table errs towards
mattering: a field that is watched in vain costs a comparison, a field that is not watched may cost a breach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from msgspec import UNSET

_FIELDS: Mapping[str, str] = {
    "who may reach it": "sourceRanges destinationRanges sourceTags targetTags authorizedNetworks allowedIps"
    " masterAuthorizedNetworksConfig masterAuthorizedNetworks ingress ingressSettings egressSettings allowed denied"
    " allow deny securityPolicy edgeSecurityPolicy firewallPolicy networkFirewallPolicy networkPolicy ipConfiguration",
    "whether the public reaches it": "publicAccessPrevention uniformBucketLevelAccess ipv4Enabled publicIp natIP"
    " publiclyAccessible privateClusterConfig enablePrivateNodes enablePrivateEndpoint privateNodes privateEndpoint"
    " predefinedAcl acl defaultObjectAcl",
    "who is granted what": "members member bindings binding iamMember identities access roles accessLevels perimeters"
    " restrictedServices resources ingressPolicies egressPolicies allowedServices allowedValues deniedValues enforce",
    "which key encrypts it": "kmsKeyName kmsKey kmsKeySelfLink cryptoKey cryptoKeyName defaultKmsKeyName encryption"
    " encryptionConfig encryptionConfiguration encryptionSpec databaseEncryption diskEncryptionKey bootDiskKmsKey"
    " customerManagedEncryption rotationPeriod",
    "how it is guarded on the wire": "sslMode requireSsl sslPolicy sslPolicies minTlsVersion minTlsProfile tlsPolicy"
    " serverTlsPolicy clientTlsPolicy transitEncryptionMode requireTls tlsMode",
    "who is authenticated": "iap authEnabled authorizationMode authorizationConfig binaryAuthorization"
    " workloadIdentityConfig oidcConfig attributeCondition oauthScopes scopes",
    "whether it starts as it was built": "shieldedInstanceConfig shieldedNodes confidentialInstanceConfig"
    " confidentialNodes enableSecureBoot enableIntegrityMonitoring enableVtpm",
}
"""Names of fields that matter to security, by what a change of them would change."""

_WORDS: tuple[tuple[str, str], ...] = (
    # Meaning, pattern of a name without underscores and in lower case.
    (
        "who may reach it",
        (
            r"network|subnet|peering|vpc|firewall|ingress|egress|allowlist|whitelist|allowedip|iprange|ipaccess|cidr"
            r"|accessconfig|ipforward|endpoint|loadbalancing|router|\bports?\b|\bhosts?\b|domains\b|origins?\b|\bcors\b"
            r"|dnssec|forwarding|\btags\b|interceptdeployment|private|globalaccess|psc|loadbalancer"
            r"|ipfilter|iplist|routes?\b|nexthop|destrange|connectmode|visibility"
            r"|^(?:allow|deny|block|restrict)|access(?!or|time)"
            r"|\bprotocols?\b|squash|vsock|webhook|\bcookie|\bhostname|peers?\b|\bdirection\b|\bpriority\b|\baction\b"
        ),
    ),
    ("whether the public reaches it", r"public|anonymous|unauthenticated|external|\bacls?\b|invokeriam|defaulturl"),
    (
        "who is granted what",
        (
            r"grant|\broles?\b|identit|serviceaccount|principal|permission|privileg|\biam|runasuser|securitycontext"
            r"|abac|sharing|consumeraccept|consumerreject|acceptlist|rejectlist|\bgroups?\b|entitlement|\badmin"
            r"|activedirectory|entraid|impersonat|netadmin|approval|securetag"
        ),
    ),
    (
        "which key encrypts it",
        r"encrypt|kms|cmek|cryptokey|protectionlevel|rotation|\bsigning|\bkeyalgorithm|keyusage|keyrevocation",
    ),
    (
        "how it is guarded on the wire",
        r"ssl|tls|https|certificate|mtls|cipher|macsec|\bprofile\b|customfeatures|cacert|\bca(?:pool|mode)",
    ),
    (
        "who is authenticated",
        (
            r"auth(?!or\b)|login|password|passwd|oauth|oidc|saml|jwt|credential|sshkeys?|serialport|\biap|mfa|token|secret"
            r"|issuer|audience|attributemapping|databaseflags|insecure|clientid|restrictions"
            r"|kerberos|clientkey|^(?:require|enforce)"
        ),
    ),
    (
        "whether it starts as it was built",
        (
            r"secureboot|vtpm|integrity|shielded|confidential|sandbox|attest|binaryauthor|hostnetwork|hostpid|readonlyroot"
            r"|startupscript|guestattributes|isolat|vulnerability|securityposture|legacyendpoints|metadatamode|wafconfig"
            r"|secur|unsafe|protect|userdata|kubeenv|shutdownscript|kernelmodule|workloadmetadata|nodemetadata|compliance"
            r"|autoupgrade|enablekubernetesalpha|scanning|threat|inspection|preview\b|enforcement"
        ),
    ),
    (
        "whether it can be deleted",
        r"deletion|delet(?:e|ion)protect|preventdestroy|\blien|immutab|\block|expir|\bhold\b|(?:temporary|based)hold",
    ),
    (
        "what is written down",
        (
            r"\blog|logging|flowlog|audit|monitoring|telemetry|exclusion|\bsinks?\b|tracing|destination"
            r"|\bfilter\b|notificationchannel|transactionlog"
        ),
    ),
    (
        "what can be got back",
        (
            r"backup|retention|softdelete|pointintime|pitr|binarylog|versioning|recovery|snapshot|destroy|replicat"
            r"|\bresourcepolicies"
        ),
    ),
)
"""Parts of names that matter to security, by what a change of such a field would change.

Reasons: the guards that https://cloud.google.com/architecture/framework/security and the CIS Google Cloud benchmark ask
for: who reaches a resource, who is let in, which key encrypts it, what is logged, and what can be restored.
"""

OF_MANY = "(only a digest of its values was kept)"
"""The last known value of a field below which more values matter to security than are kept."""
_SWITCH = "whether it is on"
_SWITCHES = frozenset(("disabled", "enabled", "suspended", "deactivated", "paused"))
_PUBLIC_VALUES = frozenset(("allUsers", "allAuthenticatedUsers", "0.0.0.0/0", "::/0", "*/*", "publicRead"))
_MEANINGS = {name.casefold(): meaning for meaning, names in _FIELDS.items() for name in names.split()}
_PATTERNS = tuple((meaning, re.compile(pattern)) for meaning, pattern in _WORDS)
_BRACKETS = re.compile(r'\[(?:key=)?"?([^"\]=]*)"?\]|\[[^\]]*\]')


@lru_cache(maxsize=8192)
def why_it_matters(path: str) -> str:
    """What a change of a declared field would change, where that matters to security; else an empty string.

    Args:
        path: of the field, in camelCase or snake_case; a field below one that matters does too.
    """
    return next((meaning for name in _names(path) if (meaning := _MEANINGS.get(name))), "")


@lru_cache(maxsize=8192)
def why_it_is_watched(path: str) -> str:
    """As ``why_it_matters``, by parts of names too: for fields that no table lists."""
    if meaning := why_it_matters(path):
        return meaning
    names = list(_names(path))
    for name in names:
        for meaning, pattern in _PATTERNS:
            if pattern.search(name):
                return meaning
    return _SWITCH if names and names[-1] in _SWITCHES else ""


_ENFORCED = ("enforced", "ENFORCED", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")
_PROTECTIONS = re.compile(
    r"protect|prevention|uniformBucketLevelAccess|requireSsl|secureBoot|integrityMonitoring|retentionPolicy\.isLocked"
    r"|block-project-ssh-keys|enable-oslogin",
    re.IGNORECASE,
)
_IDENTIFIERS = re.compile(r"\[[^=\]]+=([^\]]*)\]")


def _names(path: str) -> Iterator[str]:
    """The names in a path, without elements of lists, and with keys that people chose: ``[key=enable-oslogin]``."""
    for name in _BRACKETS.sub(r".\1", path).split("."):
        if name:
            yield name.replace("_", "").replace("-", "").casefold()


def undeclared_severity(path: str, declared: Any, observed: Any) -> Literal["low", "high", "critical"]:
    """The severity of a change of an undeclared field.

    Args:
        path: of the field.
        declared: the last known value, or unset.
        observed: the value now, or unset.
    """
    if not why_it_is_watched(path) and declared != OF_MANY:
        return "low"
    return "critical" if _is_public(observed) and not _is_public(declared) else "high"


def weakens(path: str, before: Any, after: Any) -> bool:
    """Whether a write opens a resource to everybody, or ends a protection.

    Args:
        path: of the field.
        before: the value now, or unset.
        after: the value that is written, or unset.
    """
    if before in _ENFORCED or (before is True and _PROTECTIONS.search(path)):
        return after is not True and after not in _ENFORCED
    is_named = any(name in _PUBLIC_VALUES for name in _IDENTIFIERS.findall(path))
    return after is not UNSET and (_is_public(after) or is_named) and not _is_public(before)


def _is_public(value: Any) -> bool:
    if isinstance(value, str):
        return value in _PUBLIC_VALUES
    if isinstance(value, dict):
        return any(map(_is_public, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_is_public, value))
