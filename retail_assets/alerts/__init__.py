"""Alerts and the daily digest: causes, messages, channels, and the outbox that keeps them until they are received."""
