"""The rules, as pure functions over values. They use no clock, table, environment or network."""
