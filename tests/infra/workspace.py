"""Terraform on a copy of a module, with stand-ins for the providers: no account, and no registry is asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from infra.blocks import INFRA, TERRAFORM
from infra.functions_archive import copy_repository
from infra.standin import provider
from infra.standin.states import States

_SECONDS = 300
_SETTINGS = {"TF_IN_AUTOMATION": "1", "GOGC": "400"}
"""Terraform is short-lived and has little to collect: a third of its time otherwise."""
_DECORATION = re.compile(r"[│╷╵]|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Standins:
    """What stands in for providers and backend.

    Args:
        mirror: a configuration of Terraform by which it finds the providers.
        states: where states are kept.
    """

    mirror: Path
    states: States


@dataclass(frozen=True)
class PlannedChange:
    """A change that Terraform plans.

    Args:
        address: of a resource, or of an output, ``output.store``.
        action: as Terraform calls it in its output as JSON. Source:
            https://developer.hashicorp.com/terraform/internals/machine-readable-ui#planned-change
    """

    address: str
    action: str


class TerraformError(Exception):
    """Terraform ended with an error."""


class Workspace:
    """A root module that Terraform works in, with its state beside it.

    Args:
        folder: of the root module; its state is kept by the stand-in for a backend.
        standins: what stands in for providers and backend.
        attached: whether this process serves the providers, which is quicker than Terraform starting them for each
            of its walks.
    """

    def __init__(self, folder: Path, standins: Standins, *, attached: bool = True) -> None:
        self.folder = folder
        self._states = standins.states
        self._environment = {**os.environ, **_SETTINGS, "TF_CLI_CONFIG_FILE": str(standins.mirror)}
        if attached:
            self._environment["TF_REATTACH_PROVIDERS"] = provider.reattach(folder)
        (folder / "backend_override.tf").write_text(standins.states.backend(str(folder)))
        self.run("init", "-input=false")

    @classmethod
    def of_module(cls, folder: Path, standins: Standins) -> Workspace:
        """The module itself as a root, in a copy of its repository."""
        return cls(copy_repository(folder) / "infra", standins)

    @classmethod
    def of_example(cls, folder: Path, standins: Standins, example: str, source: str) -> Workspace:
        """An example as somebody copies it: with the address of the module in it, and the variables of its example."""
        shutil.copytree(INFRA / "examples" / example, folder)
        main = folder / "main.tf"
        main.write_text(main.read_text().replace('source = "../.."', f'source = "{source}"'))
        shutil.copy(folder / "terraform.tfvars.example", folder / "terraform.tfvars")
        return cls(folder, standins)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform.

        Raises:
            TerraformError: it failed; says what it wrote.
        """
        command = [TERRAFORM, f"-chdir={self.folder}", *arguments, "-no-color"]
        done = subprocess.run(
            command, env=self._environment, check=False, capture_output=True, text=True, timeout=_SECONDS
        )
        if done.returncode:
            raise TerraformError(" ".join(_DECORATION.sub(" ", done.stderr + done.stdout).split()))
        return done

    def plan(self, values: dict[str, Any], *options: str) -> dict[str, Any]:
        """Plan with these variables and options of ``terraform plan``; the plan as JSON, ``show -json``."""
        self.set(values)
        self.run("plan", "-input=false", "-out=made.tfplan", *options)
        return json.loads(self.run("show", "-json", "made.tfplan").stdout)

    def apply(self, values: dict[str, Any]) -> None:
        """Apply with these variables, to what the state says: nobody else has changed it."""
        self.set(values)
        self.run("apply", "-input=false", "-auto-approve", "-refresh=false")

    def apply_plan(self) -> None:
        """Apply what was planned last."""
        self.run("apply", "-input=false", "made.tfplan")

    def resources(self) -> set[str]:
        """The addresses of all that is there."""
        return addresses_in(json.loads(self.state()))

    def planned_resources(self, values: dict[str, Any]) -> set[str]:
        """The addresses of all that would be there after an apply with these variables."""
        self.set(values)
        changes = self.planned_changes("-refresh=false")
        resources = [change for change in changes if not change.address.startswith("output.")]
        created = {change.address for change in resources if change.action == "create"}
        deleted = {change.address for change in resources if change.action == "delete"}
        return (self.resources() | created) - deleted

    def changes(self) -> list[str]:
        """The addresses that another plan with the same variables would change, outputs among them."""
        return [change.address for change in self.planned_changes()]

    def planned_changes(self, *options: str) -> list[PlannedChange]:
        """What a plan with the same variables would change; without values, which take another run of Terraform."""
        lines = self.run("plan", "-input=false", "-json", *options).stdout.splitlines()
        changes = [change for line in lines for change in _planned_changes(json.loads(line))]
        return sorted(changes, key=attrgetter("address"))

    def destroy(self) -> list[str]:
        """Destroy everything that the state says; the addresses that are left."""
        self.run("destroy", "-input=false", "-auto-approve", "-refresh=false")
        return self.run("state", "list").stdout.split()

    def state(self) -> bytes:
        """The state."""
        return self._states.read(str(self.folder))

    def put_state(self, state: dict[str, Any]) -> None:
        """Go on from another state."""
        self._states.write(str(self.folder), state)

    def set(self, values: dict[str, Any]) -> None:
        """Set the variables; without any they stay as they are."""
        if values:
            (self.folder / "terraform.tfvars.json").write_text(json.dumps(values))


def _planned_changes(message: dict[str, Any]) -> list[PlannedChange]:
    if message["type"] == "planned_change":
        planned = {message["change"]["resource"]["addr"]: message["change"]["action"]}
    else:
        planned = {f"output.{name}": output["action"] for name, output in message.get("outputs", {}).items()}
    return [PlannedChange(address, action) for address, action in planned.items() if action not in ("noop", "read")]


def addresses_in(state: dict[str, Any]) -> set[str]:
    """The addresses of all that a state has, without data sources."""
    managed = (resource for resource in state["resources"] if resource["mode"] == "managed")
    return {_address(resource, instance) for resource in managed for instance in resource["instances"]}


def _address(resource: dict[str, Any], instance: dict[str, Any]) -> str:
    """The address of an instance in a state, as ``terraform state list`` writes it."""
    place = [resource["module"]] if "module" in resource else []
    key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return ".".join([*place, resource["type"], resource["name"]]) + key


def addresses(plan: dict[str, Any]) -> set[str]:
    """The addresses of all resources that a plan adds."""
    changes = plan.get("resource_changes", ())
    return {change["address"] for change in changes if change["change"]["actions"] == ["create"]}
