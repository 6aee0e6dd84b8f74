"""Weather forecasts of the shop's place, kept as they were issued, for the sales forecast to learn from."""
