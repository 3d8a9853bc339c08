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

resource "google_cloud_run_v2_service_iam_member" "push_to_notify" {
  for_each = local.notify

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

# What happens once a minute: groups that are complete, digests, escalations, what Slack did not take.
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

locals {
  notified = merge(
    var.alerts.enabled ? {
      # What happens to one resource is told in its order.
      "notify"       = { topic = google_pubsub_topic.drift_events.id, ordered = true, kept = local.week }
      "notify-ticks" = { topic = google_pubsub_topic.notify_ticks[0].id, ordered = false, kept = "600s" } # a tick of long ago says nothing
    } : {},
    var.alerts.enabled && var.alerts.buttons ? {
      "slack-actions" = { topic = google_pubsub_topic.slack_actions[0].id, ordered = false, kept = local.week }
    } : {},
  )
}

resource "google_pubsub_subscription" "notify" {
  for_each = local.notified

  project = var.project_id
  name    = each.key
  topic   = each.value.topic

  ack_deadline_seconds       = var.notify.timeout_seconds # sooner, a message would come again while it is being handled
  message_retention_duration = each.value.kept
  enable_message_ordering    = each.value.ordered

  push_config {
    # functions-framework takes the name of the topic from the path.
    push_endpoint = "${google_cloudfunctions2_function.function["notify"].service_config[0].uri}/${each.value.topic}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.functions["notify"].environment.SETPOINT_PUSH_AUDIENCE
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # notify sends what it cannot read to the same topic itself, with a reason; this catches what never reaches its code.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push_to_notify,
    google_pubsub_topic_iam_member.dead_letters_by_pubsub,
    google_service_account_iam_member.push_token,
  ]
}

resource "google_pubsub_subscription_iam_member" "dead_letters_of_notify" {
  for_each = google_pubsub_subscription.notify

  project      = var.project_id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}
