"""What servers that speak Mastodon's client API have in common, and where they differ."""
