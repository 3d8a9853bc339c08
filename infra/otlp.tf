# Nothing, until var.otlp names a collector: then the functions that handle messages send it a span for each of them.
locals {
  # All that handle messages; slack_actions and the console answer people.
  traced = var.otlp.endpoint == null ? [] : [for name in local.deployed : name if !contains(["console", "slack_actions"], name)]

  otlp_environment = var.otlp.endpoint == null ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp.endpoint }
}

# The secret exists already: otherwise Terraform's state would contain its value.
resource "google_secret_manager_secret_iam_member" "otlp" {
  for_each = toset(var.otlp.headers_secret == null ? [] : local.traced)

  project   = var.project_id
  secret_id = var.otlp.headers_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.key].member

  depends_on = [google_project_service.api]
}
