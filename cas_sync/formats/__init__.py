"""Bytes to model and back: one file a format. docs/design.md, section 5, rules them."""
