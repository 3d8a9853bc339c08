"""Implementations of the ports; the only place for database, HTTP and ``google.*`` clients."""
