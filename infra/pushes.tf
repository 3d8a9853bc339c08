# What is pushed to functions. What comes to which function is said in the file of its feature; here is how all of it is
# pushed. Each subscription is named by its key.
locals {
  pushes = {
    for name, push in merge(
      local.sweep_pushes,
      local.state_pushes,
      local.upload_pushes,
      local.attribute_pushes,
      local.notify_pushes,
      local.press_pushes,
      local.remediate_pushes,
      local.report_pushes,
    ) : name => merge({ filter = null, ordered = false, retention = local.week, backoff = "10s" }, push)
  }
}

resource "google_pubsub_subscription" "push" {
  for_each = local.pushes

  project = var.project_id
  name    = each.key
  topic   = each.value.topic
  filter  = each.value.filter

  # Sooner, a message would come again while it is being handled.
  ack_deadline_seconds       = local.functions[each.value.function].size.timeout_seconds
  message_retention_duration = each.value.retention
  enable_message_ordering    = each.value.ordered

  push_config {
    # functions-framework takes the name of the topic from the path.
    push_endpoint = "${google_cloudfunctions2_function.function[each.value.function].service_config[0].uri}/${each.value.topic}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.functions[each.value.function].environment.SETPOINT_PUSH_AUDIENCE
    }
  }

  retry_policy {
    minimum_backoff = each.value.backoff
    maximum_backoff = "600s"
  }

  # Most functions send what they cannot use to the same topic themselves, with a reason; this catches what never reaches
  # their code.
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

# Pub/Sub takes what could not be handled off the subscription itself.
resource "google_pubsub_subscription_iam_member" "dead_letters_by_pubsub" {
  for_each = toset(concat(["detect"], keys(local.pushes)))

  project      = var.project_id
  subscription = each.key == "detect" ? google_pubsub_subscription.detect.name : google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = toset(concat(["detect"], values(local.pushes)[*].function))

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}
