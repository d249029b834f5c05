"""Random changes of one example: key first, labels move with pixels."""
