"""Domain: values and rules, without I/O, clock or async."""
