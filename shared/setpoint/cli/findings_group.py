"""``setpoint findings``: the group with all of its commands, each of which lives beside what it is like."""

from __future__ import annotations

from setpoint.cli import baseline
from setpoint.cli.findings import app

app.command("accept")(baseline.accept_findings)
app.command("exempt")(baseline.exempt_findings)
