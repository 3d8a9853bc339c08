# For a fleet: a project of its own that watches the whole organisation.
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

module "setpoint" {
  # In a root of your own: "git::https://github.com/OWNER/setpoint.git//infra?ref=v0.1.0"
  source = "../.."

  project_id     = var.project_id
  region         = var.region
  watch          = ["organizations/${var.organization_id}"]
  uploaders      = var.uploaders
  source_archive = var.source_archive

  firestore = { location = "eur3" } # two regions and a witness, for a fleet that must not lose sight of itself
  detect    = { min_instances = 1, max_instances = 50 }
}

output "setpoint" {
  description = "What was made, and what is left to do by hand."
  value       = module.setpoint
}

output "project_id" {
  description = "Where it runs, for the smoke test."
  value       = var.project_id
}
