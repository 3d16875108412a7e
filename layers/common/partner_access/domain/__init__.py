"""The rules, as pure functions over values: no clock, no table, no environment, no network."""
