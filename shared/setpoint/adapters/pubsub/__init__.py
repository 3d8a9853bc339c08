"""Pub/Sub: events, dead letters, queues, and the tokens of pushed messages."""
