"""Facts from a field's description: output-only, input-only, immutable, required, a reference, a secret.

Google marks `readOnly` on three quarters of the output-only fields; of the rest only the text tells. The
texts follow a habit: the markers stand first ("Optional. Immutable. ..."), or are a sentence of their own. A
wrong *output-only* would hide drift, so a marker with a condition behind it ("Output only for type PARTNER")
does not count.
"""

from __future__ import annotations

import re

OUTPUT_ONLY = "o"
INPUT_ONLY = "i"
IMMUTABLE = "m"
REQUIRED = "r"
REFERENCE = "n"
SENSITIVE = "s"
BETA = "b"
PRESENCE = "p"
ORDERED = "l"
RESTRICTS = "x"
UNION = "u"

# On a resource itself, these are the server's in every Google API, marked or not.
SERVER_OWNED = frozenset({"createTime", "creationTimestamp", "selfLink", "selfLinkWithId", "updateTime"})

_CONDITION = r"(?!\s+(?:for|if|when|on|in|unless|fields?|after|once|during|values?)\b)"
_MARKER = re.compile(
    r"""[\s\[(@*`]*
    (?: (?P<o> output[ _-]*only\b"""
    + _CONDITION
    + r"""
             | read[ -]?only (?=\s*[\].):]) )
      | (?P<i> input[ _-]*only\b"""
    + _CONDITION
    + r"""
             | write[ -]?only (?=\s*[\].):]) )
      | (?P<m> immutable (?=\s*[\].,:)]) )
      | (?P<r> required (?=\s*[\].,:)]) )
      | (?: optional | identifier | deprecated | legacy | beta | alpha | preview | experimental
          | unordered\ list ) (?=\s*[\].,:)])
    )[\])*`]*\s*[.:,;]?""",
    re.IGNORECASE | re.VERBOSE,
)

_OUTPUT_SENTENCE = re.compile(
    r"""
    # A sentence of its own: "... Output only.", "@OutputOnly", "This is a read-only field. ..."
    (?: ^ | [.\\)*]\s* | \n\s* )
      [\[(@]?
      (?: output[ _-]?only | read[ -]?only | this\ is\ an?\ (?:output|read)[ -]?only\ (?:field|property) )
      (?: \ (?:field|property) )?
      [\])]? \s* (?: [.,]?\s*$ | \.\s )
    # In brackets, at the end of a sentence.
    | [\[(@] (?: output[ _-]?only | read[ -]?only ) [\])]? \.? \s* (?: $ | \.\s )
    | [;,]\s* output[ ]only \.?\s*$
    | \(output\ only\)
    | (?: ^ | [.\\)]\s* ) this\ (?:field|property)\ is\ (?:an?\ )? (?:output|read)[ -]?only
      (?: \ (?:field|property) )? \s* (?: [.;] | $ )
    | ^(?: an?\ | the\ )? read-only\ (?: record | description\ of | soft\ deletion | status | password\ status )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_INPUT_SENTENCE = re.compile(
    r"(?:^|[.\\)]\s*|\n\s*)[\[(@]?input[ _-]?only[\])]?\s*(?:\.\s|\.?\s*$)|@inputonly\b"
    r"|(?:^|[.\\)]\s*)this (?:field|property) is (?:an? )?(?:input|write)[ -]?only\b(?: field)?\s*(?:\.|$)",
    re.IGNORECASE,
)
_IMMUTABLE_SENTENCE = re.compile(
    r"(?:^|[.\\)]\s*|\n\s*)immutable\.?\s*(?:$|\.\s)"
    r"|\b(?:this (?:field|property|value|setting)|once set, it) "
    r"(?:is immutable|(?:cannot|can't|can not) be (?:changed|modified|updated)"
    r"(?: (?:after|once) [^.]*)?)\s*(?:\.|$)"
    r"|^[^.]{0,80}\bread-only after creation",
    re.IGNORECASE,
)


def read(text: str) -> str:
    """Return the letters of all that the text says of the whole field: output, input, immutable, required.

    Args:
        text: The field's description, as the document has it.

    Returns:
        Letters of this module's constants, sorted; the empty string when the text says nothing.
    """
    letters: set[str] = set()
    position = 0
    while marker := _MARKER.match(text, position):
        letters.update(letter for letter, value in marker.groupdict().items() if value)
        position = marker.end()
    if _OUTPUT_SENTENCE.search(text):
        letters.add(OUTPUT_ONLY)
    if _INPUT_SENTENCE.search(text):
        letters.add(INPUT_ONLY)
    if _IMMUTABLE_SENTENCE.search(text):
        letters.add(IMMUTABLE)
    return "".join(sorted(letters))
