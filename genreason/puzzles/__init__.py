"""Puzzle families: rules, solver and drawing, one file each."""
