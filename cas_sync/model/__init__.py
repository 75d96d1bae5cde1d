"""What things are: values without behaviour towards the outside."""
