"""The check of contexts (.ci/contexts.py) finds who takes a context for a few ports, and reads a port through two."""

from __future__ import annotations

import re
import runpy

import pytest

from infra.blocks import ROOT

CONTEXTS = runpy.run_path(str(ROOT / ".ci/contexts.py"))

PIPELINE = '''
class Context:
    """The ports of detection.

    Flow: an observation.
    """
    store: Store
    clock: Clock

def drive(context: Context):
    use(context.store, context.clock, context.bus, context.projects)
'''
SWEEP = '''
from setpoint.detection.pipeline import Context

class Sweeper:
    """The ports of a sweep.

    Flow: a sweep.
    """
    detection: Context
    queue: Queue

    def __post_init__(self):
        object.__setattr__(self, "store", self.detection.store)

    def records(self):
        return self.store.sweeps
'''
IMPORTS = """
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context, drive
from setpoint.sweep.context import Sweeper
"""


def faults(text, **others):
    """The messages of a module beside a library with two contexts."""
    modules = {"detection/pipeline": PIPELINE, "sweep/context": SWEEP, "work": IMPORTS + text, **others}
    files = {f"shared/setpoint/{name}.py": module for name, module in modules.items()}
    return [fault.message for fault in CONTEXTS["faults"](files)]


NEEDLESS = {
    "a port or two": "def f(context: Context): return context.store.read(context.clock())",
    "no port": "def f(key, context: Context): return key",
    "a port in a closure": "def f(deps: pipeline.Context):\n    def g(): return deps.store\n    return g",
    "a keyword": "def f(*, context: Sweeper): return context.queue",
    "a context that may be missing": "def f(context: Context | None): return context.store",
    "an annotation that is a text": "def f(context: 'Context'): return context.store",
    "what it calls": "def f(context: Context): return g(context.clock)\ndef g(clock): return clock",
    "a port of a method of the context": "def f(sweeper: Sweeper): return sweeper.records()",
    "a method": "class A:\n    def f(self, context: Context): return context.store",
    "it is kept for a port": (
        "class A:\n    def __init__(self, context: Context): self._context = context\n"
        "    def f(self): return self._context.store"
    ),
}
NEEDED = {
    "it drives a flow": "def f(context: Context): drive(context)",
    "it drives a flow of another module": "def f(key, context: Context): pipeline.drive(context=context)",
    "it has the context in it drive a flow": "def f(sweeper: Sweeper): drive(sweeper.detection)",
    "four ports": "def f(context: Context): g(context.store, context.bus, context.clock, context.projects)",
    "the context of another library": "from typer import Context\ndef f(context: Context): return context.params",
    "who takes it is not known": "def f(context: Context): HANDLERS[0](context)",
    "it is part of a context that is made": "def f(context: Context): return Sweeper(context, None)",
    "it is kept for four ports": (
        "class A:\n    def __init__(self, context: Context): self._context = context\n"
        "    def f(self): return self._context.store, self._context.bus\n"
        "    def g(self): return self._context.clock, self._context.projects"
    ),
}


@pytest.mark.parametrize("text", NEEDLESS.values(), ids=NEEDLESS)
def test_a_function_that_takes_a_context_for_a_few_ports_is_found(text):
    (message,) = faults(text)
    assert "of its context: take that" in message


@pytest.mark.parametrize("text", NEEDED.values(), ids=NEEDED)
def test_a_function_that_drives_a_flow_may_take_its_context(text):
    assert faults(text) == []


def test_a_context_that_is_passed_on_counts_by_what_is_used_of_it_in_the_end():
    text = "def f(context: Context): g(1, context)\ndef g(x, context: Context): h(context)\ndef h(context: Context): "
    assert len(faults(f"{text}return context.store")) == 3
    assert faults(f"{text}drive(context)") == []


CHAINS = {
    "a port": "def f(sweeper: Sweeper):\n    drive(sweeper.detection)\n    sweeper.detection.store.read()",
    "of a context that has no annotation": "context = opened()\ncontext.detection.store.close()",
    "in a method": "class A:\n    def f(self): return self._sweeper.detection.clock()",
    "another name": "def f(sweeper: Sweeper):\n    deps = sweeper.detection\n    drive(sweeper.detection)",
    "several names": "def f(sweeper: Sweeper):\n    a, b = sweeper.detection, 1\n    drive(sweeper.detection)",
    "a name in a condition": "def f(sweeper: Sweeper):\n    if a := sweeper.detection: drive(sweeper.detection)",
    "an attribute": "class A:\n    def f(self, sweeper): self._detection = sweeper.detection",
}


@pytest.mark.parametrize("text", CHAINS.values(), ids=CHAINS)
def test_a_port_that_is_read_through_two_contexts_is_found(text):
    (message,) = faults(text)
    assert message.endswith(("through two contexts: hold the port", "gets a name: pass it, or hold its ports"))


def test_a_context_takes_ports_of_the_context_in_it_where_it_is_made_and_nowhere_else():
    assert faults("") == []
    assert len(faults("", **{"sweep/context": SWEEP.replace("__post_init__", "begin")})) == 1


def test_a_context_says_which_flow_it_belongs_to():
    (message,) = faults("", **{"sweep/context": SWEEP.replace("Flow: a sweep.", "")})
    assert message == "'Sweeper' is a context: say which flow it belongs to, 'Flow:'"


def test_every_class_that_holds_a_context_is_one():
    flow, needless = sorted(faults("class Upload:\n    held: Sweeper\ndef f(upload: Upload): return upload.name"))
    assert flow.startswith("'Upload' is a context")
    assert needless == "'f' uses name of its context: take that"


def test_contributing_names_every_context_of_the_library():
    files = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "shared/setpoint").rglob("*.py")}
    holders = {path: text for path, text in files.items() if "Context" in text or "InteractionHandler" in text}
    contexts = {name for _, name in CONTEXTS["_Library"](holders).contexts}
    (listed,) = re.findall(r"holds all ports of a flow \((.*?)\)", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed)) == contexts
