"""Pixels of one page in, recognised pieces of lines out. Pure: no files, threads or event loop."""
