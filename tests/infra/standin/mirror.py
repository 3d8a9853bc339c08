"""A mirror of providers in which Terraform finds the stand-ins and asks no registry."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from infra.standin import provider

VERSIONS = {"google": "7.45.0", "archive": "2.7.1"}
"""The versions whose schemas the stand-ins have."""
_ENTRY_POINTS = {"google": provider.google.__name__, "archive": provider.archives.__name__}


def write(folder: Path) -> Path:
    """Write the mirror into a folder.

    Returns:
        A configuration of Terraform, for the environment variable TF_CLI_CONFIG_FILE.
    """
    for name, version in VERSIONS.items():
        place = folder / "registry.terraform.io/hashicorp" / name / version / "linux_amd64"
        place.mkdir(parents=True)
        launcher = place / f"terraform-provider-{name}_v{version}"
        launcher.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
            f"from infra.standin import provider\n"
            f"provider.{_ENTRY_POINTS[name]}()\n"
        )
        launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    configuration = folder / "terraformrc"
    configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n')
    return configuration
