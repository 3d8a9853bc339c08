# To try: Setpoint in one project, watching that project, and gone after `terraform destroy`.
variable "project_id" {
  description = "The project to watch, and to run in."
  type        = string
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
  watch          = ["projects/${var.project_id}"]
  uploaders      = var.uploaders
  source_archive = var.source_archive

  deletion_protection = false
}

output "setpoint" {
  description = "What was made, and what is left to do by hand."
  value       = module.setpoint
}

output "project_id" {
  description = "Where it runs, for the smoke test."
  value       = var.project_id
}
