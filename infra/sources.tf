# What each source may declare: a document that only this module may write, in a folder that nobody else may upload to.
locals {
  everything = ["policy", "limits", "alerting", "scopes", "ignore"]

  sources = merge(
    {
      default = {
        uploaders     = var.uploaders
        everywhere    = true
        organizations = []
        folders       = []
        projects      = []
        asset_types   = []
        carries       = local.everything
        teams         = ["*"]
      }
    },
    var.sources,
    {
      for bucket, states in var.state_buckets : trimsuffix("gs://${bucket}/${states.prefix}", "/") => {
        uploaders     = []
        everywhere    = states.everywhere
        organizations = states.organizations
        folders       = states.folders
        projects      = states.projects
        asset_types   = []
        carries       = []
        teams         = states.teams
      }
    },
  )

  uploads = merge([
    for name, source in local.sources : { for member in source.uploaders : "${name} ${member}" => { source = name, member = member } }
  ]...)
}

resource "google_storage_bucket_object" "sources" {
  bucket       = google_storage_bucket.declarations.name
  name         = "setpoint/sources.json"
  content_type = "application/json"
  metadata     = { not-seen-yet = tostring(var.sources_not_seen_yet) }
  # The line break makes another object of it, so that sync is told when only the variable has changed.
  content = join("", [jsonencode({
    apiVersion = "setpoint.dev/v1"
    kind       = "Sources"
    metadata   = { name = "sources" }
    spec = {
      sources = [
        for name, source in local.sources : {
          name          = name
          uploaders     = sort(source.uploaders)
          everywhere    = source.everywhere
          organizations = sort(source.organizations)
          folders       = sort(source.folders)
          projects      = sort(source.projects)
          assetTypes    = sort(source.asset_types)
          carries       = sort(source.carries)
          teams         = sort(source.teams)
        }
      ]
    }
  }), var.sources_not_seen_yet ? "\n" : ""])

  # Before the notification is there nothing would tell sync of it.
  depends_on = [google_storage_notification.uploads]
}
