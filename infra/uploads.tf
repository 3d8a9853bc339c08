# What Cloud Storage tells sync: archives of declarations, and states of Terraform. Buckets notify topics of this module's own, so
# that the storage agent publishes nowhere else, and sync's subscriptions are pushed with a token for sync's own address, as all are.
locals {
  upload_pushes = {
    uploads = {
      function = "sync"
      topic    = google_pubsub_topic.uploads.id
    }
  }

  state_pushes = length(var.state_buckets) > 0 ? {
    state-changes = {
      function = "sync"
      topic    = google_pubsub_topic.state_changes[0].id
    }
  } : {}
}

resource "google_pubsub_topic" "uploads" {
  project                    = var.project_id
  name                       = "uploads"
  kms_key_name               = var.kms_key
  message_retention_duration = local.week

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

data "google_storage_project_service_account" "agent" {
  project = var.project_id

  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "uploads" {
  project = var.project_id
  topic   = google_pubsub_topic.uploads.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${data.google_storage_project_service_account.agent.email_address}"
}

resource "google_storage_notification" "uploads" {
  bucket         = google_storage_bucket.declarations.name
  topic          = google_pubsub_topic.uploads.id
  payload_format = "JSON_API_V1" # functions-framework refuses a message without data
  event_types    = ["OBJECT_FINALIZE"]

  # A topic keeps nothing for a subscription that is not there yet.
  depends_on = [google_pubsub_subscription.push, google_pubsub_topic_iam_member.uploads]
}
