"""What a suite will cost, before it is run."""
