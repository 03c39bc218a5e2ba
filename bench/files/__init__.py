"""Files that somebody else may have made: opening, reading, writing and downloading them safely."""
