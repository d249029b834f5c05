"""DeepSportLab (Ghasemzadeh et al., 2021): ball, player masks and poses at once."""
