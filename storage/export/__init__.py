"""The archive in the formats of others: what leaves it, with its rights and its provenance, whole or not at all.

``items`` is what an export is made of, ``publishable`` what may leave, ``place`` where it goes; each ``to_<name>`` is
one format, found by scanning (``formats``), and ``exporting`` joins them. Knows no command line.
"""
