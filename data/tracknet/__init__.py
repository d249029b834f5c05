"""TrackNet-style clips: mp4 and CSV, one ball on every frame."""
