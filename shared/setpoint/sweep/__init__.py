"""Full scans: evaluate the whole inventory, reconcile what feeds dropped, and find deleted resources.

The scheduler's message begins a sweep, and one run of a function plans its shards, with one message each
(``coordinator``). A shard is listed page by page; every asset is handled like a feed message, and the keys of each page
are stored with the token of the next page (``list_shard``). The last shard to end looks for declared resources that
were not listed (``conclude``). On the command line one process does it all (``in_process``).
"""

from __future__ import annotations

from setpoint.model.sweep_records import LAG
from setpoint.sweep.context import Sweeper
from setpoint.sweep.coordinator import MessageResult, receive
from setpoint.sweep.in_process import SweepResult, sweep

__all__ = ["LAG", "MessageResult", "SweepResult", "Sweeper", "receive", "sweep"]
