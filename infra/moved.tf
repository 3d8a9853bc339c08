# So that an installation keeps its subscriptions and what waits in them; these may go after the next major version.
moved {
  from = google_pubsub_subscription.sweep
  to   = google_pubsub_subscription.push["sweep"]
}

moved {
  from = google_pubsub_subscription.attribute["attribute"]
  to   = google_pubsub_subscription.push["attribute"]
}

moved {
  from = google_pubsub_subscription.notify["notify"]
  to   = google_pubsub_subscription.push["notify"]
}

moved {
  from = google_pubsub_subscription.notify["notify-ticks"]
  to   = google_pubsub_subscription.push["notify-ticks"]
}

moved {
  from = google_pubsub_subscription.notify["slack-actions"]
  to   = google_pubsub_subscription.push["slack-actions"]
}

moved {
  from = google_pubsub_subscription.remediate["remediate"]
  to   = google_pubsub_subscription.push["remediate"]
}

moved {
  from = google_pubsub_subscription.remediate["remediate-ticks"]
  to   = google_pubsub_subscription.push["remediate-ticks"]
}

moved {
  from = google_pubsub_subscription.report["report"]
  to   = google_pubsub_subscription.push["report"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_attribute["attribute"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["attribute"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_notify["notify"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["notify"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_notify["notify-ticks"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["notify-ticks"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_notify["slack-actions"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["slack-actions"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_remediate["remediate"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["remediate"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_remediate["remediate-ticks"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["remediate-ticks"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_of_report["report"]
  to   = google_pubsub_subscription_iam_member.dead_letters_by_pubsub["report"]
}

moved {
  from = google_cloud_run_v2_service_iam_member.push_to_attribute["attribute"]
  to   = google_cloud_run_v2_service_iam_member.push["attribute"]
}

moved {
  from = google_cloud_run_v2_service_iam_member.push_to_notify["notify"]
  to   = google_cloud_run_v2_service_iam_member.push["notify"]
}

moved {
  from = google_cloud_run_v2_service_iam_member.push_to_remediate["remediate"]
  to   = google_cloud_run_v2_service_iam_member.push["remediate"]
}

moved {
  from = google_cloud_run_v2_service_iam_member.push_to_report["report"]
  to   = google_cloud_run_v2_service_iam_member.push["report"]
}
