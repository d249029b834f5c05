"""Basketball instants of DeepSport with masks of people, and the ball."""
