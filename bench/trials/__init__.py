"""The trials of a plan, and the record of what was measured."""
