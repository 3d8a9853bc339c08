"""The report page: the drift of a fleet as one HTML file that needs nothing else.

``load`` reads a store. ``build`` builds a ``Report``, ``compact`` reduces its size, and ``page`` renders the document
with its styles, scripts and charts.
"""
