"""How many units of each fixed charge a subscription has, and since when."""
