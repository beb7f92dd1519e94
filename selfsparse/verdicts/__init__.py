"""What a suite's results make of the paper's claims: the rules, their operating characteristics, and the judging."""
