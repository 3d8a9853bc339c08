"""What a provider plans, and what it says that a cloud has made: values that nobody configures are made up."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from infra.standin.blocks import Block, walk
from infra.standin.messages import UNKNOWN, is_unknown

_TIME = "2024-01-01T00:00:00Z"
_HIERARCHY = ("projects/", "folders/", "organizations/")


def plan(
    kind: str, block: Block, prior: dict[str, Any] | None, proposed: dict[str, Any] | None, table: Mapping[str, Any]
) -> Any:
    """The planned state of a resource: what is computed is unknown until it is applied.

    Args:
        kind: ``google_pubsub_topic``.
        block: its schema.
        prior: its state, or None where it is to be made.
        proposed: what Terraform proposes, changed in place; None where it is to go.
        table: what values.json says.
    """
    if proposed is None or proposed == prior:
        return proposed
    attributes = block["attributes"]
    provider = table["provider"]
    if attributes.get("project", {}).get("computed") and proposed["project"] is None and provider.get("project"):
        proposed["project"] = provider["project"]
    for nested, values, _ in walk(block, proposed):
        for name, attribute in nested.get("attributes", {}).items():
            if attribute.get("write_only"):
                values[name] = None
            elif attribute.get("computed") and values[name] is None:
                values[name] = UNKNOWN
    for name, template in table["planned"].get(kind, {}).items():
        _predict(proposed, name, template, provider)
    _set_defaults(attributes, proposed, table["defaults"])
    return proposed


def _predict(proposed: dict[str, Any], name: str, template: str, provider: Mapping[str, str]) -> None:
    """Set what a provider knows when it plans, such as the e-mail address of a service account."""
    words = {**provider, **{key: value for key, value in proposed.items() if isinstance(value, str)}}
    needed = set(re.findall(r"{(\w+)}", template))
    if is_unknown(proposed[name]) and needed <= words.keys():
        proposed[name] = template.format_map(words)


def _set_defaults(attributes: Mapping[str, Any], proposed: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Set the provider's own defaults, and labels as the provider spreads them over three attributes."""
    for name, value in defaults.items():
        if attributes.get(name, {}).get("computed") and is_unknown(proposed[name]):
            proposed[name] = value
    if "effective_labels" in attributes:
        labels = proposed.get("labels")
        for name in {"effective_labels", "terraform_labels"} & attributes.keys():
            unknown = is_unknown(labels)
            proposed[name] = UNKNOWN if unknown else {**(labels or {}), "goog-terraform-provisioned": "true"}


def fill(
    kind: str, block: Block, value: dict[str, Any], templates: Mapping[str, str], provider: Mapping[str, str]
) -> None:
    """Replace what is unknown by what values.json says, or else by something of its type, always the same."""
    words = _words(kind, value, templates, provider)
    for nested, values, path in walk(block, value):
        for name, attribute in nested.get("attributes", {}).items():
            if is_unknown(values[name]):
                names = (*(step for step in path if isinstance(step, str)), name)
                values[name] = _made(names, attribute["type"], words)


def returned(state: dict[str, Any], attribute: str) -> dict[str, Any]:
    """A state as an API returns it that drops what is empty, zero or null from a document of JSON."""
    text = state[attribute]
    without = _without_empty(json.loads(text))
    return state if without == json.loads(text) else {**state, attribute: json.dumps(without)}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: kept for name, item in value.items() if (kept := _without_empty(item)) or kept is False}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _words(
    kind: str, value: Mapping[str, Any], templates: Mapping[str, str], provider: Mapping[str, str]
) -> dict[str, Any]:
    """What templates may name: the resource's own texts and numbers, and what other templates have made."""
    known = {name: item for name, item in value.items() if isinstance(item, str | int)}
    words: dict[str, Any] = {**provider, "hash": _hash(kind, known), **known}
    words["project"] = str(words["project"]).removeprefix("projects/")
    pending = dict(templates)
    for _ in templates:
        for name, template in list(pending.items()):
            try:
                made = template.format_map(words)
            except KeyError:
                continue
            del pending[name]
            if "." in name or is_unknown(value.get(name, UNKNOWN)) or value.get(name) is None:
                words[name] = made
    name = words.get("name") if isinstance(words.get("name"), str) else words["hash"]
    if kind.endswith("_iam_member"):
        name = f"{words['hash']}/{words.get('role')}/{words.get('member')}"
    whole = str(name).startswith(_HIERARCHY)
    words.setdefault("id", name if whole else f"projects/{words['project']}/{kind.removeprefix('google_')}/{name}")
    return words


def _made(names: tuple[str, ...], kind: Any, words: Mapping[str, Any]) -> Any:
    """A value of a type that nobody configured."""
    if kind == "string":
        text = words.get(".".join(names))
        if text is None and len(names) == 1:
            text = _usual(words).get(names[0])
        return str(text) if text is not None else f"made-up-{names[-1].replace('_', '-')}-{words['hash'][:6]}"
    if kind in ("number", "bool"):
        return int(words["hash"][:12]) if kind == "number" else False
    if kind[0] == "object":
        return {name: _made((*names, name), inner, words) for name, inner in kind[1].items()}
    return {} if kind[0] == "map" else []


def _usual(words: Mapping[str, Any]) -> dict[str, str]:
    link = f"https://www.googleapis.com/{words['id']}"
    return {"self_link": link, "creation_time": _TIME, "create_time": _TIME, "project": words["project"]}


def _hash(kind: str, known: Mapping[str, Any]) -> str:
    seed = json.dumps([kind, {name: value for name, value in known.items() if name != "etag"}], sort_keys=True)
    return str(int(hashlib.sha256(seed.encode()).hexdigest(), 16))[:18]
