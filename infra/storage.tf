# Where CI puts archives of declarations; each that arrives is applied by sync.
resource "google_storage_bucket" "declarations" {
  project                     = var.project_id
  name                        = "${var.project_id}-setpoint"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = true # an archive that is uploaded again does not hide what was applied before
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    condition {
      age = var.archive_days
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

resource "google_storage_bucket" "source" {
  project                     = var.project_id
  name                        = "${var.project_id}-setpoint-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # every archive in it can be made again from its commit

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      num_newer_versions = 1 # a name tells its content: what is replaced was the same
    }
    action {
      type = "Delete"
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "setpoint-${filemd5(var.source_archive)}.zip" # a new name has the functions built again
  source = var.source_archive
}
