"""What ``cupola split`` says of one caption to a person: both texts, how sure, and the credit if it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.cli.output import for_people
from jobs.logs import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLES = {"fr": "Français", "en": "English", "other": "Neither"}
_STYLES = ("bold blue", "bold green", "bold magenta")
_CREDIT = ("person", "agency", "mission", "date", "other_reading", "license", "files")


def tell(record: Mapping[str, Any], pair: tuple[str, str]) -> None:
    """Print the answer ``record`` of ``cupola split`` for two languages; remote text in it obeys no terminal."""
    from rich.text import Text

    with for_people() as console:
        others = "\n".join(part["text"] for part in record["segments"] if part["lang"] == "other")
        found = {name: record[name] for name in pair} | {"other": others or None}
        for name, style in zip(found, _STYLES, strict=True):
            if found[name] is not None:
                console.print(Text(_TITLES.get(name, name), style=style), soft_wrap=True)
                console.print(Text(printable(found[name])), soft_wrap=True)
                console.print()
        if not any(found.values()):
            console.print("No running text.", soft_wrap=True)
        for credit in record.get("credit", ()):
            console.print(Text("Credit", style="bold"), soft_wrap=True)
            for key in ("text", *_CREDIT):
                value = ", ".join(credit[key]) if key == "files" else credit[key]
                if value:
                    console.print(Text(f"  {key.replace('_', ' ')}: {printable(value)}"), soft_wrap=True)
        if "alignment_score" in record and record["alignment_score"] is not None:
            doubt = ": most likely no translations of each other" if record["alignment_doubtful"] else ""
            told = f"answer each other {record['alignment_score']:.2f}{doubt}"
            console.print(Text(told, style="yellow" if doubt else "dim"), soft_wrap=True)
        review = ", needs review" if record["needs_review"] else ""
        parts = ", ".join(f"{name} {sure:.2f}" for name, sure in record["part_confidence"].items() if sure is not None)
        told = f"confidence {record['confidence']:.2f}{f' ({parts})' if parts else ''}{review}"
        console.print(Text(told, style="dim"), soft_wrap=True)
