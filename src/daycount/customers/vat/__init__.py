"""Value added tax of the European Union for customers: which tax each is due, and whether its tax number is valid."""
