"""What ``cupola split --explain`` prints: spans in colour, with reasons, words' scores and boundaries' prices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from scraper.text.explain import Weighed, explain
from scraper.text.parts import parts_of

#: colours of the first and the second language; what belongs to neither
_FIRST, _SECOND, _OTHER, _NONE = "bold blue", "bold green", "bold magenta", "dim"


def reasons_console() -> Console:
    """Where reasons are printed: plain text where no terminal is, lines as long as they are."""
    return Console(highlight=False, soft_wrap=True)


def tell_reasons(name: Any, raw: str, pair: tuple[str, str], console: Console) -> None:
    """Print why the caption ``raw``, whose id is ``name``, is cut as it is; its text obeys no terminal."""
    found = parts_of(raw, pair)
    each = ", ".join(f"{language} {sure:.2f}" for language, sure in found.sure.items() if sure is not None)
    sure = f"confidence {found.confidence:.2f}" + (f" ({each})" if each else "")
    named = "" if name is None else f"{visible(str(name))}  "
    console.print(Text(f"{named}{sure}{', needs review' if found.needs_review else ''}", style="bold"))
    styles = {pair[0]: _FIRST, pair[1]: _SECOND, "other": _OTHER}
    for told in explain(raw, pair):
        style = styles.get(told.span.lang, _NONE)
        doubted = told.span.lang == "other" or (found.needs_review and told.span.lang != "none")
        console.print(
            Text.assemble(
                (f"  {told.span.lang:<6}", style),
                (visible(told.span.text), style),
                ("  ← ", "dim"),
                visible(told.reason),
                _second_opinion(told.span.text) if doubted else "",
            )
        )
        if told.words:
            console.print(Text("         " + "  ".join(_scores(told.words)), style="dim"))
    console.print()


def _second_opinion(text: str) -> str:
    """What langdetect says of a part that the split is not sure of, or that is in a third language."""
    from scraper.text.naming import language_of

    named = language_of(text)
    return f"; langdetect: {named[0]} {named[1]:.2f}" if named else ""


def _scores(words: tuple[Weighed, ...]) -> Iterator[str]:
    """«lac +3.2», and between two words «‹6.0›», what a change of language there would cost."""
    for at, word in enumerate(words):
        yield ("" if at == 0 else f"‹{word.price:.1f}›  ") + f"{visible(word.text)} {word.nats:+.1f}"


def visible(text: str) -> str:
    """``text`` on one line with nothing left in it that a terminal would obey: escapes, controls, direction marks."""
    return "".join(c if c == " " or c.isprintable() or c in _KEPT else _shown(c) for c in text)


#: not printable by Unicode's letter, yet harmless: no-break spaces, the emoji joiner
_KEPT = "\u00a0\u202f\u200d"


def _shown(character: str) -> str:
    return "⏎" if character == "\n" else character.encode("unicode_escape").decode("ascii")
