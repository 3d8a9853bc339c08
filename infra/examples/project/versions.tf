terraform {
  required_version = ">= 1.5"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.5, < 3.0"
    }
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
