"""Drawing: grids, styles, pieces, motion."""
