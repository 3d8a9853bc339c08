# Off unless var.history.calls_an_hour: since when and by whom findings drift that began unseen. sweep reads the history of
# the inventory, which its role to list it includes, and the Admin Activity and System Event logs of what is watched.
locals {
  reads_history = var.history.calls_an_hour > 0
  log_parents   = local.reads_history ? var.watch : toset([])
}

resource "google_organization_iam_member" "sweep_reads_logs" {
  for_each = toset([for parent in local.log_parents : split("/", parent)[1] if startswith(parent, "organizations/")])

  org_id = each.key
  role   = "roles/logging.viewer" # no Data Access logs
  member = google_service_account.function["sweep"].member
}

resource "google_folder_iam_member" "sweep_reads_logs" {
  for_each = toset([for parent in local.log_parents : parent if startswith(parent, "folders/")])

  folder = each.key
  role   = "roles/logging.viewer"
  member = google_service_account.function["sweep"].member
}

resource "google_project_iam_member" "sweep_reads_logs" {
  for_each = toset([for parent in local.log_parents : split("/", parent)[1] if startswith(parent, "projects/")])

  project = each.key
  role    = "roles/logging.viewer"
  member  = google_service_account.function["sweep"].member
}

# A click on Why? has sweep read the history of that finding.
resource "google_pubsub_topic_iam_member" "notify_asks_sweep" {
  count = local.reads_history && var.alerts.enabled ? 1 : 0

  project = var.project_id
  topic   = google_pubsub_topic.sweeps.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function["notify"].member
}

resource "google_cloud_scheduler_job" "history" {
  count = local.reads_history ? 1 : 0

  project     = var.project_id
  region      = var.region
  name        = "setpoint-history"
  description = "Reads since when and by whom findings drift that began unseen."
  schedule    = "17 * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.sweeps.id
    data       = base64encode(jsonencode({ kind = "history" }))
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_service.api]
}
