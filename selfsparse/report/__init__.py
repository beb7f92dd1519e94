"""What a suite shows: its executed notebooks, and the site that is made of them."""
