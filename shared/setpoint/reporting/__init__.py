"""Reporting: the report page, the daily snapshot, and their tables in BigQuery."""
