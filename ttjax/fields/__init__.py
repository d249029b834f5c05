"""Points as dense maps, and dense maps as points."""
