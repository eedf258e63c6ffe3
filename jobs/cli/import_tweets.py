"""``cupola import tweets PATH``: tweets as the API gave them, or the archive of an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.importing import bring, importing
from jobs.cli.options import once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scraper.imports.bundle import Bundle
    from scraper.imports.records import Record


@click.command(name="tweets")
@importing
@once("--account", metavar="NAME", help="Whose tweets they are, where no file says it: a name without @.")
@click.option("--retweets", is_flag=True, help="Also what others wrote and the account passed on.")
@click.option("--replies", is_flag=True, help="Also replies to others.")
def import_tweets(path: Path, account: str | None, retweets: bool, replies: bool, **options: Any) -> int:
    """Bring in tweets: PATH is an account's archive (its zip file or its folder) or a file of tweets in JSON.

    The account's own tweets and threads come in, as the source `tweets-<its name>`; retweets and replies to others do
    not. Pictures are taken out of the archive's tweets_media; of a file of JSON only their addresses are known.
    Exit status: 0 done, 1 done but a tweet or a picture failed, 2 PATH has no tweets, 3 the archive cannot be used.
    """
    from scraper.imports import tweets

    def records(bundle: Bundle, source: str | None) -> Iterable[Record]:
        wish = tweets.Wish(source_id=source, account=account, retweets=retweets, replies=replies)
        return tweets.read(bundle, wish)

    return bring("tweets", path, records, **options)
