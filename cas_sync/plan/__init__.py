"""What should happen: pure functions from what was seen to what is to be done."""
