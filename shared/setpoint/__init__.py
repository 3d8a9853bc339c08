"""Setpoint: event-driven drift detection for Google Cloud.

The layers, from the outside in: ``cli`` and the functions call ``wiring``, which puts ``adapters`` behind the
``ports`` that ``flow`` drives; ``core`` is pure.
"""
