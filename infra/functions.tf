locals {
  retention = "audit=${var.retention.audit_days},gone=${var.retention.gone_days},resolved=${var.retention.resolved_days}"
  # Who may call a function from elsewhere than this project.
  ingress = {
    console       = "ALLOW_INTERNAL_AND_GCLB"
    slack_actions = "ALLOW_ALL"
  }

  store = "firestore://${var.project_id}/${google_firestore_database.setpoint.name}"

  # Each function's address by project number, which is known before it is made; pushes carry tokens for it
  # (https://cloud.google.com/run/docs/triggering/https-request#deterministic).
  host = "${data.google_project.this.number}.${var.region}.run.app"

  functions = {
    attribute = {
      description = "Attributes drift to whoever changed the resource, by audit logs."
      size        = var.attribute
      environment = {
        SETPOINT_PUSH_ACCOUNT      = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE     = "https://setpoint-attribute-${local.host}"
        SETPOINT_STORE             = local.store
        SETPOINT_EVENTS_TOPIC      = google_pubsub_topic.drift_events.id
        SETPOINT_DEAD_LETTER_TOPIC = google_pubsub_topic.dead_letters.id
        SETPOINT_MASK_IP           = tostring(var.attribution.mask_ip)
        SETPOINT_OWN_ACCOUNTS      = join(",", values(google_service_account.function)[*].email)
      }
    }
    detect = {
      description = "Compares each change of the fleet with what is declared, and publishes drift."
      size        = var.detect
      environment = {
        SETPOINT_PUSH_ACCOUNT      = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE     = "https://setpoint-detect-${local.host}"
        SETPOINT_STORE             = local.store
        SETPOINT_EVENTS_TOPIC      = google_pubsub_topic.drift_events.id
        SETPOINT_DEAD_LETTER_TOPIC = google_pubsub_topic.dead_letters.id
      }
    }
    remediate = {
      description = "Remediates drift as the policy says: writes, asks, delegates or waits."
      size        = var.remediate
      environment = {
        SETPOINT_PUSH_ACCOUNT      = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE     = "https://setpoint-remediate-${local.host}"
        SETPOINT_STORE             = local.store
        SETPOINT_EVENTS_TOPIC      = google_pubsub_topic.drift_events.id
        SETPOINT_DEAD_LETTER_TOPIC = google_pubsub_topic.dead_letters.id
      }
    }
    notify = {
      description = "Alerts people, and carries out their button clicks."
      size        = var.notify
      environment = {
        SETPOINT_PUSH_ACCOUNT      = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE     = "https://setpoint-notify-${local.host}"
        SETPOINT_STORE             = local.store
        SETPOINT_EVENTS_TOPIC      = google_pubsub_topic.drift_events.id
        SETPOINT_DEAD_LETTER_TOPIC = google_pubsub_topic.dead_letters.id
        SETPOINT_SWEEP_TOPIC       = google_pubsub_topic.sweeps.id # the button Why? asks sweep for the history of a finding
        SETPOINT_HISTORY_CALLS     = tostring(var.history.calls_an_hour)
      }
      secrets = {
        SETPOINT_SLACK_TOKEN = "slack-token"
        SETPOINT_SINKS       = "sinks"
      }
    }
    slack_actions = {
      description = "Checks button clicks from Slack, and passes them to notify."
      size        = var.slack_actions
      environment = {
        SETPOINT_ACTIONS_TOPIC = one(google_pubsub_topic.slack_actions[*].id)
      }
      secrets = {
        SETPOINT_SLACK_SIGNING_SECRET = "slack-signing-secret"
      }
    }
    report = {
      description = "Writes the snapshots of a day to BigQuery, and the digest of the week before."
      size        = var.report
      environment = {
        SETPOINT_PUSH_ACCOUNT  = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE = "https://setpoint-report-${local.host}"
        SETPOINT_STORE         = local.store
        SETPOINT_DATASET       = "${var.project_id}.${var.reports.dataset}"
      }
    }
    sweep = {
      description = "Compares the whole inventory with what is declared, a shard a message; publishes what waits."
      size        = var.sweep
      environment = {
        SETPOINT_PUSH_ACCOUNT      = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE     = "https://setpoint-sweep-${local.host}"
        SETPOINT_STORE             = local.store
        SETPOINT_EVENTS_TOPIC      = google_pubsub_topic.drift_events.id
        SETPOINT_DEAD_LETTER_TOPIC = google_pubsub_topic.dead_letters.id
        SETPOINT_SWEEP_TOPIC       = google_pubsub_topic.sweeps.id
        SETPOINT_SWEEP_SECONDS     = tostring(floor(var.sweep.timeout_seconds * 0.7)) # a page, or the end, may take long
        SETPOINT_HISTORY_CALLS     = tostring(var.history.calls_an_hour)
        SETPOINT_MASK_IP           = tostring(var.attribution.mask_ip)
        SETPOINT_OWN_ACCOUNTS      = join(",", values(google_service_account.function)[*].email)
      }
    }
    console = {
      description = "Serves the report page behind Identity-Aware Proxy; read-only."
      size        = var.console
      environment = {
        SETPOINT_STORE        = local.store
        SETPOINT_IAP_AUDIENCE = local.iap_audience
      }
    }
    sync = {
      description = "Applies the archives of declarations that arrive in a bucket."
      size        = var.sync
      environment = {
        SETPOINT_PUSH_ACCOUNT        = google_service_account.push.email
        SETPOINT_PUSH_AUDIENCE       = "https://setpoint-sync-${local.host}"
        SETPOINT_STORE               = local.store
        SETPOINT_EVENTS_TOPIC        = google_pubsub_topic.drift_events.id
        SETPOINT_DECLARATIONS_BUCKET = google_storage_bucket.declarations.name
        SETPOINT_STATE_BUCKETS = jsonencode({
          for bucket, states in var.state_buckets : bucket => { prefix = states.prefix, grace = states.grace_seconds }
        })
      }
    }
  }
}

