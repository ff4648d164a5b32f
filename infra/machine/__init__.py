"""The state machine: five stages, and the tail that every failure ends in."""
