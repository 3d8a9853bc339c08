# Off unless var.worker.enabled: then changes are pulled by a pool of workers, many at a time, and not pushed to detect.
resource "google_cloud_run_v2_worker_pool" "worker" {
  count = var.worker.enabled ? 1 : 0

  project             = var.project_id
  location            = var.region
  name                = "setpoint-worker"
  description         = "Compares the changes of the fleet with what is declared, many at a time, and publishes drift."
  launch_stage        = "BETA"
  deletion_protection = false # it holds nothing

  scaling {
    manual_instance_count = var.worker.instances
  }

  template {
    service_account = google_service_account.function["detect"].email

    containers {
      image   = var.worker.image
      command = ["setpoint"]
      args    = ["worker", "--batch=${var.worker.batch}", "--messages=${var.worker.messages}"]

      dynamic "env" {
        for_each = merge(local.functions.detect.environment, { SETPOINT_SUBSCRIPTION = google_pubsub_subscription.detect.id })

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secret_key_version[*]

        content {
          name = "SETPOINT_SECRET_KEY"

          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.key.secret_id
              version = env.value
            }
          }
        }
      }

      resources {
        limits = {
          cpu    = var.worker.cpu
          memory = var.worker.memory
        }
      }
    }
  }

  depends_on = [
    google_project_iam_member.datastore_user,
    google_pubsub_subscription_iam_member.worker,
    google_secret_manager_secret_iam_member.key,
  ]
}

resource "google_pubsub_subscription_iam_member" "worker" {
  count = var.worker.enabled ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.detect.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.function["detect"].member
}
