"""The fleet's drift as one page: from the records of a store to figures, to a file that needs nothing else.

``gathering`` reads a store, ``building`` makes a ``Report`` of what was read, ``packing`` makes it small, and ``page``
puts it into a document with its styles, its scripts and its charts.
"""
