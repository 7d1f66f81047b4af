"""The nftables reader, against rules read one by one, real packets and what others wrote."""
