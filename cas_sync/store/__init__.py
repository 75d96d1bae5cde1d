"""The shared prefix: does what it is told and decides nothing."""
