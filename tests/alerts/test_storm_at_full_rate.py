"""100,000 findings of one cause in ten minutes, on a simulated clock, within the published limits of the services."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.simulated_storm import simulated_storm
from sizes import histories


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="SKIPPED: memory is read from Linux's /proc")
def test_a_storm_is_one_message_within_the_limits_of_slack_and_firestore_in_flat_memory(tmp_path):
    storm = simulated_storm(tmp_path, histories(1_000, 20_000, 100_000))

    assert storm.wrong == [], storm.figures()
