"""What cloudbuild.yaml says."""

from __future__ import annotations

from typing import Any

import yaml

from infra.blocks import ROOT


def cloud_build() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())


def script(step: dict[str, Any]) -> str:
    return step.get("script") or " ".join(step.get("args", []))
