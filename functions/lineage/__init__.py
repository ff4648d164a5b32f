"""No stage: sends the OpenLineage events of commits to a receiver."""
