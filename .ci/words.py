"""Check names, terms, lengths and copies: `make words`.

Fails on names that describe nothing, on private words in texts that users read, on strings that nothing uses, on files
that are too long, on contexts that are passed for one or two ports (see ``contexts.py``), and on copies in the library
(see ``copies.py``). All exemptions are listed here.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAX_LINES = 500
_CONTEXTS = runpy.run_path(str(Path(__file__).with_name("contexts.py")))
_COPIES = runpy.run_path(str(Path(__file__).with_name("copies.py")))

EMPTY_NAMES = frozenset({"one", "ones", "told", "found", "at", "said", "thing", "things", "something", "somebody"})
"""Names that describe nothing."""

TERMS = {
    r"puts? back|putting back": "remediate, remediation; revert (of a field)",
    r"letter ?box(es)?": "dead-letter queue",
    r"(?<!dead )letters? (wait|box|are taken|is taken)": "messages",
    r"who(ever)? may press|may press": "approvers",
    r"taken? at (its|their|his|her) word": "not verified",
    r"whose it is": "owner",
    r"how bad( it is)?\b": "severity",
    r"who did it": "changed by",
    r"lies in": "location",
    r"(?<!-)heals?|healing": "reconcile; publish again",
    r"written of late": "recent writes",
    r"rehears(e|es|ed|al)": "dry run",
    r"hand(s|ed)? off(?!,)|handoff": "delegate",
    r"brakes": "safety limits: rate limit, circuit breaker, pause",
    r"there though nobody declared": "unmanaged resource",
    r"(is|are) ill\b|doubtful": "fail; warn",
    r"whoever runs (this|it)": "the calling account",
    r"somebody else (has )?(wrote|written)|(written|declared|applied) by somebody else": "by another process",
    r"nobody knows what|nothing tells": "is not known",
    r"tells? what (would|is|there)": "show, list",
    r"(not|were) looked at": "read, considered",
    r"is not so|not as it should be": "still differs",
    r"(exits?|ends?) with \d where": "exits with N if",
    r"(?<!there )(is|are|was|were|be) no (?!longer|more|less|later|earlier|other|such|safer)": "is not a",
    r"judged again": "evaluated again",
    r"(?<=[;,] )it looks like": "use the form",
    r"anew": "again",
    r"(?<!never )(gives?|given) (it |them )?back": "return",
    r"(an?|one) \w+ a line": "one per line",
    r"puts? .{1,40} in force": "apply",
    r"mend(s|ed|ing)?": "fix, correct",
    r"what an? \w+ (says|tells) of": "name the thing: the fields of, the result of",
    r"puts? (it|them) right": "fix, correct",
    r"is there (no longer|already)": "no longer exists; exists already",
}
"""Private words, and the standard term for each."""

TEXTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "functions", "infra", "shared")
LIBRARY = ("shared/setpoint", "functions")
CODE = ("shared", "functions", "benchmarks", "tests", ".ci", "infra")

EXEMPT_FROM_NAMES: tuple[str, ...] = ()
EXEMPT_FROM_TERMS = ("docs/decisions", "docs/how-it-compares.md")
"""Decisions are records of their time; the comparison quotes others."""
EXEMPT_FROM_LENGTH = (
    "infra/variables.tf",
    "shared/setpoint/reporting/html/vendor",
    "docs/schemas",
    "docs/asset-types.md",
    "docs/reports.md",
    "LICENSE",
)
"""Vendored and generated files."""
_BYTES = "tests/fuzzing/corpus/"
"""Inputs of fuzzing, which are no text."""
_MEASURED = {".py", ".md", ".js", ".css", ".html", ".j2", ".tf", ".yaml", ".toml", ""}


class Fault(NamedTuple):
    """A problem and its place.

    Args:
        path: from the root of the checkout.
        line: from 1.
        message: what to write in its place.
    """

    path: str
    line: int
    message: str


def empty_names(path: str, text: str) -> Iterator[Fault]:
    """The bindings of a module with a name that describes nothing."""
    for node in ast.walk(ast.parse(text)):
        for name in _bound(node):
            if name.strip("_").lower() in EMPTY_NAMES:
                yield Fault(path, getattr(node, "lineno", 1), f"{name!r} names nothing: say what it holds")


def lost_texts(path: str, text: str) -> Iterator[Fault]:
    """The strings that are statements of their own and no docstrings: the second half of a text without brackets."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            begins = (ast.get_source_segment(text, node.value) or "").lstrip("rRfFbB")
            if begins.startswith(('"', "'")) and not begins.startswith('"""'):
                yield Fault(path, node.lineno, "a string that nothing uses: put the whole text in brackets")


