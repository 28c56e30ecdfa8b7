"""Something causes it: events, schedules and the steps that answer them."""
