"""Where Terraform keeps states."""
