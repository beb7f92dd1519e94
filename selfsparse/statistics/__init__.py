"""Pure statistics: summaries, tests, intervals, power, replication. They know no result; what is not defined is NaN."""
