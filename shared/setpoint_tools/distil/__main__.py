"""`python -m setpoint_tools.distil`: writes the catalogue from the documents of google-api-python-client."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from setpoint.catalog.schemas import FOLDER as CATALOGUE
from setpoint_tools.distil import artefact, documents


def main(arguments: list[str] | None = None) -> int:
    """Distil all services, or those named, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m setpoint_tools.distil", description=__doc__)
    parser.add_argument("services", nargs="*", help="only these APIs, such as compute (all by default)")
    parser.add_argument("--out", type=Path, default=CATALOGUE, help="folder to write to (%(default)s)")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.services:
        for stale in options.out.glob("*.json.gz"):
            stale.unlink()
    size = schemas = fields = 0
    by_service = documents.read(documents.directory(), options.services)
    for service, versions in by_service.items():
        content = artefact.build(versions)
        size += artefact.write(options.out, service, content)
        schemas += sum(len(line["schemas"]) for line in content["lines"])
        fields += sum(len(packed) for line in content["lines"] for packed in line["schemas"].values())
    sys.stdout.write(f"{len(by_service)} services, {schemas:,} schemas, {fields:,} fields, {size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
