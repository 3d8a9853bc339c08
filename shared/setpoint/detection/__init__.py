"""Detection: the life of one event, from a feed message to the findings and events that follow."""
