"""The ports: protocols for stores, queues, services and people. Their docstrings are the contract of each backend."""
