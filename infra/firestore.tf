resource "google_firestore_database" "setpoint" {
  project     = var.project_id
  name        = var.firestore.database
  location_id = coalesce(var.firestore.location, var.region)
  type        = "FIRESTORE_NATIVE"

  # Nothing else remembers which drift is open and since when.
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"

  dynamic "cmek_config" {
    for_each = var.kms_key[*]

    content {
      kms_key_name = cmek_config.value
    }
  }

  lifecycle {
    # A database keeps the place and the key that it was made with: Terraform would destroy it for another one.
    ignore_changes = [cmek_config, location_id]
  }

  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

locals {
  # Fields that no query uses. Firestore indexes every field otherwise, twice, and each entry is written and paid.
  unindexed = {
    actors        = ["body"]
    audit         = ["body"]
    control       = ["body"]
    control_parts = ["body"]
    desired       = ["body"]
    findings      = ["body", "content", "name", "observation"]
    notices       = ["body"]
    pages         = ["body"] # of a manifest
    parts         = ["body"] # of a manifest of an older version
    places        = ["body"]
    problems      = ["body"]
    projects      = ["id"]
    shard_parts   = ["body"]
    shards        = ["body"]
    slots         = ["body"]
    sweeps        = ["body"]
    threads       = ["body"]
  }
}

resource "google_firestore_field" "unindexed" {
  for_each = merge([
    for collection, fields in local.unindexed : {
      for field in fields : "${collection}.${field}" => { collection = collection, field = field }
    }
  ]...)

  project    = var.project_id
  database   = google_firestore_database.setpoint.name
  collection = each.value.collection
  field      = each.value.field

  index_config {} # no index at all
}

# Who changed a resource is kept for a week, audit trails and records of deleted resources for var.retention, what people were told for two months, problems of records for three days:
# Firestore deletes what has expired.
resource "google_firestore_field" "expires" {
  for_each = toset(["actors", "audit", "findings", "notices", "places", "problems", "slots", "threads"])

  project    = var.project_id
  database   = google_firestore_database.setpoint.name
  collection = each.value
  field      = "expires"

  index_config {} # no index at all

  ttl_config {}
}
