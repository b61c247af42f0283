"""The corpus of bad input, as tables: command lines, files and databases, each with the line that refuses it."""
