"""The modules that the fork server imports for all forked commands.

Its last act moves all of it out of the reach of garbage collections, which would copy each page that they mark.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module

import kubernetes  # type: ignore[import-untyped]

from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.commands import COMMANDS, FINDINGS, load_command

_LOADED_LATE = (
    "encodings.utf_8_sig",
    "netrc",
    "requests",
    "setpoint.adapters.google.rest",
    "setpoint.adapters.memory.store",
    "setpoint.adapters.sqlite.store",
    "setpoint.declarations.apply",
    "setpoint.declarations.readers.load",
    "setpoint.remediation.deep_reads",
    "setpoint.remediation.engine",
    "setpoint.reporting.html.page",
)
"""Modules that a command imports when it runs."""

_READS_ENVIRONMENT = "kubernetes.config"
"""Takes the place of its file from the environment when it is imported: each process is to import it for itself."""


def _load() -> None:
    for name in COMMANDS:
        load_command(name)
    for entry in FINDINGS.values():
        import_module(f"setpoint.cli.{entry.module}")
    for module in _LOADED_LATE:
        import_module(module)
    default_catalogue()
    for module in [name for name in sys.modules if name.startswith(_READS_ENVIRONMENT)]:
        del sys.modules[module]
    del kubernetes.config


_load()
gc.collect()
gc.freeze()
