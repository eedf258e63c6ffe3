"""What is written in the AT Protocol's words: names, rich text, labels and embedded media; pure."""
