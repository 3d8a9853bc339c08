"""Patches as Kustomize applies them: strategic merge without a schema, and JSON patches (RFC 6902).

Config Connector's kinds have no merge keys, so a strategic merge replaces lists. Sources:
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/, https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

_DIRECTIVE = "$patch"
_UNSUPPORTED = ("$setElementOrder", "$retainKeys", "$deleteFromPrimitiveList")


class PatchError(ValueError):
    """A patch that cannot be applied."""


def strategic_merge(target: Any, patch: Any) -> Any:
    """Merge a patch into a value: maps are merged, ``null`` removes, everything else is replaced.

    Args:
        target: The value; it is not changed.
        patch: The patch; it may contain the directive ``$patch: replace`` or ``$patch: delete``.

    Raises:
        PatchError: It contains a directive that needs the schema of a kind.
    """
    if isinstance(patch, list):
        return _replaced_list(patch)
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if unsupported := next((key for key in patch if str(key).startswith(_UNSUPPORTED)), ""):
        raise PatchError(f"the directive {unsupported} is not supported")
    kept = {} if patch.get(_DIRECTIVE) == "replace" or not isinstance(target, dict) else target
    merged = dict(kept)
    for key, value in patch.items():
        if key == _DIRECTIVE:
            continue
        if value is None or is_deletion(value):
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge(kept.get(key), value)
    return merged


def is_deletion(patch: Any) -> bool:
    """Whether a patch deletes its target."""
    if isinstance(patch, list):
        return any(isinstance(element, dict) and element.get(_DIRECTIVE) == "delete" for element in patch)
    return isinstance(patch, dict) and patch.get(_DIRECTIVE) == "delete"


def _replaced_list(patch: list[Any]) -> list[Any]:
    return [
        strategic_merge(None, element)
        for element in patch
        if not (isinstance(element, dict) and element.keys() == {_DIRECTIVE})
    ]


def json_patch(value: Any, operations: Any) -> Any:
    """Apply a JSON patch.

    Args:
        value: The document; it is not changed.
        operations: The list of operations.

    Raises:
        PatchError: An operation is malformed, or its target does not exist.
    """
    if not isinstance(operations, list):
        raise PatchError("a JSON patch must be a list of operations")
    patched = copy.deepcopy(value)
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise PatchError("an operation must be {op, path, value}")
        apply = _OPERATIONS.get(str(operation.get("op")))
        if apply is None:
            raise PatchError(f"no such operation: {operation.get('op')}")
        patched = apply(patched, operation)
    return patched


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError(f"{text} is not a JSON pointer; it begins with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _get(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list):
            value = value[_index(value, part, len(value) - 1)]
        else:
            raise PatchError(f"there is no /{'/'.join(path)}")
    return value


def _index(elements: list[Any], part: str, last: int) -> int:
    index = int(part) if part.isdecimal() else len(elements) if part == "-" else -1
    if not 0 <= index <= last:
        raise PatchError(f"there is no element {part} in a list of {len(elements)}")
    return index


def _add(value: Any, operation: Mapping[str, Any]) -> Any:
    path = _pointer(operation["path"])
    if not path:
        return copy.deepcopy(operation.get("value"))
    holder, last = _get(value, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder[last] = copy.deepcopy(operation.get("value"))
    elif isinstance(holder, list):
        holder.insert(_index(holder, last, len(holder)), copy.deepcopy(operation.get("value")))
    else:
        raise PatchError(f"there is no /{'/'.join(path[:-1])}")
    return value


def _remove(value: Any, operation: Mapping[str, Any]) -> Any:
    path = _pointer(operation["path"])
    if not path:
        raise PatchError("the whole object cannot be removed so; use $patch: delete")
    holder, key = _entry(value, path)
    del holder[key]
    return value


def _replace(value: Any, operation: Mapping[str, Any]) -> Any:
    path = _pointer(operation["path"])
    if not path:
        return copy.deepcopy(operation.get("value"))
    holder, key = _entry(value, path)
    holder[key] = copy.deepcopy(operation.get("value"))
    return value


def _entry(value: Any, path: list[str]) -> tuple[Any, Any]:
    """What holds an existing entry, and its key or position there."""
    _get(value, path)
    holder, last = _get(value, path[:-1]), path[-1]
    return holder, last if isinstance(holder, dict) else int(last)


def _copy(value: Any, operation: Mapping[str, Any]) -> Any:
    return _add(value, {"path": operation["path"], "value": _get(value, _pointer(operation.get("from")))})


def _move(value: Any, operation: Mapping[str, Any]) -> Any:
    moved = copy.deepcopy(_get(value, _pointer(operation.get("from"))))
    value = _remove(value, {"path": operation["from"]})
    return _add(value, {"path": operation["path"], "value": moved})


def _test(value: Any, operation: Mapping[str, Any]) -> Any:
    if _get(value, _pointer(operation["path"])) != operation.get("value"):
        raise PatchError(f"the test of {operation['path']} failed")
    return value


_OPERATIONS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "copy": _copy,
    "move": _move,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}
