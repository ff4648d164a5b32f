"""Alarms: what is watched, where they are raised, what they say."""
