"""What no rule tells of single Terraform types: tables, each entry with its reason.

Source: https://registry.terraform.io/providers/hashicorp/google/latest/docs
"""

from __future__ import annotations

from collections.abc import Mapping

PROVIDER_ONLY = frozenset(
    (
        "allow_stopping_for_update",  # what the provider may do to make a change
        "create_ignore_already_exists",  # what it does where the resource is there already
        "delete_contents_on_destroy",  # what it does when the resource goes
        "delete_default_routes_on_create",  # an act on creation, no state
        "deletion_policy",  # what it does when the resource goes
        "deletion_protection",  # guards the resource in Terraform; where the API has it too, it is data
        "disable_on_destroy",  # what it does when the resource goes
        "disable_dependent_services",  # the same
        "effective_annotations",  # all annotations, the server's too
        "effective_labels",  # all labels, the provider's and the server's too
        "force_delete",  # what it does when the resource goes
        "force_destroy",  # the same
        "ignore_read_errors",  # how it reads
        "remove_default_node_pool",  # an act on creation, no state
        "skip_delete",  # what it does when the resource goes
        "skip_initial_version_creation",  # an act on creation, no state
        "terraform_labels",  # the declared labels once more
        "timeouts",  # how long it waits
        "wait_for_completion",  # whether it waits
        "id",  # Terraform's own name of the resource
        "self_link",  # the resource's address
        "project",  # in the resource's name
    )
)
"""Attributes that are addressed to the provider, whatever the type."""

UNCHECKED = "?"
"""Stands for a place that the API has not: the attribute is data, and yet cannot be compared."""

MOVES: Mapping[str, Mapping[str, str | None]] = {}
"""Terraform type → attribute → its API path, as `mapping.Moves` writes it."""

KEPT_APART: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # An instance is made with its clusters, which are resources of their own.
    "google_bigtable_instance": (("cluster", "bigtableadmin.googleapis.com/Cluster", "cluster_id"),),
    # Which account pays is said with the project, and kept by Cloud Billing.
    "google_project": (
        ("billing_account", "cloudbilling.googleapis.com/ProjectBillingInfo", "billing_account project_id"),
    ),
}
"""Terraform type → attributes that are resources of their own: the attribute, the asset type, and the block's own id
or, for a plain attribute, what belongs to it."""
