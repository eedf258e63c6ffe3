"""What differs between two configurations, in words."""

from __future__ import annotations

from jobs.stanzas import Config


def differences(before: Config, after: Config) -> list[str]:
    """A few words for each source, stanza and chore that was added, removed or changed."""
    old, new = ({stanza.id: stanza for stanza in config.sources} for config in (before, after))
    said = [f"source {name} is new" for name in new if name not in old]
    said += [f"source {name} is gone" for name in old if name not in new]
    for name in new:
        if name in old and new[name] != old[name]:
            is_schedule = new[name].model_copy(update={"schedule": old[name].schedule}) == old[name]
            said.append(f"{'the schedule of ' if is_schedule else ''}source {name} has changed")
    for key in type(after.jobs).model_fields:
        if getattr(before.jobs, key) != getattr(after.jobs, key):
            said.append(f"jobs.{key} has changed")
    said += [
        f"{key} has changed"
        for key in ("http", "missions", "status", "notify")
        if getattr(before, key) != getattr(after, key)
    ]
    return said
