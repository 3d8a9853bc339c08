"""Full scans: judge the whole inventory, reconcile what feeds dropped, and find deleted resources.

Scheduler's message begins a sweep, and one run of a function plans it: shards, each with a message of its own
(``coordinator``). A shard is listed page by page, every asset goes the way of a feed message, and what each page has
shown is kept with the token of the next one (``list_shard``). The last shard to end looks for what is declared and
was not seen (``conclude``). On the command line one process does it all (``in_process``).
"""

from __future__ import annotations

from setpoint.model.sweep_records import LAG
from setpoint.sweep.context import Sweeper
from setpoint.sweep.coordinator import MessageResult, receive
from setpoint.sweep.in_process import Swept, sweep

__all__ = ["LAG", "MessageResult", "Sweeper", "Swept", "receive", "sweep"]
