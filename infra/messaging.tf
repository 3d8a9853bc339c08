locals {
  week = "604800s"

  # The tasks of a sweep: Scheduler starts it, and sweep publishes the next tasks itself. Not ordered: the records of a
  # sweep show what is done. A shard that fails for hours is a dead letter, and unknown in the summary.
  sweep_pushes = {
    sweep = {
      function = "sweep"
      topic    = google_pubsub_topic.sweeps.id
    }
  }
}

resource "google_pubsub_topic" "asset_changes" {
  project                    = var.project_id
  name                       = "asset-changes"
  kms_key_name               = var.kms_key
  message_retention_duration = local.week # so that a week can be detected again: seek the subscription back

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

resource "google_pubsub_topic" "sweeps" {
  project      = var.project_id
  name         = "sweeps"
  kms_key_name = var.kms_key

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

resource "google_pubsub_topic" "drift_events" {
  project                    = var.project_id
  name                       = "drift-events"
  kms_key_name               = var.kms_key
  message_retention_duration = local.week # a consumer that comes later can start with the last week

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

resource "google_pubsub_topic" "dead_letters" {
  project      = var.project_id
  name         = "dead-letters"
  kms_key_name = var.kms_key

  depends_on = [google_kms_crypto_key_iam_member.agent, google_project_service.api]
}

# A subscription of our own rather than the function's implicit one, which takes 512 KB, keeps a day and has no dead letters.
# Not one of local.pushes, since it is pulled where there is a worker.
resource "google_pubsub_subscription" "detect" {
  project = var.project_id
  name    = "detect"
  topic   = google_pubsub_topic.asset_changes.id

  ack_deadline_seconds       = var.detect.timeout_seconds # sooner, a message would come again while it is being handled
  message_retention_duration = local.week
  # Feeds give their messages no ordering key: detect orders by the observations' times.
  enable_message_ordering = false

  dynamic "push_config" {
    for_each = var.worker.enabled ? [] : [google_cloudfunctions2_function.function["detect"].service_config[0].uri]

    content {
      # functions-framework takes the name of the topic from the path.
      push_endpoint = "${push_config.value}/${google_pubsub_topic.asset_changes.id}"

      oidc_token {
        service_account_email = google_service_account.push.email
        audience              = local.functions["detect"].environment.SETPOINT_PUSH_AUDIENCE
      }
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # detect sends what it cannot handle to the same topic itself, with a reason; this catches what never reaches its code,
  # such as a message without data, which functions-framework answers with 400.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = "" # never, however quiet the fleet is
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push,
    google_pubsub_topic_iam_member.dead_letters_by_pubsub,
    google_service_account_iam_member.push_token,
  ]
}

# Keeps drift events for whoever looks, until consumers have subscriptions of their own.
resource "google_pubsub_subscription" "drift_events" {
  project = var.project_id
  name    = "drift-events"
  topic   = google_pubsub_topic.drift_events.id

  message_retention_duration = local.week
  enable_message_ordering    = true # the ordering key is the resource name; a consumer's subscription wants this too

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "dead_letters" {
  project = var.project_id
  name    = "dead-letters"
  topic   = google_pubsub_topic.dead_letters.id

  filter                     = "NOT attributes:smoke" # a smoke test's letters are for the test that sent them
  message_retention_duration = "2678400s"             # 31 days, the most there is

  expiration_policy {
    ttl = ""
  }
}
