output "store" {
  description = "The store's URL, for `setpoint plan`, `apply` and `findings list` with --store."
  value       = local.store
}

output "declarations_bucket" {
  description = "Where CI uploads archives of declarations."
  value       = google_storage_bucket.declarations.name
}

output "topics" {
  description = "The topics: what comes in, what goes out, and what could not be handled."
  value = {
    asset_changes = google_pubsub_topic.asset_changes.id
    drift_events  = google_pubsub_topic.drift_events.id
    dead_letters  = google_pubsub_topic.dead_letters.id
    sweeps        = google_pubsub_topic.sweeps.id
  }
}

output "subscriptions" {
  description = "The subscriptions to look into."
  value = {
    detect       = google_pubsub_subscription.detect.id
    drift_events = google_pubsub_subscription.drift_events.id
    dead_letters = google_pubsub_subscription.dead_letters.id
    sweep        = google_pubsub_subscription.push["sweep"].id
  }
}

output "service_accounts" {
  description = "What the functions run as."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "slack_actions" {
  description = "Where Slack sends button clicks: the Request URL of the app's interactivity."
  value       = one([for name, function in google_cloudfunctions2_function.function : function.service_config[0].uri if name == "slack_actions"])
}

output "console" {
  description = "The report page, and the address that its name has to resolve to; null while it is off."
  value = var.console.enabled ? {
    url     = "https://${var.console.domain}/"
    address = google_compute_global_address.console["console"].address
  } : null
}

output "reports" {
  description = "The dataset of the reports, project.dataset; null where there is none."
  value       = var.reports.enabled ? "${var.project_id}.${google_bigquery_dataset.reports["report"].dataset_id}" : null
}
