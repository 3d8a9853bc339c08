"""Storage of Terraform states."""
