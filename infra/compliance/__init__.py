"""Rules of others about the template, and why some do not hold here."""
