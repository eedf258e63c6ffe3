"""Asking the archive by words: everything linguistic, made here once and the same for every database.

Nothing in this room reads the archive: texts and questions in, terms and expressions out, all of it pure and total.
A text becomes words (``words``), a word its stem and a term of plain letters (``stems``), a post the terms under
which it is found (``documents``). A question becomes a tree (``language``) and that what an engine understands
(``engines``); which letters of a text answer it is told by ``matching``, which post answers it best by ``ranking``.
"""
