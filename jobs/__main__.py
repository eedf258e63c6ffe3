"""``python -m jobs``: the command line from a checkout; an installed Cupola is called ``cupola``."""

from jobs.cli.main import cupola

cupola()
