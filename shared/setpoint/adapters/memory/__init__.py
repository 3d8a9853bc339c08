"""The backend of tests and trials, in the memory of one process."""
