# Off unless var.secret_key_version names a version: then the key of the store is wrapped by it (docs/security.md).
# The version is added by hand: a key that Terraform made would lie in its state.
resource "google_secret_manager_secret" "key" {
  project   = var.project_id
  secret_id = "setpoint-secret-key"

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

locals {
  # By name, those that hide secrets. All are given one version, so that no two have different keys.
  hiding = var.secret_key_version == null ? {} : local.writers
}

resource "google_secret_manager_secret_iam_member" "key" {
  for_each = local.hiding

  project   = var.project_id
  secret_id = google_secret_manager_secret.key.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
