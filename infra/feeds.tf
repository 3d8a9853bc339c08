locals {
  # What Setpoint consists of and the inventory knows, beyond what feeds carry anyway.
  own_types = {
    RESOURCE = [
      "cloudasset.googleapis.com/Feed",
      "firestore.googleapis.com/Database",
      "logging.googleapis.com/LogMetric",
      "monitoring.googleapis.com/AlertPolicy",
      "run.googleapis.com/WorkerPool",
      "serviceusage.googleapis.com/Service",
    ]
    IAM_POLICY = ["bigquery.googleapis.com/Table"]
  }

  asset_types = {
    for content, types in var.asset_types :
    content => setunion(types, var.watch_itself ? lookup(local.own_types, content, []) : [])
  }

  # A feed carries one content type, so each watched parent has one feed for each.
  feeds = {
    for pair in setproduct(var.watch, [for content, types in local.asset_types : content if length(types) > 0]) :
    "${pair[0]} ${pair[1]}" => {
      kind    = split("/", pair[0])[0]
      parent  = split("/", pair[0])[1]
      content = pair[1]
      types   = sort(local.asset_types[pair[1]])
      id      = "setpoint-${lower(replace(pair[1], "_", "-"))}"
    } if pair[1] != "ACCESS_POLICY" || split("/", pair[0])[0] == "organizations" # only those hold access policies
  }
}

resource "google_cloud_asset_organization_feed" "feed" {
  for_each = { for name, feed in local.feeds : name => feed if feed.kind == "organizations" }

  billing_project = var.project_id
  org_id          = each.value.parent
  feed_id         = each.value.id
  content_type    = each.value.content
  asset_types     = each.value.types

  feed_output_config {
    pubsub_destination {
      topic = google_pubsub_topic.asset_changes.id
    }
  }

  depends_on = [google_pubsub_topic_iam_member.feed] # a feed is refused while it cannot publish
}

resource "google_cloud_asset_folder_feed" "feed" {
  for_each = { for name, feed in local.feeds : name => feed if feed.kind == "folders" }

  billing_project = var.project_id
  folder          = each.value.parent
  feed_id         = each.value.id
  content_type    = each.value.content
  asset_types     = each.value.types

  feed_output_config {
    pubsub_destination {
      topic = google_pubsub_topic.asset_changes.id
    }
  }

  depends_on = [google_pubsub_topic_iam_member.feed]
}

resource "google_cloud_asset_project_feed" "feed" {
  for_each = { for name, feed in local.feeds : name => feed if feed.kind == "projects" }

  billing_project = var.project_id
  project         = each.value.parent
  feed_id         = each.value.id
  content_type    = each.value.content
  asset_types     = each.value.types

  feed_output_config {
    pubsub_destination {
      topic = google_pubsub_topic.asset_changes.id
    }
  }

  depends_on = [google_pubsub_topic_iam_member.feed]
}
