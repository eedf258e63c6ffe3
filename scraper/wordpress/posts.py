"""A post as Cupola keeps it, out of one that the REST API gives."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from scraper.feeds.addresses import absolute
from scraper.feeds.attachments import MAX_ATTACHMENTS, attachments_of
from scraper.feeds.items import Item, Text
from scraper.feeds.pictures import identity
from scraper.feeds.plain import plain, plain_line
from scraper.model import Attachment, Post
from scraper.wordpress.addresses import language_of
from scraper.wordpress.captions import credits_in
from scraper.wordpress.entries import Entry
from scraper.wordpress.shortcodes import without_shortcodes

_CUT = re.compile(r"\s*(?:\[…\]|\[\.\.\.\])\s*$")


def post_of(entry: Entry, source_id: str, native_id: str, base: str, wishes: Iterable[str]) -> tuple[Post, str]:
    """The post that ``entry`` is, and what is wrong with it (empty: nothing).

    Args:
        entry: as the API gives it.
        source_id: of the source that it is of.
        native_id: its name there.
        base: where relative addresses count from, if it has no address of its own.
        wishes: opt-outs of the whole site.
    """
    url = absolute(base, entry.link)
    content = Text(value=entry.content, is_html=True, base=url or base)
    body = without_shortcodes(plain(content))
    if not body and "<img" not in entry.content:
        excerpt = plain(Text(value=entry.excerpt, is_html=True, base=base))
        body = "" if _CUT.search(excerpt) else excerpt
    attachments = _credited(attachments_of(Item(texts=(content,), media=entry.featured()), body), content)
    author, author_url = entry.author
    language = entry.language or language_of(url)
    post = Post(
        source_id=source_id,
        native_id=native_id,
        url=url or None,
        author=author or None,
        author_url=author_url or None,
        title=plain_line(Text(value=entry.title, is_html=True, base=base)) or None,
        body=body,
        published=entry.published,
        edited_at=entry.edited_at,
        attachments=attachments[:MAX_ATTACHMENTS],
        hashtags=entry.terms,
        languages=(language,) if language else (),
        pinned=entry.sticky is True,
        opt_outs=tuple(sorted({*entry.wishes, *wishes})),
    )
    too_many = len(attachments) > MAX_ATTACHMENTS
    return post, f"{native_id} has more than {MAX_ATTACHMENTS} media, and the first ones are taken" if too_many else ""


def _credited(attachments: tuple[Attachment, ...], content: Text) -> tuple[Attachment, ...]:
    """With the credits that stand in the captions of the text."""
    told = credits_in(content.value, content.base)
    if not told:
        return attachments
    return tuple(
        dataclasses.replace(item, credit=told[identity(item.url)])
        if item.url and item.credit is None and identity(item.url) in told
        else item
        for item in attachments
    )
