"""What infra/ says, block by block."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from infra.hcl import Block, entries, objects, parse, read, strings

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
EXAMPLES = sorted((INFRA / "examples").iterdir())
TERRAFORM = shutil.which("terraform")
CODE = read(INFRA)


def local(name: str) -> str:
    (values,) = [block.attributes[name] for block in CODE.named("locals") if name in block.attributes]
    return values


def read_file(name: str) -> Block:
    root = Block("")
    parse((INFRA / name).read_text(), root)
    return root


def typed() -> list[tuple[str, Block]]:
    """Every resource and data source, under the name that the schema has for its type."""
    prefixes = {"resource": "", "data": "data."}
    return [(prefixes[block.kind] + block.labels[0], block) for block in CODE.blocks if block.kind in prefixes]


def expressions() -> list[str]:
    """Every expression but where something was before it moved."""
    return [
        text
        for top in CODE.blocks
        for block in top.walk()
        for name, text in block.attributes.items()
        if (top.kind, name) != ("moved", "from")
    ]


def only_if(name: str) -> str:
    """The condition without which a local is empty."""
    condition, question, chosen = local(name).partition(" ? ")
    assert question, f"local.{name} has no condition"
    assert chosen.endswith("} : {}"), name
    _, otherwise = objects(chosen)
    assert otherwise == {}, name
    return condition


def pushes() -> dict[str, dict[str, str]]:
    """What is pushed when all is switched on, by subscription; what is the same for all is not among it."""
    by_name: dict[str, dict[str, str]] = {}
    for group in re.findall(r"local\.(\w+_pushes)", local("pushes")):
        for name, push in objects(local(group))[0].items():
            assert name not in by_name, f"{name} is pushed twice"
            by_name[name] = entries(push)
    return by_name


def functions_pushed_to() -> set[str]:
    return {name for push in pushes().values() for name in strings(push["function"])}


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


def pushes_of(subscription: Block) -> set[str]:
    """The functions that a subscription pushes to; in a dynamic block those that it is for each of."""
    written = [block.attributes["push_endpoint"] for block in subscription.named("push_config")]
    dynamic = [block for block in subscription.named("dynamic") if block.labels == ("push_config",)]
    functions: set[str] = set()
    for text in written + [block.attributes["for_each"] for block in dynamic]:
        if subscription.attributes.get("for_each") == "local.pushes" and "function[each.value.function]" in text:
            functions |= functions_pushed_to()
        else:
            named = set(re.findall(r'function\["(\w+)"\]', text))
            assert named, f"where {subscription.labels} pushes to is not known"
            functions |= named
    return functions


def who_is_called(block: Block) -> set[str]:
    named = set(re.findall(r'function\["(\w+)"\]', block.attributes["name"]))
    if named:
        return named
    assert block.attributes["name"] == "google_cloudfunctions2_function.function[each.key].name"
    each, pushed = block.attributes["for_each"], "values(local.pushes)[*].function"
    functions = functions_pushed_to() if pushed in each else set()
    each = each.replace(pushed, "")
    for name in re.findall(r"local\.(\w+)", each):
        each += local(name)
    return functions | set(strings(each))
