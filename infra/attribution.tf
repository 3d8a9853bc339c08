# Off unless var.attribution.enabled: who changed a resource, from the audit logs of all that is watched.
locals {
  attribution = var.attribution.enabled ? toset(["attribute"]) : toset([])
  audited     = var.attribution.enabled ? var.watch : toset([])

  # What changes something: no reads, and nothing of what is in clusters, of which there is very much. What has failed
  # changed nothing. What else attribute has no use for costs a message and is dropped.
  audit_filter = join(" AND ", [
    "(log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/system_event\"))",
    "NOT protoPayload.serviceName=\"k8s.io\"",
    "NOT protoPayload.status.code>0",
  ])

  audit_writers = merge(
    { for parent, sink in google_logging_organization_sink.audit : "organizations/${parent}" => sink.writer_identity },
    { for parent, sink in google_logging_folder_sink.audit : parent => sink.writer_identity },
    { for parent, sink in google_logging_project_sink.audit : "projects/${parent}" => sink.writer_identity },
  )

  # Not ordered: entries are put in order by their times.
  attribute_pushes = var.attribution.enabled ? {
    attribute = {
      function = "attribute"
      topic    = google_pubsub_topic.audit_log["attribute"].id
    }
  } : {}
}

resource "google_pubsub_topic" "audit_log" {
  for_each = local.attribution

  project                    = var.project_id
  name                       = "audit-log"
  kms_key_name               = var.kms_key
  message_retention_duration = local.week # so that a week can be attributed again: seek the subscription back

  depends_on = [google_project_service.api]
}

resource "google_logging_organization_sink" "audit" {
  for_each = toset([for parent in local.audited : split("/", parent)[1] if startswith(parent, "organizations/")])

  org_id           = each.key
  name             = "setpoint-audit-log"
  description      = "What changes resources, for Setpoint to tell who did."
  destination      = "pubsub.googleapis.com/${google_pubsub_topic.audit_log["attribute"].id}"
  filter           = local.audit_filter
  include_children = true
}

resource "google_logging_folder_sink" "audit" {
  for_each = toset([for parent in local.audited : parent if startswith(parent, "folders/")])

  folder           = each.key
  name             = "setpoint-audit-log"
  description      = "What changes resources, for Setpoint to tell who did."
  destination      = "pubsub.googleapis.com/${google_pubsub_topic.audit_log["attribute"].id}"
  filter           = local.audit_filter
  include_children = true
}

resource "google_logging_project_sink" "audit" {
  for_each = toset([for parent in local.audited : split("/", parent)[1] if startswith(parent, "projects/")])

  project                = each.key
  name                   = "setpoint-audit-log"
  description            = "What changes resources, for Setpoint to tell who did."
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.audit_log["attribute"].id}"
  filter                 = local.audit_filter
  unique_writer_identity = true
}

# Each sink writes as an account of its own.
resource "google_pubsub_topic_iam_member" "audit_log" {
  for_each = local.audit_writers

  project = var.project_id
  topic   = google_pubsub_topic.audit_log["attribute"].name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

resource "google_pubsub_topic_iam_member" "dead_letters_by_attribute" {
  for_each = local.attribution

  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}
