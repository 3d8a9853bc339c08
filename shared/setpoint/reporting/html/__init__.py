"""The report page: the drift of a fleet as one HTML file that needs nothing else.

``load`` reads a store. ``build`` makes a ``Report`` of it, ``compact`` makes the report small, and ``page`` writes the
document with its styles, scripts and charts.
"""
