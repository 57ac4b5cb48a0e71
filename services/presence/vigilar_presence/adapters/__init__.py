"""How phones are asked: ICMP and ARP."""
