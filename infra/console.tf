# Off unless var.console.enabled: then nothing of this is there, and no function can be reached from outside.
#
# Identity-Aware Proxy stands in the load balancer, since the provider knows it there in all versions that are allowed;
# the function lets in nobody but the proxy's own account, and checks the proxy's assertion itself once more.
locals {
  console = var.console.enabled ? toset(["console"]) : toset([])

  # Whom the proxy's assertions are for (https://cloud.google.com/iap/docs/signed-headers-howto).
  iap_audience = join("", [
    for one in google_compute_backend_service.console :
    "/projects/${data.google_project.this.number}/global/backendServices/${one.generated_id}"
  ])
}

# All that its account may do.
resource "google_project_iam_member" "console_reads" {
  for_each = local.console

  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "setpoint database"
    expression = "resource.name == \"projects/${var.project_id}/databases/${var.firestore.database}\""
  }
}

# The proxy calls as its own service agent: `gcloud beta services identity create --service=iap.googleapis.com` makes it.
resource "google_cloud_run_v2_service_iam_member" "console" {
  for_each = local.console

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

# Named by the service's name, and not by the function, which has to know the backend that lies above this.
resource "google_compute_region_network_endpoint_group" "console" {
  for_each = local.console

  project               = var.project_id
  region                = var.region
  name                  = "setpoint-${each.key}"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = "setpoint-${each.key}"
  }

  depends_on = [google_project_service.api]
}

resource "google_compute_backend_service" "console" {
  for_each = local.console

  project               = var.project_id
  name                  = "setpoint-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"

  backend {
    group = google_compute_region_network_endpoint_group.console[each.key].id
  }

  iap {
    enabled = true # with a client that Google manages
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_iap_web_backend_service_iam_member" "viewer" {
  for_each = var.console.enabled ? { for member in var.console.viewers : member => "console" } : {}

  project             = var.project_id
  web_backend_service = google_compute_backend_service.console[each.value].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.key
}

resource "google_compute_url_map" "console" {
  for_each = local.console

  project         = var.project_id
  name            = "setpoint-${each.key}"
  default_service = google_compute_backend_service.console[each.key].id
}

resource "google_compute_managed_ssl_certificate" "console" {
  for_each = local.console

  project = var.project_id
  name    = "setpoint-${each.key}"

  managed {
    domains = [var.console.domain]
  }

  depends_on = [google_project_service.api]
}

resource "google_compute_ssl_policy" "console" {
  for_each = local.console

  project         = var.project_id
  name            = "setpoint-${each.key}"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.api]
}

resource "google_compute_target_https_proxy" "console" {
  for_each = local.console

  project          = var.project_id
  name             = "setpoint-${each.key}"
  url_map          = google_compute_url_map.console[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.console[each.key].id]
  ssl_policy       = google_compute_ssl_policy.console[each.key].id
}

resource "google_compute_global_address" "console" {
  for_each = local.console

  project = var.project_id
  name    = "setpoint-${each.key}"

  depends_on = [google_project_service.api]
}

resource "google_compute_global_forwarding_rule" "console" {
  for_each = local.console

  project               = var.project_id
  name                  = "setpoint-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.console[each.key].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.console[each.key].id
}
