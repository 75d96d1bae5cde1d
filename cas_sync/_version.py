"""The one place the version is written; read by the build and by `--version`."""

__version__ = "0.1.0"
