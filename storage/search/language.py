"""The language that people ask in: a line of words, phrases and operators in, a tree of what is meant out.

==================  ==========================================================================================
``montée eaux``     both words, wherever they stand; ``AND`` between them says the same
``OR``, ``|``       one or the other; binds less than the words beside it
``NOT``, ``-word``  without it
``( )``             a group
``"…"``, ``« … »``  these words side by side, in this order
``mont*``           words that begin so, of two letters or more
``lang:fr``         what stands in its group is looked for in French captions only; ``lang:en`` likewise
``#tag``            the hashtag, or a curator's tag; ``#tag*`` all that begin so
==================  ==========================================================================================

docs/search.md tells it to people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from storage.search.pieces import Piece, Sign, pieces, refuse
from storage.search.stems import Lang
from storage.search.tree import (
    Captioned,
    Either,
    Every,
    Node,
    Not,
    Phrase,
    Prefix,
    Query,
    Tagged,
    denied,
    either,
    every,
)

#: letters of a query
LETTERS = 10_000
#: words of a query
TERMS = 1_000
#: groups in groups
NESTING = 50


def parse(text: str) -> Query:
    """What ``text`` asks for; what can be read as words of a person's is no error.

    Raises:
        QueryRefused: an operator without what it stands between, something left open, an unknown language, a star
            that does not end a word, no word at all, or more than the bounds of this module; a caret is below it.
    """
    if len(text) > LETTERS:
        refuse(
            text, None, f"a query has at most {LETTERS:,} letters, and this one has {len(text):,}: ask for less at once"
        )
    parser = _Parser(text)
    root = parser.either(0)
    if (stray := parser.next) is not None:  # nothing but a closing parenthesis ends a group
        refuse(text, stray.at, "this parenthesis closes nothing")
    if root is None:
        refuse(text, None, "there is no word in the query: a word has at least one letter, digit or emoji")
    return Query(root, text)


@dataclass(frozen=True, slots=True)
class _Unit:
    """One thing of a group: what is looked for, and whether it is a stop word or the group's language."""

    node: Node
    stop: bool = False
    scope: bool = False
    at: int = 0


class _Parser:
    """Reads a query's pieces from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces: list[Piece] = []
        size = 0
        for piece in pieces(text):
            size += piece.size
            if size > TERMS:
                refuse(
                    text, piece.at, f"a query has at most {TERMS:,} words, and here is one more: ask for less at once"
                )
            self._pieces.append(piece)
        self._at = 0

    @property
    def next(self) -> Piece | None:
        """The piece that is read next; None at the end."""
        return self._pieces[self._at] if self._at < len(self._pieces) else None

    def _take(self, *signs: Sign) -> Piece | None:
        """The next piece, taken, if it is one of ``signs``."""
        piece = self.next
        if piece is None or piece.sign not in signs:
            return None
        self._at += 1
        return piece

    def either(self, depth: int) -> Node | None:
        """Groups between ORs, up to a closing parenthesis or the end; None when there is not one word."""
        first = self._every(depth)
        found = [] if first is None else [first]
        while (sign := self._take("OR")) is not None:
            after = self._every(depth)
            if not found or after is None:
                side = "behind" if found else "before"
                refuse(self._text, sign.at, f"OR stands between two things to look for, and {side} it is none")
            found.append(after)
        return either(tuple(found)) if found else None

    def _every(self, depth: int) -> Node | None:
        units: list[_Unit] = []
        joint: Piece | None = None  # the AND that waits for what it joins
        while True:
            if (sign := self._take("AND")) is not None:
                if joint is not None or not units:
                    refuse(self._text, sign.at, "AND stands between two things to look for, and before it is none")
                joint = sign
                continue
            piece = self.next
            if piece is None or piece.sign in (")", "OR"):
                break
            more = self._unit(depth)
            units += more
            joint = None if more else joint
        if joint is not None:
            refuse(self._text, joint.at, "AND stands between two things to look for, and behind it is none")
        return self._joined(units)

    def _unit(self, depth: int) -> list[_Unit]:
        piece, negative = None, False
        while (sign := self._take("NOT")) is not None:
            piece, negative = sign, not negative
        if (opening := self._take("(")) is not None:
            node = self._group(opening, depth + 1)
            units = [] if node is None else [_Unit(node)]
        elif self.next is not None and self.next.sign is None:
            sought = self.next
            self._at += 1
            units = [
                _Unit(leaf, stop=sought.stop, scope=isinstance(leaf, Captioned), at=sought.at) for leaf in sought.sought
            ]
        else:
            units = []
        if piece is None:
            return units
        if not units:
            refuse(
                self._text, piece.at, "NOT and - stand before what is not to be there, and behind this one is nothing"
            )
        node = every(tuple(unit.node for unit in units))
        return [_Unit(denied(node) if negative else node)]

    def _group(self, opening: Piece, depth: int) -> Node | None:
        if depth > NESTING:
            refuse(self._text, opening.at, f"groups stand in groups {NESTING} deep at most, and this is one deeper")
        node = self.either(depth)
        if self._take(")") is None:
            refuse(self._text, opening.at, "this parenthesis is not closed")
        return node

    def _joined(self, units: list[_Unit]) -> Node | None:
        """What a group asks for as a whole: without stop words beside others, all in the group's language."""
        scope: Lang | None = None
        for unit in units:
            if unit.scope and isinstance(unit.node, Captioned):
                if scope not in (None, unit.node.lang):
                    refuse(
                        self._text,
                        unit.at,
                        "a group has one language: put each with its words in parentheses, "
                        "(lang:fr eau) (lang:en water)",
                    )
                scope = unit.node.lang
        sought = [unit for unit in units if not unit.scope]
        if any(not unit.stop and not isinstance(unit.node, Not) for unit in sought):
            sought = [unit for unit in sought if not unit.stop]
        nodes = [unit.node if scope is None else _within(unit.node, scope) for unit in sought]
        if scope is not None and not any(map(_captioned, nodes)):
            nodes.append(Captioned(scope))
        return every(tuple(nodes)) if nodes else None


def _within(node: Node, lang: Lang) -> Node:
    """``node`` looked for in the captions of ``lang``, but for what has a language of its own already, or none."""
    match node:
        case Phrase(_, None) | Prefix(_, None):
            return replace(node, lang=lang)
        case Every(parts):
            return every(tuple(_within(part, lang) for part in parts))
        case Either(parts):
            return either(tuple(_within(part, lang) for part in parts))
        case Not(part):
            return Not(_within(part, lang))
        case _:
            return node


def _captioned(node: Node) -> bool:
    """Whether all that ``node`` finds has words in a caption."""
    match node:
        case Every(parts):
            return any(map(_captioned, parts))
        case Either(parts):
            return all(map(_captioned, parts))
        case Phrase() | Prefix():
            return True
        case Not() | Tagged() | Captioned():
            return False
