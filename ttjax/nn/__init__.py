"""Building blocks of networks: layers, resampling, and the count of their cost."""
