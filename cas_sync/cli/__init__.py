"""Talk: the only room that prints, asks and exits."""
