"""Addresses of resources in Terraform: ``module.net["eu"].google_pubsub_topic.orders[0]``.

Source: https://developer.hashicorp.com/terraform/cli/state/resource-addressing
"""

from __future__ import annotations

import re

KEY = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')
"""A key of `count` or `for_each`; a text may have any character, and quotation marks after a backslash."""

_KEY_OR_ANY = re.compile(rf"{KEY.pattern}|\[\*\]")
_ADDRESS = re.compile(r"!?(?:module|google_\w+)\.")
_SIGNS = re.compile(r"[\[\]\\]")


def without_keys(address: str) -> str:
    """An address without the keys of `count` and `for_each`."""
    return KEY.sub("", address)


def with_literal_keys(pattern: str) -> str:
    """A pattern as in `.gitignore`; in one of an address, brackets are those of keys and no choice of letters."""
    if not _ADDRESS.match(pattern):
        return pattern
    return _KEY_OR_ANY.sub(lambda key: _SIGNS.sub(r"\\\g<0>", key[0]), pattern)
