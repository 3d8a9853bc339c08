"""Attribution: who changed a resource, from Cloud Audit Logs."""
