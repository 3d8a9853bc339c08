"""The backend of tests and trials: everything in the memory of one process."""
