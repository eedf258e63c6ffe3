"""The archive's tables and views as a reader needs to know them.

Reading works on these light tables, because loading the ORM and ``storage.schema`` costs 0.2 s, which is
a third of what ``cupola query`` may take; a test keeps their columns in step with the schema.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Date, Integer, TableClause, Text, column, table

from storage.columns import Counts, Json, SafeText, Texts, UTCDateTime


def _view(name: str, columns: str) -> TableClause:
    return table(name, *map(column, columns.split()))


#: one row a post; what it is made of is in the migrations
archive_posts = _view(
    "archive_posts",
    "key source native_id mission url author title published_at published_precision published_origin edited_at"
    " caption_fr caption_en text content_warning hashtags credit license license_url needs_review verdict rating"
    " image_count variant_of first_seen_at gone_at corrected",
)
#: one row a picture of a post
archive_media = _view(
    "archive_media", "post_key position state sha256 path media_type bytes width height alt source_url"
)
#: one row a post and language that it has a caption in
archive_captions = _view("archive_captions", "post_key source lang text origin confidence needs_review")
archive_hashtags = _view("archive_hashtags", "post_key position tag folded")
archive_tags = _view("archive_tags", "post_key tag folded")
archive_runs = _view(
    "archive_runs",
    "id source kind status started_at ended_at since until posts_found posts_added posts_updated posts_unchanged"
    " posts_gone media_stored media_bytes media_failed failed counts",
)
archive_failures = _view("archive_failures", "id run_id source at stage error message url post_key")
archive_decisions = _view("archive_decisions", "id batch who at post_key position kind field value undone")
archive_revisions = _view(
    "archive_revisions",
    "id post_key why fields known_at replaced_at title published_at caption_fr caption_en text",
)
#: one row a link of a post with one that was published before it, and what it is known by
archive_links = _view("archive_links", "post_key other_key kind evidence")
#: all that is promised, in the order of docs/schema.md
VIEWS = (
    archive_posts,
    archive_media,
    archive_captions,
    archive_hashtags,
    archive_tags,
    archive_runs,
    archive_failures,
    archive_decisions,
    archive_revisions,
    archive_links,
)

posts = table(
    "posts",
    column("id", Integer),
    column("source_id", SafeText),
    column("native_id", SafeText),
    column("url", SafeText),
    column("title", SafeText),
    column("body", SafeText),
    column("published_at", UTCDateTime),
    column("shown_at", UTCDateTime),
    column("published_precision", SafeText),
    column("published_origin", SafeText),
    column("published_zone_known", Boolean),
    column("stated_at", UTCDateTime),
    column("stated_precision", SafeText),
    column("stated_origin", SafeText),
    column("credit", SafeText),
    column("mission", SafeText),
    column("credit_line", SafeText),
    column("credit_day", Date),
    column("credit_other_reading", Date),
    column("split_confidence"),
    column("needs_review", Boolean),
    column("caption_fr", SafeText),
    column("caption_en", SafeText),
    column("content_hash", SafeText),
    column("first_seen_at", UTCDateTime),
    column("changed_at", UTCDateTime),
    column("gone_at", UTCDateTime),
    column("back_at", UTCDateTime),
    column("run_id", Integer),
    column("capture_id", Integer),
    column("opt_outs", SafeText),
)
segments = table(
    "segments",
    column("post_id", Integer),
    column("part", SafeText),
    column("position", Integer),
    column("lang", SafeText),
    column("start", Integer),
    column("stop", Integer),
)
hashtags = table(
    "hashtags",
    column("post_id", Integer),
    column("position", Integer),
    column("tag", SafeText),
    column("folded", SafeText),
)
assets = table(
    "assets",
    column("sha256", SafeText),
    column("media_type", SafeText),
    column("extension", SafeText),
    column("size", Integer),
    column("width", Integer),
    column("height", Integer),
    column("first_seen_at", UTCDateTime),
)
fingerprints = table("fingerprints", column("sha256", SafeText), column("hash", BigInteger))
attachments = table(
    "attachments",
    column("id", Integer),
    column("post_id", Integer),
    column("position", Integer),
    column("url", SafeText),
    column("kind", SafeText),
    column("alt", SafeText),
    column("media_type", SafeText),
    column("width", Integer),
    column("height", Integer),
    column("credit", SafeText),
    column("state", SafeText),
    column("reason", SafeText),
    column("attempts", Integer),
    column("next_attempt_at", UTCDateTime),
    column("sha256", SafeText),
    column("fetched_url", SafeText),
    column("capture_id", Integer),
    column("removed_at", UTCDateTime),
    column("corrected_alt", SafeText),
)
curation = table(
    "curation",
    column("post_id", Integer),
    column("note", SafeText),
    column("segments", Json),
)
tags = table(
    "tags",
    column("post_id", Integer),
    column("folded", SafeText),
    column("tag", SafeText),
)
captures = table(
    "captures",
    column("id", Integer),
    column("requested_url", SafeText),
    column("url", SafeText),
    column("status", Integer),
    column("headers", Texts),
    column("fetched_at", UTCDateTime),
    column("sha256", SafeText),
    column("size", Integer),
    column("file", SafeText),
    column("offset", Integer),
    column("length", Integer),
)
removals = table("removals", column("path", SafeText))

runs = table(
    "runs",
    column("id", Integer),
    column("source_id", SafeText),
    column("status", SafeText),
    column("started_at", UTCDateTime),
    column("ended_at", UTCDateTime),
    column("counts", Counts),
)
sources = table("sources", column("id", SafeText), column("kind", SafeText), column("url", SafeText))
failures = table(
    "failures",
    column("id", Integer),
    column("run_id", Integer),
    column("message", SafeText),
)
backups = table("backups", column("path", SafeText), column("made_at", UTCDateTime))

#: one row a post: all that it is found and sorted by; ``ordinal`` is its place in time, see storage.facts
post_index = table(
    "post_index",
    column("ordinal", BigInteger),
    column("post_id", Integer),
    column("source_id", SafeText),
    column("mission", SafeText),
    column("day", Integer),
    column("span", Integer),
    column("has_fr", Boolean),
    column("has_en", Boolean),
    column("has_other", Boolean),
    column("verdict", SafeText),
    column("rating", Integer),
    column("needs_review", Boolean),
    column("edited", Boolean),
    column("gone", Boolean),
    column("pictures", Integer),
    column("media_stored", Integer),
    column("media_pending", Integer),
    column("media_failed", Integer),
    column("media_gone", Integer),
    column("media_skipped", Integer),
    column("width", Integer),
    column("height", Integer),
    column("seen", BigInteger),
)
#: the terms of a post: on SQLite an FTS5 table, whose rowid is the ordinal
post_search_fts5 = table(
    "post_search",
    column("rowid", Integer),
    column("fr", Text),
    column("en", Text),
    column("rest_fr", Text),
    column("rest_en", Text),
    column("extent", Text),
)
#: the same on PostgreSQL; weights A to D are the first four columns above, in order
post_search = table("post_search", column("ordinal", BigInteger), column("terms"), column("extent", Text))
#: the posts whose index row is behind; empty unless the index is being built
index_pending = table("index_pending", column("post_id", Integer))
