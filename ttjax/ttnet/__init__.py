"""TTNet: the ball, events and masks of table tennis, from stacks of frames."""
