"""Reading: the inverse of `genreason.render`."""
