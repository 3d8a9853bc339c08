"""Alerts: whom a finding concerns, the message that follows it, and the buttons that people click."""
