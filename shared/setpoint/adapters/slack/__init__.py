"""Slack's Web API: channels, users, messages, and signed requests."""
