# Off unless var.alerts.enabled: then only the secrets are there, empty, so that they can be filled beforehand.
locals {
  notify = var.alerts.enabled ? toset(["notify"]) : toset([])
  press  = var.alerts.enabled && var.alerts.buttons ? toset(["slack_actions"]) : toset([])

  # Who reads which secret.
  readers = {
    slack-token          = local.notify
    sinks                = local.notify
    slack-signing-secret = local.press
  }

  notify_pushes = var.alerts.enabled ? {
    notify = {
      function  = "notify"
      topic     = google_pubsub_topic.drift_events.id
      ordered   = true # what happens to one resource is told in its order
      retention = local.week
    }
    notify-ticks = {
      function  = "notify"
      topic     = google_pubsub_topic.notify_ticks[0].id
      ordered   = false
      retention = "600s" # a tick of long ago says nothing
    }
  } : {}

  press_pushes = var.alerts.enabled && var.alerts.buttons ? {
    slack-actions = {
      function = "notify"
      topic    = google_pubsub_topic.slack_actions[0].id
    }
  } : {}
}

# Their versions are added by hand (docs/slack.md): a secret in Terraform's variables would lie in its state.
resource "google_secret_manager_secret" "notify" {
  for_each = local.readers

  project   = var.project_id
  secret_id = "setpoint-${each.key}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_iam_member" "notify" {
  for_each = { for pair in flatten([for secret, names in local.readers : [for name in names : { secret = secret, name = name }]]) : pair.secret => pair.name }

  project   = var.project_id
  secret_id = google_secret_manager_secret.notify[each.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value].member
}

resource "google_pubsub_topic" "notify_ticks" {
  count = length(local.notify)

  project      = var.project_id
  name         = "notify-ticks"
  kms_key_name = var.kms_key

  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic" "slack_actions" {
  count = length(local.press)

  project      = var.project_id
  name         = "slack-actions"
  kms_key_name = var.kms_key

  depends_on = [google_project_service.api]
}

# slack_actions has no other right on any data than to publish there, and to read the one secret.
resource "google_pubsub_topic_iam_member" "slack_actions" {
  for_each = local.press

  project = var.project_id
  topic   = google_pubsub_topic.slack_actions[0].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}

# The one function that anybody may call: Slack has no account with Google, and signs what it sends, which the function
# checks before it looks at anything else. An organisation that restricts members by domain has to except it.
resource "google_cloud_run_v2_service_iam_member" "slack_calls" {
  for_each = local.press

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_pubsub_topic_iam_member" "dead_letters_by_notify" {
  for_each = local.notify

  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}

# What happens once a minute: groups that are complete, digests, escalations, what Slack did not accept.
resource "google_cloud_scheduler_job" "notify" {
  for_each = local.notify

  project     = var.project_id
  region      = var.region
  name        = "setpoint-notify"
  description = "Has notify go on with what is due."
  schedule    = "* * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.notify_ticks[0].id
    data       = base64encode("tick") # functions-framework refuses a message without data
    attributes = { type = "tick" }
  }
}
