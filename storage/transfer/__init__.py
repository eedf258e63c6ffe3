"""From one archive of Cupola's into another: all that is held of a post, as plain values that travel, and back.

``holdings`` reads it from the rows, ``understanding`` makes a checked ``dossier`` of what came, ``uniting`` makes one
of two, ``recording`` brings the rows up to date; ``lines``, ``pictures`` and ``bringing`` take a whole export in.
"""