def _bound(node: ast.AST) -> list[str]:
    """The names that a node binds: of variables, parameters, attributes, functions, classes and imports."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return [name]
        case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.ClassDef(name=name):
            return [name]
        case ast.alias():
            return [node.asname or node.name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case _:
            return []


def private_words(path: str, text: str) -> Iterator[Fault]:
    """The private words in what users read: the strings of a module, the prose of a page."""
    if path.endswith(".py"):
        lines = _strings(text)
    else:
        prose = _TERRAFORM_CODE.sub("", text) if path.endswith(".tf") else _CODE_OR_LINK.sub("", text)
        lines = list(enumerate(prose.splitlines(), 1))
    for number, line in lines:
        for pattern, term in _PATTERNS:
            if match := pattern.search(_CODE.sub("", line)):
                yield Fault(path, number, f"{match[0]!r}: write {term}")


_TERRAFORM_CODE = re.compile(r"^ *[\w-]+ *[={].*\"\w+\".*$|^ *\w+ *= *\{$", re.MULTILINE)
"""Names of blocks and one-word values, such as the kind of a message, which stay what they are."""
_CODE_OR_LINK = re.compile(r"`[^`\n]+`|\]\([^)\n]+\)")
_CODE = re.compile(r"``[^`]*``|`[^`]*`|\b(FROM|INTO|UPDATE|EXISTS) \w+")
"""Names of code and of tables, which stay what they are."""
_PATTERNS = [(re.compile(rf"\b({words})\b", re.IGNORECASE), term) for words, term in TERMS.items()]


def _strings(text: str) -> list[tuple[int, str]]:
    strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return [
        (node.lineno + offset, line)
        for node in strings
        if isinstance(node.value, str)
        for offset, line in enumerate(node.value.splitlines())
        if " " in line  # what has no space is an identifier
    ]


def too_long(path: str, text: str) -> Iterator[Fault]:
    """Files that are too long."""
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield Fault(path, lines, f"{lines} lines, {MAX_LINES} at most: cut it by what changes together")


def faults(root: Path) -> Iterator[Fault]:
    """All problems in the files that Git tracks."""
    library: dict[str, str] = {}
    for path in _tracked(root):
        if Path(path).suffix not in _MEASURED or path.startswith(_BYTES) or not (root / path).is_file():
            continue
        text = (root / path).read_text()
        if path.endswith(".py") and _is_in(path, CODE) and not _is_in(path, EXEMPT_FROM_NAMES):
            yield from empty_names(path, text)
            yield from lost_texts(path, text)
        if path.endswith(".py") and _is_in(path, LIBRARY):
            library[path] = text
        if _is_in(path, TEXTS) and not _is_in(path, EXEMPT_FROM_TERMS):
            yield from private_words(path, text)
        if not _is_in(path, EXEMPT_FROM_LENGTH):
            yield from too_long(path, text)
    yield from (Fault(*fault) for check in (_CONTEXTS, _COPIES) for fault in check["faults"](library))


def _is_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _tracked(root: Path) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True)  # noqa: S607 - git
    return sorted(listed.stdout.decode().rstrip("\0").split("\0"))


def main() -> int:
    """Print all problems; return 1 if there are any."""
    listed = list(faults(ROOT))
    for fault in listed:
        sys.stdout.write(f"{fault.path}:{fault.line}: {fault.message}\n")
    sys.stdout.write(f"words: {len(listed)} faults\n")
    return int(bool(listed))


if __name__ == "__main__":
    sys.exit(main())
