"""Write the bill of materials of a release as CycloneDX: `make sbom` writes dist/setpoint.cdx.json.

It is made from the lock file, offline, with the digests of the files that an installation takes; the same lock gives
the same bytes. The functions are installed from this lock: the bill is that of what runs.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
import uuid
from pathlib import Path

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
LOCK = Path(__file__).with_name("requirements-functions.txt")
_PACKAGE = re.compile(r"^([\w.-]+)==(\S+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VERSION = re.compile(r'__version__ = "([^"]+)"')


def bill(lock: str, version: str) -> Bom:
    """The bill of materials.

    Args:
        lock: the text of the lock file.
        version: Setpoint's own.
    """
    own = Component(
        name="setpoint",
        version=version,
        type=ComponentType.APPLICATION,
        licenses=[LicenseExpression("Apache-2.0")],
        bom_ref="setpoint",
    )
    packages = [
        Component(
            name=name,
            version=locked,
            type=ComponentType.LIBRARY,
            purl=PackageURL("pypi", name=name, version=locked),
            # Of all its files, one of which is installed: a component's own digest would be of one.
            properties=[Property(name="setpoint:sha256", value=digest) for digest in _HASH.findall(rest)],
            bom_ref=f"{name}=={locked}",
        )
        for name, locked, rest in _PACKAGE.findall(lock)
    ]
    made = Bom(components=packages, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"setpoint {version}\n{lock}"))
    made.metadata.component = own
    made.metadata.timestamp = None  # type: ignore[assignment] - the same lock is to give the same bytes
    made.register_dependency(own, packages)
    return made


def main(target: Path = ROOT / "dist/setpoint.cdx.json") -> None:
    """Write it."""
    version = _VERSION.search((ROOT / "shared/setpoint/__init__.py").read_text())
    made = bill(LOCK.read_text(), version[1] if version else "0")
    target.parent.mkdir(exist_ok=True)
    target.write_text(JsonV1Dot6(made).output_as_string(indent=1) + "\n")
    sys.stdout.write(f"{target}: {len(made.components)} packages\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
