"""What infra/ says, block by block."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from infra.hcl import Block, entries, parse, read, strings

ROOT = Path(__file__).parents[2]


INFRA = ROOT / "infra"


EXAMPLES = sorted((INFRA / "examples").iterdir())


TERRAFORM = shutil.which("terraform")


CODE = read(INFRA)


def local(name: str) -> str:
    (found,) = [one.attributes[name] for one in CODE.named("locals") if name in one.attributes]
    return found


def read_file(name: str) -> Block:
    found = Block("")
    parse((INFRA / name).read_text(), found)
    return found


def typed() -> list[tuple[str, Block]]:
    """Every resource and data source, under the name that the schema has for its type."""
    prefixes = {"resource": "", "data": "data."}
    return [(prefixes[one.kind] + one.labels[0], one) for one in CODE.blocks if one.kind in prefixes]


def expressions() -> list[str]:
    return [text for top in CODE.blocks for block in top.walk() for text in block.attributes.values()]


def environment(function: str) -> dict[str, str]:
    """What a function is given, secrets too."""
    given = entries(entries(local("functions"))[function])
    return entries(given["environment"]) | entries(given.get("secrets", "{}"))


def who(block: Block) -> set[str]:
    """The functions that a grant is for: those of its `for_each`, or the one that it names."""
    named = set(re.findall(r'function\["(\w+)"\]', block.attributes["member"]))
    each = block.attributes.get("for_each", "")
    if each == "google_service_account.function":
        return set(entries(local("functions")))
    for name in re.findall(r"local\.(\w+)", each):
        each += local(name)
    return named or set(strings(each))


def whose(block: Block) -> str:
    """The accounts that a grant is for, as they are written, in its `for_each` or what that names."""
    each = block.attributes.get("for_each", "")
    return block.attributes["member"] + each + "".join(local(name) for name in re.findall(r"^local\.(\w+)$", each))


def granted(kind: str, role: str) -> list[Block]:
    return [block for used, block in typed() if used == kind and strings(block.attributes["role"]) == [role]]


def pushes_of(subscription: Block) -> list[str]:
    """Where a subscription pushes to, as it is written; a dynamic block with what it is for each of."""
    written = [one.attributes["push_endpoint"] for one in subscription.named("push_config")]
    dynamic = [one for one in subscription.named("dynamic") if one.labels == ("push_config",)]
    return written + [one.attributes["for_each"] for one in dynamic]


def who_is_called(block: Block) -> set[str]:
    named = set(re.findall(r'function\["(\w+)"\]', block.attributes["name"]))
    each = block.attributes.get("for_each", "")
    for name in re.findall(r"local\.(\w+)", each):
        each += local(name)
    return named or set(strings(each))
