"""What a person has saved from places that cannot be read: one file a format; readers that know no archive."""
