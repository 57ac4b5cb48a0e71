"""Who is home, and what may follow from it. No I/O."""
