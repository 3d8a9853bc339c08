# Scheduler begins a sweep every some hours, and has what waits looked after every minute.
locals {
  jobs = {
    sweep = {
      description = "Compares the whole inventory with what is declared."
      schedule    = var.sweep_schedule
      message = {
        kind     = "start"
        scopes   = sort(var.watch)
        contents = sort([for content, types in local.asset_types : lower(content) if length(types) > 0])
        types    = sort(setunion(values(local.asset_types)...))
      }
    }
    heal = {
      description = "Publishes what a crash left behind, and evaluates drift whose grace period is over."
      schedule    = "* * * * *"
      message     = { kind = "heal" }
    }
  }
}

resource "google_cloud_scheduler_job" "job" {
  for_each = local.jobs

  project     = var.project_id
  region      = var.region
  name        = "setpoint-${each.key}"
  description = each.value.description
  schedule    = each.value.schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.sweeps.id
    data       = base64encode(jsonencode(each.value.message))
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_service.api]
}
