"""OpenTTGames: table tennis at 120 frames per second with ball, events and masks."""
