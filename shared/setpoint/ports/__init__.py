"""What the flow needs of the world, as small protocols; their docstrings are the contract of every backend."""
