"""The whole pipeline on a sample fleet, embedded and without an account: ``python -m setpoint_tools.demo``.

The demo generates and declares a fleet, then generates a feed with one hour of realistic changes. The same code that
runs in the cloud reads both. The demo knows its changes, so it checks at the end that exactly these were found.
"""
