"""The archive's tables and views as a reader needs to know them.

Reading works on these light tables, because loading the ORM and ``storage.schema`` costs 0.2 s, which is
a third of what ``cupola query`` may take; a test keeps their columns in step with the schema.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Date, Integer, TableClause, Text, column, table

from storage.columns import Texts, UTCDateTime


def _view(name: str, columns: str) -> TableClause:
    return table(name, *map(column, columns.split()))


#: one row a post; what it is made of is in the migrations
archive_posts = _view(
    "archive_posts",
    "key source native_id mission url author title published_at published_precision published_origin edited_at"
    " caption_fr caption_en text content_warning hashtags credit license license_url needs_review verdict rating"
    " image_count variant_of first_seen_at gone_at",
)
#: one row a picture of a post
archive_media = _view(
    "archive_media", "post_key position state sha256 path media_type bytes width height alt source_url"
)

posts = table(
    "posts",
    column("id", Integer),
    column("source_id", Text),
    column("native_id", Text),
    column("url", Text),
    column("title", Text),
    column("body", Text),
    column("published_at", UTCDateTime),
    column("published_precision", Text),
    column("published_origin", Text),
    column("published_zone_known", Boolean),
    column("stated_at", UTCDateTime),
    column("stated_precision", Text),
    column("stated_origin", Text),
    column("credit", Text),
    column("mission", Text),
    column("credit_line", Text),
    column("credit_day", Date),
    column("credit_other_reading", Date),
    column("split_confidence"),
    column("needs_review", Boolean),
    column("caption_fr", Text),
    column("caption_en", Text),
    column("content_hash", Text),
    column("first_seen_at", UTCDateTime),
    column("changed_at", UTCDateTime),
    column("run_id", Integer),
    column("capture_id", Integer),
)
segments = table(
    "segments",
    column("post_id", Integer),
    column("part", Text),
    column("position", Integer),
    column("lang", Text),
    column("start", Integer),
    column("stop", Integer),
)
hashtags = table(
    "hashtags",
    column("post_id", Integer),
    column("position", Integer),
    column("tag", Text),
    column("folded", Text),
)
assets = table(
    "assets",
    column("sha256", Text),
    column("media_type", Text),
    column("extension", Text),
    column("size", Integer),
    column("width", Integer),
    column("height", Integer),
)
attachments = table(
    "attachments",
    column("id", Integer),
    column("post_id", Integer),
    column("position", Integer),
    column("url", Text),
    column("alt", Text),
    column("media_type", Text),
    column("width", Integer),
    column("height", Integer),
    column("credit", Text),
    column("state", Text),
    column("reason", Text),
    column("attempts", Integer),
    column("next_attempt_at", UTCDateTime),
    column("sha256", Text),
    column("fetched_url", Text),
    column("capture_id", Integer),
    column("removed_at", UTCDateTime),
)
captures = table(
    "captures",
    column("id", Integer),
    column("requested_url", Text),
    column("url", Text),
    column("status", Integer),
    column("headers", Texts),
    column("fetched_at", UTCDateTime),
    column("sha256", Text),
    column("size", Integer),
    column("file", Text),
    column("offset", Integer),
    column("length", Integer),
)
runs = table(
    "runs",
    column("id", Integer),
    column("source_id", Text),
    column("status", Text),
    column("started_at", UTCDateTime),
    column("ended_at", UTCDateTime),
)
sources = table("sources", column("id", Text))
