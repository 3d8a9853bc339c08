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
      age            = var.archive_days
      matches_prefix = [for name in keys(local.sources) : "${name}/"] # setpoint/ holds a document, and no archives
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

# The functions' source, from the repository that this module came in: source/ has its layout, as links. The same content
# gives the same bytes. What Git ignores stays out; a module that came by git:: holds only what Git tracks.
data "archive_file" "source" {
  count = var.source_archive == null ? 1 : 0

  type             = "zip"
  source_dir       = "${path.module}/source"
  output_path      = "${path.root}/.terraform/setpoint-${var.project_id}.zip"
  output_file_mode = "0644" # whatever the umask was

  excludes = [
    for pattern in compact(split("\n", file("${path.module}/../.gitignore"))) : "**/${trim(pattern, "/")}"
  ]
}

locals {
  archive = one(concat(data.archive_file.source[*].output_path, var.source_archive[*]))
  digest  = one(concat(data.archive_file.source[*].output_md5, [for archive in var.source_archive[*] : filemd5(archive)]))
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "setpoint-${local.digest}.zip" # a new name has the functions built again
  source = local.archive
}
