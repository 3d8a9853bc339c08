# What an operator sees and is woken by. The metrics are made from the lines that the functions log, so that no client is
# loaded to write them; tests/infra holds each filter to a line that the code really writes.
locals {
  logged = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name =~ \"^setpoint-\""

  # value: the field that is measured, null to count lines; labels: fields to tell lines apart by.
  metrics = {
    messages = {
      what   = "Messages, by function and outcome."
      filter = "jsonPayload.event = \"handled\""
      value  = null
      unit   = "1"
      labels = ["function", "outcome"]
    }
    detection_latency = {
      what   = "From the change of a resource to the stored verdict, for new changes."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"detect\" AND jsonPayload.detection_seconds >= 0"
      value  = "detection_seconds"
      unit   = "s"
      labels = ["outcome"]
    }
    queue_age = {
      what   = "From publishing a message to handling it."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.queue_seconds >= 0"
      value  = "queue_seconds"
      unit   = "s"
      labels = ["function"]
    }
    handling_time = {
      what   = "Time of handling a message."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.took_seconds >= 0"
      value  = "took_seconds"
      unit   = "s"
      labels = ["function"]
    }
    compare_time = {
      what   = "Time of comparing, for a message."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"detect\" AND jsonPayload.compare_seconds >= 0"
      value  = "compare_seconds"
      unit   = "s"
      labels = []
    }
    store_conflicts = {
      what   = "How often another worker wrote the same record in between."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.conflicts > 0"
      value  = "conflicts"
      unit   = "1"
      labels = ["function"]
    }
    remediations = {
      what   = "Decisions about remediation, by outcome."
      filter = "jsonPayload.event = \"remediation\""
      value  = null
      unit   = "1"
      labels = ["outcome"]
    }
    breaker_open = {
      what   = "Minutes with an open circuit breaker."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"remediate\" AND jsonPayload.breaker_open = true"
      value  = null
      unit   = "1"
      labels = []
    }
    sweep_age = {
      what   = "Time since the last sweep ended."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"sweep\" AND jsonPayload.sweep_age_seconds >= 0"
      value  = "sweep_age_seconds"
      unit   = "s"
      labels = []
    }
    coverage = {
      what   = "The part of what is declared that a sweep could compare."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"sweep\" AND jsonPayload.coverage >= 0"
      value  = "coverage"
      unit   = "1"
      labels = []
    }
    retention_lag = {
      what   = "How long the oldest resolved finding that a sweep has left is overdue to be dropped."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"sweep\" AND jsonPayload.retention_lag_seconds >= 0"
      value  = "retention_lag_seconds"
      unit   = "s"
      labels = []
    }
    set_aside = {
      what   = "Events and observations that can never be handled, and were set aside."
      filter = "jsonPayload.event = \"set_aside\""
      value  = null
      unit   = "1"
      labels = ["kind"]
    }
    record_problems = {
      what   = "Stored records that a run could not read."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.record_problems > 0"
      value  = "record_problems"
      unit   = "1"
      labels = ["function"]
    }
    refused_archives = {
      what   = "Uploads of declarations of which nothing was applied."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"sync\" AND jsonPayload.outcome = \"refused\""
      value  = null
      unit   = "1"
      labels = []
    }
    claims = {
      what   = "Declarations that do not count: of sources that may not make them, or that two sources make."
      filter = "jsonPayload.event = \"claim_refused\""
      value  = null
      unit   = "1"
      labels = ["source"]
    }
    source_age = {
      what   = "Time since the source of declarations that was uploaded longest ago."
      filter = "jsonPayload.event = \"handled\" AND jsonPayload.function = \"sweep\" AND jsonPayload.source_age_seconds >= 0"
      value  = "source_age_seconds"
      unit   = "s"
      labels = []
    }
    refused = {
      what   = "Requests that a function refused for want of a valid token."
      filter = "jsonPayload.event = \"refused\""
      value  = null
      unit   = "1"
      labels = []
    }
  }

  from_logs = { for name in keys(local.metrics) : name => "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/setpoint/${name}\"" }
  waiting   = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription"

  # Each is named as its runbook in runbooks/, which the alert carries along.
  thresholds = {
    dead-letters = {
      title    = "there are dead letters"
      severity = "ERROR"
      filter   = "${local.waiting}/num_undelivered_messages\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.dead_letters.name}\""
      above    = 0
      aligner  = "ALIGN_MAX"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
    queue-age = {
      title    = "messages wait too long"
      severity = "WARNING"
      # What is pulled waits until somebody comes; what is pushed should not.
      filter  = "${local.waiting}/oldest_unacked_message_age\" AND resource.labels.subscription_id != \"${local.warehouse_dead_letters}\" AND resource.labels.subscription_id != \"${google_pubsub_subscription.dead_letters.name}\" AND resource.labels.subscription_id != \"${google_pubsub_subscription.drift_events.name}\""
      above   = var.monitoring.queue_age_seconds
      aligner = "ALIGN_MAX"
      reducer = "REDUCE_MAX"
      of      = null
      lasting = "300s"
    }
    error-ratio = {
      title    = "functions fail"
      severity = "ERROR"
      filter   = "${local.from_logs["messages"]} AND metric.labels.outcome = \"failed\""
      above    = var.monitoring.error_ratio
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = local.from_logs["messages"]
      lasting  = "300s"
    }
    breaker-open = {
      title    = "the circuit breaker is open: remediation has stopped"
      severity = "ERROR"
      filter   = local.from_logs["breaker_open"]
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
    sweep-missing = {
      title    = "no sweep has ended"
      severity = "WARNING"
      filter   = local.from_logs["sweep_age"]
      above    = var.monitoring.sweep_age_hours * 3600
      aligner  = "ALIGN_DELTA"
      reducer  = "REDUCE_MEAN"
      of       = null
      lasting  = "300s"
    }
    retention-lag = {
      title    = "resolved findings are kept too long"
      severity = "WARNING"
      filter   = local.from_logs["retention_lag"]
      above    = 7 * 24 * 3600
      aligner  = "ALIGN_DELTA"
      reducer  = "REDUCE_MEAN"
      of       = null
      lasting  = "0s"
    }
    set-aside = {
      title    = "something was set aside"
      severity = "WARNING"
      filter   = local.from_logs["set_aside"]
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
    problem-records = {
      title    = "stored records cannot be read"
      severity = "ERROR"
      filter   = local.from_logs["record_problems"]
      above    = 0
      aligner  = "ALIGN_DELTA"
      reducer  = "REDUCE_MEAN"
      of       = null
      lasting  = "0s"
    }
    refused-archive = {
      title    = "an archive of declarations was refused"
      severity = "WARNING"
      filter   = local.from_logs["refused_archives"]
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
    refused-declarations = {
      title    = "declarations are refused"
      severity = "ERROR"
      filter   = local.from_logs["claims"]
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
    remediation-failed = {
      title    = "remediation fails"
      severity = "WARNING"
      filter   = "${local.from_logs["remediations"]} AND metric.labels.outcome = \"failed\""
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
      on       = var.remediation.enabled
    }
    source-late = {
      title    = "a source of declarations was not uploaded in time"
      severity = "WARNING"
      filter   = local.from_logs["source_age"]
      above    = coalesce(var.monitoring.source_age_hours, 1) * 3600
      aligner  = "ALIGN_DELTA"
      reducer  = "REDUCE_MEAN"
      of       = null
      lasting  = "300s"
      on       = var.monitoring.source_age_hours != null
    }
    warehouse-dead-letters = {
      title    = "BigQuery does not take drift events"
      severity = "ERROR"
      filter   = "${local.waiting}/num_undelivered_messages\" AND resource.labels.subscription_id = \"${local.warehouse_dead_letters}\""
      above    = 0
      aligner  = "ALIGN_MAX"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
      on       = var.reports.enabled
    }
    refused-requests = {
      title    = "requests are refused"
      severity = "CRITICAL"
      filter   = local.from_logs["refused"]
      above    = 0
      aligner  = "ALIGN_RATE"
      reducer  = "REDUCE_SUM"
      of       = null
      lasting  = "0s"
    }
  }
  runbooks               = "${path.module}/runbooks"
  warehouse_dead_letters = "warehouse-dead-letters" # of bigquery.tf; there only with reports

  # Two ways that have nothing in common: what functions log, and what Scheduler has Pub/Sub take. A tick comes every minute.
  heartbeats = {
    handled_message = "${local.from_logs["messages"]} AND metric.labels.function = \"sweep\""
    published_tick  = "resource.type = \"pubsub_topic\" AND metric.type = \"pubsub.googleapis.com/topic/send_request_count\" AND resource.labels.topic_id = \"${google_pubsub_topic.sweeps.name}\""
  }
}

resource "google_logging_metric" "metric" {
  for_each = local.metrics

  project     = var.project_id
  name        = "setpoint/${each.key}"
  description = each.value.what
  filter      = "${local.logged} AND ${each.value.filter}"

  value_extractor  = each.value.value == null ? null : "EXTRACT(jsonPayload.${each.value.value})"
  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.value == null ? "INT64" : "DISTRIBUTION"
    unit        = each.value.unit

    dynamic "labels" {
      for_each = toset(each.value.labels)

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  dynamic "bucket_options" {
    for_each = each.value.value[*]

    content {
      exponential_buckets {
        num_finite_buckets = 64
        growth_factor      = 1.5
        scale              = 0.0001 # 0.1 ms to some hundred days
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = { for name, threshold in local.thresholds : name => threshold if try(threshold.on, true) }

  project               = var.project_id
  display_name          = "Setpoint: ${each.value.title}"
  enabled               = true
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.monitoring.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = each.value.lasting
      denominator_filter = each.value.of

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.of[*]

        content {
          alignment_period     = "300s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = each.value.reducer
        }
      }
    }
  }

  documentation {
    subject   = "Setpoint: ${each.value.title}"
    content   = "Runbook: infra/runbooks/${each.key}.md\n\n${file("${local.runbooks}/${each.key}.md")}"
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.metric] # an alert on a metric that is not there is refused
}

resource "google_monitoring_alert_policy" "feed_silent" {
  project               = var.project_id
  display_name          = "Setpoint: no feed message"
  enabled               = true
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.monitoring.channels

  conditions {
    display_name = "no message of a feed"

    condition_absent {
      filter   = "resource.type = \"pubsub_topic\" AND metric.type = \"pubsub.googleapis.com/topic/send_request_count\" AND resource.labels.topic_id = \"${google_pubsub_topic.asset_changes.name}\""
      duration = "${var.monitoring.feed_silence_minutes * 60}s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    subject   = "Setpoint: no feed message"
    content   = "Runbook: infra/runbooks/feed-silent.md\n\n${file("${local.runbooks}/feed-silent.md")}"
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.api]
}

# Whoever watches is to be missed when it falls silent.
resource "google_monitoring_alert_policy" "installation_silent" {
  project               = var.project_id
  display_name          = "Setpoint: the installation is silent"
  enabled               = true
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.monitoring.channels

  dynamic "conditions" {
    for_each = local.heartbeats

    content {
      display_name = "no ${replace(conditions.key, "_", " ")}"

      condition_absent {
        filter   = conditions.value
        duration = "900s"

        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_RATE"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    subject   = "Setpoint: the installation is silent"
    content   = "Runbook: infra/runbooks/installation-silent.md\n\n${file("${local.runbooks}/installation-silent.md")}"
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.metric]
}

resource "google_monitoring_dashboard" "setpoint" {
  project = var.project_id
  dashboard_json = templatefile("${path.module}/dashboard.json.tftpl", {
    from_logs     = local.from_logs
    waiting       = local.waiting
    seconds       = var.monitoring.detection_seconds
    dead_letters  = google_pubsub_subscription.dead_letters.name
    asset_changes = google_pubsub_topic.asset_changes.name
  })

  depends_on = [google_logging_metric.metric]
}
