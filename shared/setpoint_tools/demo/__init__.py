"""The whole pipeline on a sample fleet, embedded and without an account: ``python -m setpoint_tools.demo``.

A fleet is made up and declared, a feed is made up that does to it in one hour what happens to a real one, and the same
code that runs in the cloud reads both. Since the demo knows what it has done to the fleet, it checks at the end that
exactly that was found.
"""
