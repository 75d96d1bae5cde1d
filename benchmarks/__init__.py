"""Programs that measure cas-sync; what they found stands in docs/design.md."""
