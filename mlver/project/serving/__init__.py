"""Makes the places that serve versions equal to what the stages say."""
