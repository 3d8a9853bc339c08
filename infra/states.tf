# Buckets of Terraform states: each object that an apply writes is told to sync (uploads.tf), which reads that state. The buckets
# may be in other projects and regions.
locals {
  state_projects = toset([for states in values(var.state_buckets) : coalesce(states.project, var.project_id)])
}

resource "google_pubsub_topic" "state_changes" {
  count = length(var.state_buckets) > 0 ? 1 : 0

  project                    = var.project_id
  name                       = "state-changes"
  kms_key_name               = var.kms_key
  message_retention_duration = local.week

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

data "google_storage_project_service_account" "states" {
  for_each = local.state_projects

  project = each.key
}

resource "google_pubsub_topic_iam_member" "state_changes" {
  for_each = local.state_projects

  project = var.project_id
  topic   = google_pubsub_topic.state_changes[0].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${data.google_storage_project_service_account.states[each.key].email_address}"
}

resource "google_storage_notification" "states" {
  for_each = var.state_buckets

  bucket             = each.key
  topic              = google_pubsub_topic.state_changes[0].id
  payload_format     = "JSON_API_V1" # functions-framework refuses a message without data
  event_types        = ["OBJECT_FINALIZE", "OBJECT_DELETE"]
  object_name_prefix = each.value.prefix == "" ? null : each.value.prefix

  depends_on = [google_pubsub_subscription.push, google_pubsub_topic_iam_member.state_changes]
}

# To read, on these buckets alone.
resource "google_storage_bucket_iam_member" "states" {
  for_each = var.state_buckets

  bucket = each.key
  role   = "roles/storage.objectViewer"
  member = google_service_account.function["sync"].member
}
