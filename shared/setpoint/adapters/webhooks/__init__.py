"""Incoming webhooks: generic, PagerDuty and Google Chat."""
