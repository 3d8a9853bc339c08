# Off unless var.reports.enabled. Drift events go from their topic into BigQuery with no code of ours in between; report
# writes, once a day, what no event tells. Which table is for what: docs/decisions/0022-the-warehouse.md.
locals {
  reports = var.reports.enabled ? toset(["report"]) : toset([])

  # A filter and no condition: both results of a condition have one type, and tables differ in theirs.
  tables = { for name, table in local.all_tables : name => table if var.reports.enabled }

  all_tables = {
    drift_events = {
      by        = "recordedtime"
      clustered = ["project", "assettype"]
      about     = "Every drift event, in columns; the values that differ are in drift_messages."
    }
    drift_messages = {
      by        = "publish_time"
      clustered = null
      about     = "Every drift event as it was published, with all values."
    }
    findings_snapshot = {
      by        = "day"
      clustered = ["project", "asset_type"]
      about     = "The findings as they were on each day."
    }
    coverage_snapshot = {
      by        = "day"
      clustered = null
      about     = "How much of what is declared is checked, on each day."
    }
    sweeps_snapshot = {
      by        = "day"
      clustered = null
      about     = "The latest run of each sweep, on each day."
    }
    digests = {
      by        = "day"
      clustered = null
      about     = "The week before each day, of the fleet and of each team."
    }
  }

  # Subscriptions by the table that they write. A message keeps its values only where it is written whole: a JSON column
  # takes them from a string, and events have them as they are.
  written = var.reports.enabled ? {
    drift_events = {
      in_columns    = true
      with_metadata = false # its column `data` has the name of one of the metadata
    }
    drift_messages = {
      in_columns    = false
      with_metadata = true
    }
  } : {}

  views = var.reports.enabled ? {
    for file in fileset("${path.module}/bigquery/views", "*.sql") : trimsuffix(file, ".sql") => templatefile("${path.module}/bigquery/views/${file}", {
      project = var.project_id
      dataset = var.reports.dataset
      days    = var.reports.days
    })
  } : {}

  report_pushes = var.reports.enabled ? {
    report = {
      function  = "report"
      topic     = google_pubsub_topic.reports["report"].id
      retention = "86400s" # then there is another day's
      backoff   = "60s"
    }
  } : {}
}

