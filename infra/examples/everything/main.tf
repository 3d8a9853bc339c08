# Everything switched on: alerts, attribution, reports, the report page, and remediation, which only says what it would do
# until a policy says otherwise. Take out what you do not want. Alerts need their secrets first:
#   terraform apply -target=module.setpoint.google_secret_manager_secret.notify
#   printf %s VALUE | gcloud secrets versions add setpoint-slack-token --data-file=- --project=PROJECT    # and the two others
variable "project_id" {
  description = "The project that Setpoint runs in, and nothing else."
  type        = string
}

variable "organization_id" {
  description = "The number of the organisation."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.organization_id))
    error_message = "organization_id is a number; `gcloud organizations list` tells it."
  }
}

variable "region" {
  description = "Where it runs."
  type        = string
  default     = "europe-west1"
}

variable "uploaders" {
  description = "Who may upload declarations, such as the service account of your CI."
  type        = set(string)
  default     = []
}

variable "source_archive" {
  description = "An archive of functions to go back to; null for those of this version."
  type        = string
  default     = null
}

variable "domain" {
  description = "The name of the report page, such as drift.example.com; its A record is to be the address in the outputs."
  type        = string
}

variable "team" {
  description = "Who may read reports and the report page: members as IAM writes them, such as group:platform@example.com."
  type        = set(string)
}

variable "channels" {
  description = "Where alerts about Setpoint itself go: projects/PROJECT/notificationChannels/NUMBER."
  type        = set(string)
  default     = []
}

variable "remediated" {
  description = "The asset types whose resources Setpoint may write once a policy has it remediate them."
  type        = set(string)
  default     = ["storage.googleapis.com/Bucket", "compute.googleapis.com/Firewall"]
}

module "setpoint" {
  # In a root of your own: "git::https://github.com/OWNER/setpoint.git//infra?ref=v0.1.0"
  source = "../.."

  project_id     = var.project_id
  region         = var.region
  watch          = ["organizations/${var.organization_id}"]
  uploaders      = var.uploaders
  source_archive = var.source_archive
  watch_itself   = true # and upload watch-itself.yaml beside the state of this root (docs/install.md)

  firestore = { location = "eur3" } # two regions and a witness, for a fleet that must not lose sight of itself
  detect    = { min_instances = 1, max_instances = 50 }

  alerts      = { enabled = true }
  attribution = { enabled = true }
  reports     = { enabled = true, readers = var.team }
  console     = { enabled = true, domain = var.domain, viewers = var.team }
  monitoring  = { channels = var.channels }

  # Rights only: it writes nothing while the policies say dryRun, as they do by default (docs/remediation.md).
  remediation         = { enabled = true, within = "organizations/${var.organization_id}", resources = var.remediated }
  remediation_role_in = var.organization_id
}

output "setpoint" {
  description = "What was made, and what is left to do by hand."
  value       = module.setpoint
}

output "project_id" {
  description = "Where it runs, for the smoke test."
  value       = var.project_id
}
