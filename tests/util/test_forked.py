"""Processes that are forked from one that has loaded the command line."""

from __future__ import annotations

import forked

SAY = "import sys; print(*({} & sys.modules.keys()))"


def test_a_forked_process_has_loaded_what_commands_need_but_nothing_that_reads_the_environment():
    wanted = {"setpoint.cli.apply", "setpoint.adapters.sqlite.store", "kubernetes", forked.LOADED}
    done = forked.call(exec, SAY.format(wanted | {"kubernetes.config"}))
    assert set(done.stdout.decode().split()) == wanted, done.stderr
