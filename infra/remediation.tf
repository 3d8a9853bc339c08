# Off unless var.remediation.enabled: then nothing of this is there, and no account may change anything of the fleet.
locals {
  remediation = var.remediation.enabled ? toset(["remediate"]) : toset([])

  # What each asset type asks for, as `python infra/permissions.py` writes it; a type that it does not list is refused.
  permissions = jsondecode(file("${path.module}/permissions.json"))
  granted = sort(distinct(flatten([
    [for type in var.remediation.resources : try(local.permissions[type].resource, [])],
    [for type in var.remediation.policies : try(local.permissions[type].iam_policy, [])],
  ])))
  unwritable = concat(
    [for type in var.remediation.resources : type if !can(local.permissions[type].resource)],
    [for type in var.remediation.policies : type if !can(local.permissions[type].iam_policy)],
  )

  # A custom role belongs to an organisation or a project, and is granted where remediation may write.
  place  = var.remediation.enabled ? split("/", var.remediation.within) : ["", ""]
  in_org = var.remediation.enabled && var.remediation_role_in != null
}

resource "google_organization_iam_custom_role" "remediate" {
  count = local.in_org ? 1 : 0

  org_id      = var.remediation_role_in
  role_id     = "setpointRemediate"
  title       = "Setpoint: remediate"
  description = "Read and write the asset types that Setpoint remediates; by rule, from what their methods need."
  permissions = local.granted
}

resource "google_project_iam_custom_role" "remediate" {
  count = var.remediation.enabled && !local.in_org ? 1 : 0

  project     = local.place[1] # of another place it would not be known there: set remediation_role_in
  role_id     = "setpointRemediate"
  title       = "Setpoint: remediate"
  description = "Read and write the asset types that Setpoint remediates; by rule, from what their methods need."
  permissions = local.granted

  lifecycle {
    precondition {
      condition     = local.place[0] == "projects"
      error_message = "remediation.within is not a project: set remediation_role_in to the number of its organisation."
    }
  }
}

locals {
  # Not ordered: what is stored decides, whichever event comes first, and one that fails would hold back those after it.
  remediate_pushes = var.remediation.enabled ? {
    remediate = {
      function  = "remediate"
      topic     = google_pubsub_topic.drift_events.id
      filter    = "attributes.type = \"drift.opened\" OR attributes.type = \"drift.changed\""
      retention = local.week
    }
    remediate-ticks = {
      function  = "remediate"
      topic     = google_pubsub_topic.remediate_ticks["remediate"].id
      filter    = null
      retention = "600s" # a tick of long ago says nothing
    }
  } : {}

  role_ids = concat(google_organization_iam_custom_role.remediate[*].id, google_project_iam_custom_role.remediate[*].id)
}

resource "google_organization_iam_member" "remediate" {
  count = local.place[0] == "organizations" ? 1 : 0

  org_id = local.place[1]
  role   = local.role_ids[0]
  member = google_service_account.function["remediate"].member
}

resource "google_folder_iam_member" "remediate" {
  count = local.place[0] == "folders" ? 1 : 0

  folder = var.remediation.within
  role   = local.role_ids[0]
  member = google_service_account.function["remediate"].member
}

resource "google_project_iam_member" "remediate" {
  count = local.place[0] == "projects" ? 1 : 0

  project = local.place[1]
  role    = local.role_ids[0]
  member  = google_service_account.function["remediate"].member
}

# Right before a write it reads in which folders the project is by now, since rules and pauses are by folder.
resource "google_organization_iam_member" "remediate_places" {
  for_each = var.remediation.enabled ? toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "organizations/")]) : toset([])

  org_id = each.key
  role   = "roles/browser"
  member = google_service_account.function["remediate"].member
}

resource "google_folder_iam_member" "remediate_places" {
  for_each = var.remediation.enabled ? toset([for parent in var.watch : parent if startswith(parent, "folders/")]) : toset([])

  folder = each.key
  role   = "roles/browser"
  member = google_service_account.function["remediate"].member
}

resource "google_project_iam_member" "remediate_places" {
  for_each = var.remediation.enabled ? toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "projects/")]) : toset([])

  project = each.key
  role    = "roles/browser"
  member  = google_service_account.function["remediate"].member
}

resource "google_pubsub_topic_iam_member" "dead_letters_by_remediate" {
  for_each = local.remediation

  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}

# What happens once a minute: whatever is due is gone on with.
resource "google_pubsub_topic" "remediate_ticks" {
  for_each = local.remediation

  project      = var.project_id
  name         = "remediate-ticks"
  kms_key_name = var.kms_key

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

resource "google_cloud_scheduler_job" "remediate" {
  for_each = local.remediation

  project     = var.project_id
  region      = var.region
  name        = "setpoint-remediate"
  description = "Has remediate resume what is due."
  schedule    = "* * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.remediate_ticks[each.key].id
    data       = base64encode("tick") # functions-framework refuses a message without data
    attributes = { type = "tick" }
  }
}
