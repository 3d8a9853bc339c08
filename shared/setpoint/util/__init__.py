"""General helpers, independent of drift detection."""
