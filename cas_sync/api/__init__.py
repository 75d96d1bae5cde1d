"""The Python face: a project, its results as values, and s3synchrony's functions."""
