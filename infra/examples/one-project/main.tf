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
  description = "Who may upload declarations."
  type        = set(string)
  default     = []
}

module "setpoint" {
  source = "../.."

  project_id     = var.project_id
  region         = var.region
  watch          = ["projects/${var.project_id}"]
  source_archive = "${path.root}/../../../build/setpoint.zip"
  uploaders      = var.uploaders

  deletion_protection = false
}

output "setpoint" {
  description = "What was made."
  value       = module.setpoint
}

output "project_id" {
  description = "Where it runs, for the smoke test."
  value       = var.project_id
}
