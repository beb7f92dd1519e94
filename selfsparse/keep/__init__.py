"""Results that an edit of the code leaves as they are: shown by recomputing a little of each, and recorded as current."""
