"""Tools beside the product: the demo, the local system, fakes and fixtures for tests, the distiller of the catalogue.

Nothing here is deployed: the archive of the functions leaves this package out.
"""
