"""The sample configuration: ``config.yaml`` of the repository, carried by the wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def sample_text() -> str:
    """The text of the sample, as ``cupola config init`` writes it."""
    carried = _HERE / "sample.yaml"
    # in a checkout the file stands at the root, where the reader of the repository looks for it
    return (carried if carried.exists() else _HERE.parent / "config.yaml").read_text(encoding="utf-8")