resource "google_bigquery_dataset" "reports" {
  for_each = local.reports

  project                    = var.project_id
  dataset_id                 = var.reports.dataset
  location                   = coalesce(var.reports.location, var.region)
  description                = "Drift reports, written by Setpoint."
  delete_contents_on_destroy = !var.deletion_protection

  # Tables take it from here.
  dynamic "default_encryption_configuration" {
    for_each = var.kms_key[*]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [google_project_service.reports, google_kms_crypto_key_iam_member.agent]
}

resource "google_project_service" "reports" {
  for_each = var.reports.enabled ? toset(["bigquery.googleapis.com"]) : toset([])

  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}

# Schemas are written by `make schemas` from the models, and only ever grow: see bigquery/history.json.
resource "google_bigquery_table" "table" {
  for_each = local.tables

  project                  = var.project_id
  dataset_id               = google_bigquery_dataset.reports["report"].dataset_id
  table_id                 = each.key
  description              = each.value.about
  schema                   = file("${path.module}/bigquery/${each.key}.schema.json")
  clustering               = each.value.clustered
  require_partition_filter = true # nobody reads all history by mistake
  deletion_protection      = var.deletion_protection

  time_partitioning {
    type          = "DAY"
    field         = each.value.by
    expiration_ms = var.reports.keep_days * 86400000
  }
}

# Others are made of it, so that it is there first.
resource "google_bigquery_table" "events" {
  for_each = local.reports

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.reports[each.key].dataset_id
  table_id            = "events"
  deletion_protection = false # a view holds nothing

  view {
    query          = local.views["events"]
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.table]
}

resource "google_bigquery_table" "view" {
  for_each = { for name, query in local.views : name => query if name != "events" }

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.reports["report"].dataset_id
  table_id            = each.key
  deletion_protection = false

  view {
    query          = each.value
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.events]
}

# Pub/Sub writes as an account of its own, so that nobody who may make subscriptions may write these tables.
resource "google_service_account" "warehouse" {
  for_each = local.reports

  project      = var.project_id
  account_id   = "setpoint-warehouse"
  display_name = "Setpoint: writes drift events to BigQuery"

  depends_on = [google_project_service.api]
}

resource "google_service_account_iam_member" "warehouse_token" {
  for_each = local.reports

  service_account_id = google_service_account.warehouse[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents.pubsub
}

resource "google_bigquery_table_iam_member" "warehouse" {
  for_each = local.written

  project    = var.project_id
  dataset_id = google_bigquery_dataset.reports["report"].dataset_id
  table_id   = google_bigquery_table.table[each.key].table_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.warehouse["report"].member
}

resource "google_pubsub_subscription" "warehouse" {
  for_each = local.written

  project = var.project_id
  name    = "${replace(each.key, "_", "-")}-to-bigquery"
  topic   = google_pubsub_topic.drift_events.id

  message_retention_duration = local.week
  enable_message_ordering    = false # events say their order, and one that is refused would hold back those after it

  bigquery_config {
    table                 = "${var.project_id}.${var.reports.dataset}.${google_bigquery_table.table[each.key].table_id}"
    use_table_schema      = each.value.in_columns
    drop_unknown_fields   = each.value.in_columns # the values, and whatever a newer version says before its columns are there
    write_metadata        = each.value.with_metadata
    service_account_email = google_service_account.warehouse["report"].email
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.warehouse_dead_letters["report"].id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_bigquery_table_iam_member.warehouse,
    google_pubsub_topic_iam_member.warehouse_dead_letters,
    google_service_account_iam_member.warehouse_token,
  ]
}

# Events that BigQuery does not take, apart from messages that functions do not: they are good events, to be sent again
# when the table is fixed.
resource "google_pubsub_topic" "warehouse_dead_letters" {
  for_each = local.reports

  project      = var.project_id
  name         = "warehouse-dead-letters"
  kms_key_name = var.kms_key

  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "warehouse_dead_letters" {
  for_each = local.reports

  project = var.project_id
  name    = "warehouse-dead-letters"
  topic   = google_pubsub_topic.warehouse_dead_letters[each.key].id

  message_retention_duration = "2678400s" # 31 days, the most there is

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic_iam_member" "warehouse_dead_letters" {
  for_each = local.reports

  project = var.project_id
  topic   = google_pubsub_topic.warehouse_dead_letters[each.key].name
  role    = "roles/pubsub.publisher"
  member  = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "warehouse_dead_letters" {
  for_each = local.written

  project      = var.project_id
  subscription = google_pubsub_subscription.warehouse[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

# report: loads into the dataset, and nothing else.
resource "google_bigquery_dataset_iam_member" "report" {
  for_each = local.reports

  project    = var.project_id
  dataset_id = google_bigquery_dataset.reports[each.key].dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.function[each.key].member
}

resource "google_project_iam_member" "report" {
  for_each = local.reports

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.function[each.key].member
}

resource "google_bigquery_dataset_iam_member" "readers" {
  for_each = var.reports.enabled ? var.reports.readers : toset([])

  project    = var.project_id
  dataset_id = google_bigquery_dataset.reports["report"].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.key
}

resource "google_pubsub_topic" "reports" {
  for_each = local.reports

  project      = var.project_id
  name         = "reports"
  kms_key_name = var.kms_key

  depends_on = [google_project_service.api]
}

resource "google_cloud_scheduler_job" "report" {
  for_each = local.reports

  project     = var.project_id
  region      = var.region
  name        = "setpoint-report"
  description = "Triggers the snapshots of the day."
  schedule    = var.reports.schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.reports[each.key].id
    data       = base64encode("report") # functions-framework refuses a message without data
  }

  retry_config {
    retry_count = 3
  }
}

# Of the database it reads only.
resource "google_project_iam_member" "report_reads" {
  for_each = local.reports

  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = google_service_account.function[each.key].member

  condition {
    title      = local.database_only.title
    expression = local.database_only.expression
  }
}
