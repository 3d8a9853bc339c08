"""Remediation: decide, plan the smallest write, execute it, verify it."""
