"""Setpoint: event-driven drift detection for Google Cloud.

The layers, from the outside in: ``cli`` and the functions call ``wiring``, which puts ``adapters`` behind the
``ports`` that ``flow`` drives; ``core`` is pure.
"""

__version__ = "0.1.0"
"""Also kept with every verdict: what a newer version understands better is judged again."""
