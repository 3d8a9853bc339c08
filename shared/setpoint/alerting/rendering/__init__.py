"""How findings are told to people: pure functions from what is shown to the messages of a sink, and no clients."""
