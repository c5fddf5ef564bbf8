"""The version, read by the build and by ``ocrloom --version``."""

__version__ = "0.1.0"
