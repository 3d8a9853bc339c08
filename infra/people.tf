# Who works with the command line: readers look, operators also apply, approve, pause and replay. docs/install.md lists what each command asks for.
locals {
  database_only = {
    title      = "setpoint database"
    expression = "resource.name == \"projects/${var.project_id}/databases/${var.firestore.database}\""
  }

  # Topics that commands publish to: events of what they do, and dead letters back to where they came from.
  operated = {
    for pair in setproduct(var.operators, ["asset-changes", "drift-events", "sweeps", "uploads"]) :
    "${pair[0]} ${pair[1]}" => { member = pair[0], topic = pair[1] }
  }
}

resource "google_project_iam_member" "readers" {
  for_each = var.readers

  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = each.key

  condition {
    title      = local.database_only.title
    expression = local.database_only.expression
  }
}

resource "google_project_iam_member" "operators" {
  for_each = var.operators

  project = var.project_id
  role    = "roles/datastore.user"
  member  = each.key

  condition {
    title      = local.database_only.title
    expression = local.database_only.expression
  }
}

resource "google_pubsub_topic_iam_member" "operators" {
  for_each = local.operated

  project = var.project_id
  topic   = each.value.topic
  role    = "roles/pubsub.publisher"
  member  = each.value.member

  depends_on = [google_pubsub_topic.asset_changes, google_pubsub_topic.drift_events, google_pubsub_topic.sweeps, google_pubsub_topic.uploads]
}

resource "google_pubsub_subscription_iam_member" "operators" {
  for_each = var.operators

  project      = var.project_id
  subscription = google_pubsub_subscription.dead_letters.name
  role         = "roles/pubsub.subscriber"
  member       = each.key
}