resource "google_cloudfunctions2_function" "function" {
  for_each = { for name, one in local.functions : name => one if contains(local.deployed, name) }

  project     = var.project_id
  location    = var.region
  name        = "setpoint-${replace(each.key, "_", "-")}"
  description = each.value.description

  build_config {
    runtime         = var.runtime
    entry_point     = each.key
    service_account = google_service_account.build.id

    environment_variables = {
      GOOGLE_FUNCTION_SOURCE = "functions/${each.key}/main.py"
      # Installs what requirements.txt of the archive locks, by its hashes; pyproject.toml beside it comes second.
      GOOGLE_PYTHON_PACKAGE_MANAGER = "uv"
    }

    source {
      storage_source {
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.function[each.key].email
    # Pub/Sub of this project counts as internal; Slack calls from outside, people through a load balancer.
    ingress_settings                 = lookup(local.ingress, each.key, "ALLOW_INTERNAL_ONLY")
    available_memory                 = each.value.size.memory
    available_cpu                    = each.value.size.cpu
    timeout_seconds                  = each.value.size.timeout_seconds
    max_instance_request_concurrency = each.value.size.concurrency
    min_instance_count               = each.value.size.min_instances
    max_instance_count               = each.value.size.max_instances
    vpc_connector                    = var.vpc_connector
    vpc_connector_egress_settings    = var.vpc_connector == null ? null : "PRIVATE_RANGES_ONLY" # Google's APIs and Slack are outside

    environment_variables = merge(
      each.value.environment,
      { PYTHONPATH = "/workspace/shared", SETPOINT_RETENTION = local.retention }, # where the library lies
      contains(local.traced, each.key) ? local.otlp_environment : {},
    )

    dynamic "secret_environment_variables" {
      for_each = try(each.value.secrets, {})

      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = google_secret_manager_secret.notify[secret_environment_variables.value].secret_id
        version    = "latest" # read when an instance starts
      }
    }

    dynamic "secret_environment_variables" {
      for_each = contains(keys(local.hiding), each.key) ? [var.secret_key_version] : []

      content {
        key        = "SETPOINT_SECRET_KEY"
        project_id = var.project_id
        secret     = google_secret_manager_secret.key.secret_id
        version    = secret_environment_variables.value
      }
    }

    dynamic "secret_environment_variables" {
      for_each = contains(local.traced, each.key) ? var.otlp.headers_secret[*] : []

      content {
        key        = "OTEL_EXPORTER_OTLP_HEADERS"
        project_id = var.project_id
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }

  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.build_reads,
    google_project_iam_member.console_reads,
    google_project_iam_member.datastore_user,
    google_project_service.api,
    google_storage_bucket_iam_member.sync_reads,
    google_pubsub_topic_iam_member.sweeps,
    google_secret_manager_secret_iam_member.key,
    google_secret_manager_secret_iam_member.notify,
    google_secret_manager_secret_iam_member.otlp,
  ]
}
