"""Translations between the ports and the world; the only place for database, HTTP and ``google.*`` clients."""
