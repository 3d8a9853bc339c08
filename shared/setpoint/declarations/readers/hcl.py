"""Take the text of a Terraform file apart: blocks, attributes and literals, each with its place in the text.

Nothing is evaluated. Only literals have a value; the place of everything else is known, so that it is left as it is.

Source: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from setpoint.comparison import difference_text

_SPACE = re.compile(r"[ \t\r\f\ufeff]+")
_COMMENT = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/", re.DOTALL)
_IDENTIFIER = re.compile(r"[^\W\d][\w-]*")
TEMPLATE = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
"""The beginning of a template in a text."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_HEREDOC = re.compile(r"<<(-?)([^\W\d][\w-]*)\r?\n")
_OPERATOR = re.compile(r"\.\.\.|=>|==|!=|<=|>=|&&|\|\||.", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_OPEN, _CLOSE = "([{", ")]}"
_CONSTANTS = {"true": True, "false": False}


class NotHclError(ValueError):
    """Text that cannot be taken apart."""


class Token(NamedTuple):
    """A token.

    Args:
        kind: ``name``, ``number``, ``text``, ``heredoc``, ``line`` for an end of line, or ``sign``.
        text: its text.
        start: where it starts.
        end: where it ends.
    """

    kind: str
    text: str
    start: int
    end: int


class HclAttribute(NamedTuple):
    """An attribute, or an entry of an object.

    Args:
        name: its name.
        tokens: the tokens of its expression.
    """

    name: str
    tokens: Sequence[Token]


class HclBlock(NamedTuple):
    """A block.

    Args:
        type: its type.
        labels: its labels.
        attributes: its attributes.
        blocks: the blocks in it.
    """

    type: str
    labels: tuple[str, ...]
    attributes: Sequence[HclAttribute]
    blocks: Sequence[HclBlock]

    def attribute(self, name: str) -> HclAttribute | None:
        """An attribute by its name."""
        return next((each for each in self.attributes if each.name == name), None)


def tokens(text: str) -> list[Token]:
    """The tokens of a file, without spaces and comments.

    Raises:
        NotHclError: a text, comment or heredoc has no end, or strings are nested too deeply.
    """
    try:
        return list(_tokens(text))
    except RecursionError:
        raise NotHclError("strings are nested too deeply") from None


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        if space := _SPACE.match(text, position) or _COMMENT.match(text, position):
            position = space.end()
            continue
        kind, end = _next(text, position)
        yield Token(kind, text[position:end], position, end)
        position = end


def _next(text: str, position: int) -> tuple[str, int]:
    """The kind and the end of the token at a position."""
    letter = text[position]
    if letter == "\n":
        return "line", position + 1
    if letter == '"':
        return "text", _text_end(text, position + 1)
    if heredoc := _HEREDOC.match(text, position):
        closing = re.compile(rf"^[ \t]*{re.escape(heredoc[2])}(?=\r?$)", re.MULTILINE)
        closed = closing.search(text, heredoc.end())
        if closed is None:
            raise NotHclError(f"the heredoc {heredoc[2]} has no end")
        return "heredoc", closed.end()
    if text.startswith("/*", position):
        raise NotHclError("a comment has no end")
    for kind, pattern in (("name", _IDENTIFIER), ("number", _NUMBER), ("sign", _OPERATOR)):
        if match_ := pattern.match(text, position):
            return kind, match_.end()
    raise NotHclError("a sign that no token has")


def _text_end(text: str, position: int) -> int:
    """The end of a text in quotes, whose interpolations may hold texts in quotes."""
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 2
        elif text.startswith(("$${", "%%{"), position):
            position += 3
        elif text.startswith(("${", "%{"), position):
            position = _interpolation_end(text, position + 2)
        elif letter == '"':
            return position + 1
        elif letter == "\n":
            break
        else:
            position += 1
    raise NotHclError("a quoted string has no end")


def _interpolation_end(text: str, position: int) -> int:
    depth = 1
    while position < len(text):
        letter = text[position]
        if letter == '"':
            position = _text_end(text, position + 1)
            continue
        depth += (letter == "{") - (letter == "}")
        position += 1
        if not depth:
            return position
    raise NotHclError("an interpolation has no end")


def parse(text: str) -> HclBlock:
    """The content of a file, as a block without type and labels.

    Raises:
        NotHclError: it cannot be taken apart.
    """
    reading = _Reading(tokens(text))
    try:
        body = reading.body("", ())
    except RecursionError:
        raise NotHclError("blocks are nested too deeply") from None
    if reading.position < len(reading.tokens):
        raise NotHclError("a bracket is closed that was not opened")
    return body


class _Reading:
    def __init__(self, all_tokens: Sequence[Token]) -> None:
        self.tokens = all_tokens
        self.position = 0

    def _peek(self) -> Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def body(self, block_type: str, labels: tuple[str, ...]) -> HclBlock:
        """The attributes and blocks up to the closing brace or the end."""
        attributes: list[HclAttribute] = []
        blocks: list[HclBlock] = []
        while (token := self._peek()) is not None and token.text != "}":
            if token.kind == "line":
                self.position += 1
            elif token.kind != "name":
                raise NotHclError(f"`{token.text[:20]}` is not a name of an attribute or block")
            else:
                self._item(token, attributes, blocks)
        return HclBlock(block_type, labels, attributes, blocks)

    def _item(self, name: Token, attributes: list[HclAttribute], blocks: list[HclBlock]) -> None:
        self.position += 1
        labels: list[str] = []
        while (token := self._peek()) is not None:
            self.position += 1
            if token.text == "=" and not labels:
                attributes.append(HclAttribute(name.text, self._expression()))
                return
            if token.text == "{":
                blocks.append(self.body(name.text, tuple(labels)))
                if self._peek() is None:
                    raise NotHclError("a block has no end")
                self.position += 1
                return
            if token.kind not in ("name", "text"):
                break
            labels.append(token.text.strip('"'))
        raise NotHclError(f"`{name.text}` is neither an attribute nor a block")

    def _expression(self) -> Sequence[Token]:
        """The tokens up to the end of the line, outside of brackets."""
        start, depth = self.position, 0
        while (token := self._peek()) is not None:
            if not depth and (token.kind == "line" or token.text == "}"):
                break
            if token.kind == "sign":
                depth += (token.text in _OPEN) - (token.text in _CLOSE)
            self.position += 1
        if depth or start == self.position:
            raise NotHclError("an expression has no end")
        return self.tokens[start : self.position]


def reference(expression: Sequence[Token]) -> tuple[str, str] | None:
    """The variable or local that an expression is, ``("var", NAME)`` or ``("local", NAME)``; None for another one."""
    if [token.text for token in expression[1:2]] != ["."] or len(expression) != 3:  # noqa: PLR2004 - var . NAME
        return None
    first, _, name = expression
    is_reference = first.text in ("var", "local") and name.kind == "name"
    return (first.text, name.text) if is_reference else None


def scalar(expression: Sequence[Token]) -> Any:
    """The value of a literal number, boolean or text.

    Raises:
        NotHclError: it is another expression.
    """
    if len(expression) == 2 and expression[0].text == "-" and expression[1].kind == "number":  # noqa: PLR2004
        return -_number(expression[1].text)
    if len(expression) != 1:
        raise NotHclError("it is an expression")
    (token,) = expression
    if token.kind == "number":
        return _number(token.text)
    if token.kind == "name" and token.text in _CONSTANTS:
        return _CONSTANTS[token.text]
    if token.kind == "text":
        return _plain(token.text[1:-1])
    raise NotHclError("it is an expression")


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise NotHclError("a number in a form of its own") from None


def _plain(text: str) -> str:
    """The value of a text in quotes without interpolations."""
    if TEMPLATE.search(text):
        raise NotHclError("it is a template")
    out = re.sub(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", _unescaped, text, flags=re.DOTALL)
    return out.replace("$${", "${").replace("%%{", "%{")


def _unescaped(match_: re.Match[str]) -> str:
    code = match_[1] or match_[2]
    if code:
        try:
            return chr(int(code, 16))
        except (ValueError, OverflowError):
            raise NotHclError("an escape of no character") from None
    if match_[3] not in _ESCAPES:
        raise NotHclError("an escape that HCL does not have")
    return _ESCAPES[match_[3]]


def elements(expression: Sequence[Token]) -> list[Sequence[Token]]:
    """The expressions in a list.

    Raises:
        NotHclError: it is not a list, or one made by ``for``.
    """
    inner = _inside(expression, "[")
    if inner and inner[0].text == "for":
        raise NotHclError("it is made by `for`")
    return [part for part in _split(inner, lines=False) if part]


def entries(expression: Sequence[Token]) -> list[HclAttribute]:
    """The entries of an object.

    Raises:
        NotHclError: it is not an object, one made by ``for``, or a key is an expression.
    """
    inner = _inside(expression, "{")
    if inner and inner[0].text == "for":
        raise NotHclError("it is made by `for`")
    listed: list[HclAttribute] = []
    for part in _split(inner, lines=True):
        if not part:
            continue
        if len(part) < 3 or part[1].text not in ("=", ":"):  # noqa: PLR2004 - KEY = VALUE
            raise NotHclError("a key is an expression")
        key = part[0]
        listed.append(HclAttribute(key.text if key.kind == "name" else str(scalar([key])), part[2:]))
    return listed


def _inside(expression: Sequence[Token], bracket: str) -> Sequence[Token]:
    if not expression or expression[0].text != bracket:
        raise NotHclError("it is an expression")
    depth = 0
    for position, token in enumerate(expression):
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if not depth and position < len(expression) - 1:
            raise NotHclError("it is an expression")
    return expression[1:-1]


def _split(inner: Sequence[Token], *, lines: bool) -> Iterator[Sequence[Token]]:
    """The parts between commas, and between lines where these separate too."""
    part: list[Token] = []
    depth = 0
    for token in inner:
        if token.kind == "sign":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if not depth and (token.text == "," or (lines and token.kind == "line")):
            yield part
            part = []
        elif depth or token.kind != "line":
            part.append(token)
    yield part


def literal(value: Any) -> str:
    """A value in HCL: JSON, with template markers escaped.

    Source: https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
    """
    return difference_text.encoded(value).replace("${", "$${").replace("%{", "%%{")
