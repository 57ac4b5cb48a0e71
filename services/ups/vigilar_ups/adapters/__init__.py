"""What goes over a wire or onto a disk: NUT, and the request to the host."""
