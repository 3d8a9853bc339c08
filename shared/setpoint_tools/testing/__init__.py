"""Fakes that the real Google clients talk to, and fixtures for tests of what is built on Setpoint."""
