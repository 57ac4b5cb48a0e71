"""Live pictures: leases on parts, the current GOP in memory, viewers that may lag, plain HLS beside."""
