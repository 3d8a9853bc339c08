"""Google's APIs: Cloud Asset Inventory, BigQuery, Cloud Storage, Identity-Aware Proxy, and any REST API."""
