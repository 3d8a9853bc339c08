"""Rules for declarations that name no owner, mode or grace period themselves, such as those of Terraform states."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from setpoint.model import globs, terraform_addresses
from setpoint.model.declaration import Declaration, Mode, Owner


class Conditions(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which declarations a rule is about; all conditions must hold, and an empty one always holds.

    Args:
        addresses: Terraform addresses, or globs as ``module.net.*``.
        modules: Terraform modules around the resource, at any depth, as ``module.net``.
        files: files or URLs of states.
        projects: project ids.
        asset_types: Cloud Asset Inventory's types.
        folders: ``folders/NUMBER`` and ``organizations/NUMBER`` around the resource, at any distance.
    """

    addresses: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def fits(self, declaration: Declaration, projects: Iterable[str] = (), folders: Iterable[str] = ()) -> bool:
        """Whether the rule applies to a declaration.

        Args:
            declaration: the declaration.
            projects: further names of its project.
            folders: the ancestors of its resource.
        """
        address = declaration.source.address
        conditions = (
            (self.asset_types, (declaration.asset_type,)),
            (self.addresses, (address,)),
            (self.modules, modules_of(address) if self.modules else ()),
            (self.files, (declaration.source.file,)),
            (self.projects, (declaration.project, *projects)),
            (self.folders, folders),
        )
        return all(
            not wanted or any(name and globs.matches(wanted, name) for name in names) for wanted, names in conditions
        )


class OwnerRule(Conditions, frozen=True, omit_defaults=True):
    """A rule for declarations that name no owner, mode or grace period.

    Args:
        owner: the owner.
        mode: the most permissive remediation mode; None for the policy's.
        settle: the grace period in seconds; None for the policy's.
        ignore: patterns of paths that are not compared.
    """

    owner: Owner = Owner()
    mode: Mode | None = None
    settle: float | None = None
    ignore: tuple[str, ...] = ()

    def applied(self, declaration: Declaration, name: str) -> Declaration:
        """A declaration with the rule's values where it has none, and the rule's ignored paths.

        Args:
            declaration: the declaration.
            name: the rule's name, for the reason of what is ignored.
        """
        ignored = [pattern for pattern in self.ignore if pattern not in declaration.ignore]
        return replace(
            declaration,
            owner=self.owner if declaration.owner == Owner() else declaration.owner,
            mode=declaration.mode or self.mode,
            settle=self.settle if declaration.settle is None else declaration.settle,
            ignore=(*declaration.ignore, *ignored),
            ignored_by={**declaration.ignored_by, **{pattern: f"{name}: ignore {pattern}" for pattern in ignored}},
        )


def modules_of(address: str) -> tuple[str, ...]:
    """The Terraform modules around a resource, without keys: ``module.a``, ``module.a.module.b``."""
    steps = terraform_addresses.without_keys(address).split(".")
    depth = 0
    while depth + 1 < len(steps) and steps[depth] == "module":
        depth += 2
    return tuple(".".join(steps[: index + 2]) for index in range(0, depth, 2))
