terraform {
  required_version = ">= 1.5"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0, < 8.0"
    }
  }

  backend "gcs" {
    prefix = "setpoint" # the bucket is named by `terraform init -backend-config=bucket=...`
  }
}

provider "google" {
  project               = var.project_id
  user_project_override = true # the quota of feeds is that of this project
  billing_project       = var.project_id
}
