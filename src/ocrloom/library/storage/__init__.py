"""Databases for libraries: SQLite in a file, PostgreSQL where several machines share one.

`base.Store` says what one must do and does what is the same in both.
"""
