"""What was done to one text and why, for a person: what is explained, and how it is laid out in a terminal."""
