"""Setpoint: event-driven drift detection and remediation for Google Cloud.

The command line and the functions call ``bootstrap``, which puts ``adapters`` behind the ``ports`` of the services:
``detection``, ``attribution``, ``sweep``, ``declarations``, ``remediation``, ``reporting`` and ``alerting``. ``model``,
``catalog`` and ``comparison`` are pure. docs/architecture.md follows a message through them.
"""

__version__ = "0.1.0"
"""Also kept with every verdict: what a newer version understands better is evaluated again."""
