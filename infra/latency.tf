# How soon a change is detected: the objective, and the alert where it is not met.

# How soon a change is known, as a promise: of all changes so many within so many seconds, over four weeks.
resource "google_monitoring_custom_service" "setpoint" {
  project      = var.project_id
  service_id   = "setpoint"
  display_name = "Setpoint"

  depends_on = [google_project_service.api]
}

resource "google_monitoring_slo" "detection_latency" {
  project             = var.project_id
  service             = google_monitoring_custom_service.setpoint.service_id
  slo_id              = "detection-latency"
  display_name        = "Changes are detected within ${var.monitoring.detection_seconds} s"
  goal                = var.monitoring.detection_goal
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.from_logs["detection_latency"]

      range {
        max = var.monitoring.detection_seconds
      }
    }
  }

  depends_on = [google_logging_metric.metric]
}

resource "google_monitoring_alert_policy" "detection_latency" {
  project               = var.project_id
  display_name          = "Setpoint: detection is late"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.monitoring.channels

  # At 14.4 a month's budget is gone in two days, at 6 in five (https://sre.google/workbook/alerting-on-slos/).
  dynamic "conditions" {
    for_each = { "3600s" = 14.4, "21600s" = 6 }

    content {
      display_name = "the error budget burns ${conditions.value} times too fast, over ${conditions.key}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.detection_latency.id}\", \"${conditions.key}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value
        duration        = "0s"
      }
    }
  }

  documentation {
    subject   = "Setpoint: detection is late"
    content   = "Runbook: infra/runbooks/detection-latency.md\n\n${file("${local.runbooks}/detection-latency.md")}"
    mime_type = "text/markdown"
  }
}
