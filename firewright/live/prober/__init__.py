"""Sending packets to other machines and seeing what answers: TCP, UDP, ICMP echo, ESP and AH, with or without root."""
