"""Fixed charges: add-ons that a plan bills again each period, by a number of units."""
