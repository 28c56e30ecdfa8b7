"""Slack: events and clicks in through one inbox, cards and answers out through the Web API."""
