"""Compile each module once, as a plugin of pytest that is loaded before those that import much.

Where the environment asks for no bytecode files, each worker and each process that a test starts compiles all modules,
and rewrites the assertions of all tests: a quarter of the processor time of a run.
"""

from __future__ import annotations

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
