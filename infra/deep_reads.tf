# Off unless var.deep_reads.enabled: then sweep may read the listed asset types through their own APIs, for the fields that
# the inventory lacks. The policy says which resources are read, and how many in a minute.
locals {
  readable = sort(distinct(flatten([
    for type in var.deep_reads.resources : [for name in try(local.permissions[type].resource, []) : name if endswith(name, ".get")]
  ])))
  unreadable = [for type in var.deep_reads.resources : type if !can(local.permissions[type].resource)]

  # A custom role belongs to an organisation or a project, and is granted where sweep may read.
  read_place  = var.deep_reads.enabled ? split("/", var.deep_reads.within) : ["", ""]
  read_in_org = var.deep_reads.enabled && var.deep_reads.role_in != null
}

resource "google_organization_iam_custom_role" "deep_reads" {
  count = local.read_in_org ? 1 : 0

  org_id      = var.deep_reads.role_in
  role_id     = "setpointDeepReads"
  title       = "Setpoint: read"
  description = "Read the asset types that Setpoint reads through their own APIs beside the inventory."
  permissions = local.readable
}

resource "google_project_iam_custom_role" "deep_reads" {
  count = var.deep_reads.enabled && !local.read_in_org ? 1 : 0

  project     = local.read_place[1] # of another place it would not be known there: set deep_reads.role_in
  role_id     = "setpointDeepReads"
  title       = "Setpoint: read"
  description = "Read the asset types that Setpoint reads through their own APIs beside the inventory."
  permissions = local.readable

  lifecycle {
    precondition {
      condition     = local.read_place[0] == "projects"
      error_message = "deep_reads.within is not a project: set deep_reads.role_in to the number of its organisation."
    }
  }
}

locals {
  read_roles = concat(google_organization_iam_custom_role.deep_reads[*].id, google_project_iam_custom_role.deep_reads[*].id)
}

resource "google_organization_iam_member" "deep_reads" {
  count = local.read_place[0] == "organizations" ? 1 : 0

  org_id = local.read_place[1]
  role   = local.read_roles[0]
  member = google_service_account.function["sweep"].member
}

resource "google_folder_iam_member" "deep_reads" {
  count = local.read_place[0] == "folders" ? 1 : 0

  folder = var.deep_reads.within
  role   = local.read_roles[0]
  member = google_service_account.function["sweep"].member
}

resource "google_project_iam_member" "deep_reads" {
  count = local.read_place[0] == "projects" ? 1 : 0

  project = local.read_place[1]
  role    = local.read_roles[0]
  member  = google_service_account.function["sweep"].member
}
