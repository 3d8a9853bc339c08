# Off unless var.kms_key names a key: then topics, buckets, the database and the dataset are encrypted with it, by the agents that write them.
locals {
  encrypting = var.kms_key == null ? {} : {
    bigquery  = "serviceAccount:bq-${data.google_project.this.number}@bigquery-encryption.iam.gserviceaccount.com"
    firestore = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-firestore.iam.gserviceaccount.com"
    pubsub    = local.agents.pubsub
    storage   = data.google_storage_project_service_account.agent.member
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each = local.encrypting

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value
}
