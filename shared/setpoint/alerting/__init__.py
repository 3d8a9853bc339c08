"""Alerts: the destinations of a finding, the message that shows its current state, and the buttons in it."""
