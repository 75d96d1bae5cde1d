"""Bytes to chunks: where a file is cut, as a function of its bytes alone."""
