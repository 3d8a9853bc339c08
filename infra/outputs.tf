output "store" {
  description = "The store's URL, for `setpoint plan`, `apply` and `findings list` with --store."
  value       = local.store
}

output "declarations_bucket" {
  description = "The bucket for archives of declarations from CI."
  value       = google_storage_bucket.declarations.name
}

output "topics" {
  description = "The topics of feed messages, drift events and dead letters."
  value = {
    asset_changes = google_pubsub_topic.asset_changes.id
    drift_events  = google_pubsub_topic.drift_events.id
    dead_letters  = google_pubsub_topic.dead_letters.id
    sweeps        = google_pubsub_topic.sweeps.id
  }
}

output "subscriptions" {
  description = "The subscriptions of the functions and of dead letters."
  value = {
    detect       = google_pubsub_subscription.detect.id
    drift_events = google_pubsub_subscription.drift_events.id
    dead_letters = google_pubsub_subscription.dead_letters.id
    sweep        = google_pubsub_subscription.push["sweep"].id
  }
}

output "service_accounts" {
  description = "The service accounts of the functions."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "slack_actions" {
  description = "The URL for button clicks in Slack: the Request URL of the app's interactivity."
  value       = one([for name, function in google_cloudfunctions2_function.function : function.service_config[0].uri if name == "slack_actions"])
}

output "console" {
  description = "The URL of the report page, and the IP address for its DNS record; null while it is disabled."
  value = var.console.enabled ? {
    url     = "https://${var.console.domain}/"
    address = google_compute_global_address.console["console"].address
  } : null
}

output "reports" {
  description = "The dataset of the reports, project.dataset; null where there is none."
  value       = var.reports.enabled ? "${var.project_id}.${google_bigquery_dataset.reports["report"].dataset_id}" : null
}

output "needs" {
  description = "The manual prerequisites of each option, with commands, whether the option is enabled or not."
  value = {
    alerts = [
      "Before it is on, each of three secrets, which are there already, needs a version: setpoint-slack-token the bot token of the Slack app (infra/slack-app.yaml), setpoint-slack-signing-secret its signing secret, setpoint-sinks the addresses of webhooks, {} for none: printf %s VALUE | gcloud secrets versions add NAME --data-file=- --project=${var.project_id}",
      "Afterwards the app needs the Request URL in the output slack_actions, for its buttons.",
    ]
    console = [
      "Before it is on, Identity-Aware Proxy needs its service agent: gcloud beta services identity create --service=iap.googleapis.com --project=${var.project_id}",
      "Afterwards the A record of console.domain must be the address in the output console; the certificate is issued within an hour of that.",
      "In a project outside of an organisation Identity-Aware Proxy needs an OAuth client of its own: https://cloud.google.com/iap/docs/custom-oauth-configuration",
    ]
    remediation = [
      "It writes nothing until a policy says mode: auto and dryRun: false (docs/remediation.md); upload that beside the declarations to gs://${google_storage_bucket.declarations.name}.",
    ]
    kms_key = [
      "Before the first apply Google has to enable Firestore for it in this project: https://cloud.google.com/firestore/docs/use-cmek",
    ]
    secret_key_version = [
      "Before it is set, the existing secret setpoint-secret-key needs a version: openssl rand -base64 48 | gcloud secrets versions add setpoint-secret-key --data-file=- --project=${var.project_id}",
      "Afterwards, wrap the key in the database: setpoint secret-key wrap --store=firestore://${var.project_id}/${google_firestore_database.setpoint.name} (docs/security.md).",
    ]
    otlp = [
      "Before otlp.headers_secret is set, that secret must be in this project: printf %s 'NAME=VALUE' | gcloud secrets create NAME --data-file=- --project=${var.project_id}",
    ]
    watch_itself = [
      "The state of this root is declared by uploading it: docs/install.md, Watching Setpoint.",
    ]
    worker = [
      "Its image is built from this version: gcloud builds submit --tag=IMAGE --project=${var.project_id}",
    ]
    monitoring = [
      "Alerts about Setpoint itself show in the console only, until channels name where they go: gcloud beta monitoring channels list --project=${var.project_id}",
    ]
  }
}
