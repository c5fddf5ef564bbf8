"""Tesseract's language data: where it lies, where it comes from, and fetching it."""
