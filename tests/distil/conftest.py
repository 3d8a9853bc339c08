from __future__ import annotations

import pytest

from setpoint_tools.distil import documents


@pytest.fixture(scope="session")
def folder():
    pytest.importorskip("googleapiclient", reason="google-api-python-client is not installed: nothing to distil from")
    return documents.directory()
