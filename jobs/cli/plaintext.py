"""What ``cupola split`` says of one caption to a person: both texts, how sure, and the credit if it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.cli.output import for_people
from jobs.logs import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS = (("fr", "Français", "bold blue"), ("en", "English", "bold green"), ("other", "Neither", "bold magenta"))
_CREDIT = ("person", "agency", "mission", "date", "other_reading", "license", "files")


def tell(record: Mapping[str, Any]) -> None:
    """Print the answer ``record`` of ``cupola split``; remote text in it obeys no terminal."""
    from rich.text import Text

    with for_people() as console:
        others = "\n".join(part["text"] for part in record["segments"] if part["lang"] == "other")
        found = {"fr": record["fr"], "en": record["en"], "other": others or None}
        for name, title, style in _PARTS:
            if found[name] is not None:
                console.print(Text(title, style=style), soft_wrap=True)
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
            console.print(Text(f"answer each other {record['alignment_score']:.2f}", style="dim"), soft_wrap=True)
        review = ", needs review" if record["needs_review"] else ""
        console.print(Text(f"confidence {record['confidence']:.2f}{review}", style="dim"), soft_wrap=True)
