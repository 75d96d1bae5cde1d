"""The local folder: does what it is told and decides nothing."""
