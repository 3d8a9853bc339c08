"""Render findings for sinks: pure functions from a view of a finding to a message, without clients."""
