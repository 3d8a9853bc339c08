locals {
  # By variables alone: `terraform import` knows nothing of resources.
  deployed = toset(concat(
    ["detect", "sweep", "sync"],
    var.remediation.enabled ? ["remediate"] : [],
    var.alerts.enabled ? ["notify"] : [],
    var.alerts.enabled && var.alerts.buttons ? ["slack_actions"] : [],
    var.attribution.enabled ? ["attribute"] : [],
    var.console.enabled ? ["console"] : [],
    var.reports.enabled ? ["report"] : [],
  ))

  agents = {
    feed   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-cloudasset.iam.gserviceaccount.com"
    pubsub = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  }
}

# What the functions run as. None may change anything of the fleet, but remediate what remediation.tf lists; only sweep
# may read it.
resource "google_service_account" "function" {
  for_each = local.deployed

  project      = var.project_id
  account_id   = "setpoint-${replace(each.key, "_", "-")}"
  display_name = "Setpoint: ${each.key}"

  depends_on = [google_project_service.api]

  lifecycle {
    precondition {
      condition     = length(concat(local.unwritable, local.unreadable)) == 0
      error_message = "remediation or deep_reads names asset types whose permissions Setpoint does not know: ${join(", ", sort(distinct(concat(local.unwritable, local.unreadable))))}. docs/asset-types.md says which it can read and write."
    }
  }
}

locals {
  # Those that keep findings and publish events. The page and the report only read, and what strangers may call does neither.
  writers = {
    for name in ["attribute", "detect", "notify", "remediate", "sweep", "sync"] :
    name => google_service_account.function[name] if contains(local.deployed, name)
  }
}

resource "google_project_iam_member" "datastore_user" {
  for_each = local.writers

  project = var.project_id
  role    = "roles/datastore.user"
  member  = each.value.member

  condition {
    title      = "setpoint database"
    expression = "resource.name == \"projects/${var.project_id}/databases/${var.firestore.database}\""
  }
}

resource "google_pubsub_topic_iam_member" "drift_events" {
  for_each = local.writers

  project = var.project_id
  topic   = google_pubsub_topic.drift_events.name
  role    = "roles/pubsub.publisher"
  member  = each.value.member
}

resource "google_pubsub_topic_iam_member" "dead_letters_by_function" {
  for_each = toset(["detect", "sweep"])

  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function[each.key].member
}

# sweep publishes its own next steps.
resource "google_pubsub_topic_iam_member" "sweeps" {
  project = var.project_id
  topic   = google_pubsub_topic.sweeps.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.function["sweep"].member
}

# It lists what is watched, and is billed for its calls to the project that it runs in.
resource "google_organization_iam_member" "sweep" {
  for_each = toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "organizations/")])

  org_id = each.key
  role   = "roles/cloudasset.viewer"
  member = google_service_account.function["sweep"].member
}

resource "google_folder_iam_member" "sweep" {
  for_each = toset([for parent in var.watch : parent if startswith(parent, "folders/")])

  folder = each.key
  role   = "roles/cloudasset.viewer"
  member = google_service_account.function["sweep"].member
}

resource "google_project_iam_member" "sweep" {
  for_each = toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "projects/")])

  project = each.key
  role    = "roles/cloudasset.viewer"
  member  = google_service_account.function["sweep"].member
}

resource "google_project_iam_member" "sweep_calls" {
  project = var.project_id
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.function["sweep"].member
}

resource "google_storage_bucket_iam_member" "sync_reads" {
  bucket = google_storage_bucket.declarations.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.function["sync"].member
}

# Each source is a folder, and nobody but its uploaders may write there; setpoint/ is the module's own.
resource "google_storage_bucket_iam_member" "uploader" {
  for_each = local.uploads

  bucket = google_storage_bucket.declarations.name
  role   = "roles/storage.objectCreator"
  member = each.value.member

  condition {
    title      = "source ${each.value.source}"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.declarations.name}/objects/${each.value.source}/\")"
  }
}

# Feeds publish as the service agent of the project that Setpoint runs in.
resource "google_pubsub_topic_iam_member" "feed" {
  project = var.project_id
  topic   = google_pubsub_topic.asset_changes.name
  role    = "roles/pubsub.publisher"
  member  = local.agents.feed
}

# Dead letters are moved by Pub/Sub itself: it publishes them and takes them off the subscription (pushes.tf).
resource "google_pubsub_topic_iam_member" "dead_letters_by_pubsub" {
  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = local.agents.pubsub
}

# Who calls the functions that are pushed to: their subscriptions, with a token that Pub/Sub makes for this account.
resource "google_service_account" "push" {
  project      = var.project_id
  account_id   = "setpoint-push"
  display_name = "Setpoint: pushes messages to functions"

  depends_on = [google_project_service.api]
}

resource "google_service_account_iam_member" "push_token" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.agents.pubsub
}

# What the images are built as, instead of a default account that many organisations have disabled.
resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "setpoint-build"
  display_name = "Setpoint: builds the functions"

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])

  project = var.project_id
  role    = each.key
  member  = google_service_account.build.member
}

# Cloud Functions copies the archive to a bucket of its own before it builds.
resource "google_project_iam_member" "build_reads" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title      = "source of functions"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.source.name}\")"
  }
}

# A message may name a project by its number alone: detect reads that project once, to learn its id.
resource "google_organization_iam_member" "detect" {
  for_each = toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "organizations/")])

  org_id = each.key
  role   = "roles/browser"
  member = google_service_account.function["detect"].member
}

resource "google_folder_iam_member" "detect" {
  for_each = toset([for parent in var.watch : parent if startswith(parent, "folders/")])

  folder = each.key
  role   = "roles/browser"
  member = google_service_account.function["detect"].member
}

resource "google_project_iam_member" "detect" {
  for_each = toset([for parent in var.watch : split("/", parent)[1] if startswith(parent, "projects/")])

  project = each.key
  role    = "roles/browser"
  member  = google_service_account.function["detect"].member
}
