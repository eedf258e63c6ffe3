"""Pure text: markup to text, captions by language, credit lines."""
