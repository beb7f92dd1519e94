"""Tables, figures and statistics: all that the notebooks call. Reads a suite's summary, never a result of a run."""
