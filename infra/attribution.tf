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

resource "google_cloud_run_v2_service_iam_member" "push_to_attribute" {
  for_each = local.attribution

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

resource "google_pubsub_subscription" "attribute" {
  for_each = local.attribution

  project = var.project_id
  name    = "attribute"
  topic   = google_pubsub_topic.audit_log[each.key].id

  ack_deadline_seconds       = var.attribute.timeout_seconds # sooner, a message would come again while it is being handled
  message_retention_duration = local.week
  enable_message_ordering    = false # entries are put in order by their times

  push_config {
    # functions-framework takes the name of the topic from the path.
    push_endpoint = "${google_cloudfunctions2_function.function["attribute"].service_config[0].uri}/${google_pubsub_topic.audit_log[each.key].id}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.functions["attribute"].environment.SETPOINT_PUSH_AUDIENCE
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # attribute sends what is no entry to the same topic itself, with a reason; this catches what never reaches its code.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push_to_attribute,
    google_pubsub_topic_iam_member.dead_letters_by_pubsub,
    google_service_account_iam_member.push_token,
  ]
}

resource "google_pubsub_subscription_iam_member" "dead_letters_of_attribute" {
  for_each = google_pubsub_subscription.attribute

  project      = var.project_id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}
